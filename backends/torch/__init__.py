"""A live torch.nn.Module, seen at its modules' outputs by autograd."""

from .backend import TorchBackend

__all__ = ["TorchBackend"]
