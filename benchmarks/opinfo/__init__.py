"""Torch's own operator samples against torch.autograd."""
