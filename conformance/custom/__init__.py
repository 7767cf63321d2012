"""Custom backward passes of a framework: `torch.autograd.Function`, judged by their own forward."""
