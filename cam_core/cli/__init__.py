"""`gradcam ...`: one file a command; the only code that prints."""

from .group import main

__all__ = ["main"]
