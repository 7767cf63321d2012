"""The recorded cases: what one holds, and how it is drawn, stored, read and exported."""
