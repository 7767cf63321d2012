"""A `torch.nn.Module` as a subject."""
