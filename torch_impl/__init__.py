"""The PyTorch twin: an ordinary module, autograd and torch.optim.SGD, none of our mathematics."""
