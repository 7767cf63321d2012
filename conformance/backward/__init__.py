"""Any hand-written backward pass: which gradients are wrong, and which line is to blame."""
