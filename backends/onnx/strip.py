"""`strip` where it was before it had a room: scripts import it from here."""

from .instrumenting.strip import strip

__all__ = ["strip"]
