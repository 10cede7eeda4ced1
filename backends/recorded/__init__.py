"""A folder of recorded outputs, in place of the model that gave them."""

from .backend import RecordedBackend

__all__ = ["RecordedBackend"]
