"""Where the axes of every tensor come from: followed from the inputs, never read off a size.

A third party needs `moves` and `Step` to say what an operator of its own does to axes.
"""

from .table import Step, moves

__all__ = ["Step", "moves"]
