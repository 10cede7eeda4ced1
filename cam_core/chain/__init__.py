"""Models one after another, explained as one."""

from .chain import Chain

__all__ = ["Chain"]
