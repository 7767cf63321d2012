"""The verdict: how far each quantity is off, and which equation is to blame."""
