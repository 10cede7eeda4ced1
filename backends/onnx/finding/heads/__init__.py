"""What each output of a model is, and how one knows."""

from .kinds import head_of
from .tails import Tail, behind

__all__ = ["Tail", "behind", "head_of"]
