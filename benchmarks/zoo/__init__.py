"""Exports of torchvision and timm classifiers against torch.autograd."""
