"""The rules of If, Loop and Scan, and of the recurrent operators, which are loops too."""

from . import branches, loops, recurrent

__all__ = ["branches", "loops", "recurrent"]
