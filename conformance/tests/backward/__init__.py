"""Programs with a hand-written backward pass, and copies of them with one line wrong."""
