"""What people see: pages opened in a real browser. Left out: pages as text (`../test_*.py`)."""
