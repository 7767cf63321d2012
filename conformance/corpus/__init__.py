"""The recorded cases: how their starts are drawn, built, stored, and verified."""
