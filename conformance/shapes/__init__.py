"""Programs of any shape: what a file defines, how it is called, what its gradients are."""
