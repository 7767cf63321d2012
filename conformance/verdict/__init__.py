"""The verdict: how far each quantity is off, which equation is to blame, and who is wrong."""
