"""What the axes of a tensor are: batch, channels, places of a picture, and so how to read a map."""

from .pieces import Roles
from .seen import Seen, read

__all__ = ["Roles", "Seen", "read"]
