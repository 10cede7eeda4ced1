"""`gradcam ...`: one file a command. It prints, as the commands of a backend do."""

from .group import main

__all__ = ["main"]
