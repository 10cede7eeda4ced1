"""Numbers of a map that run the model many times more, for those who ask for them."""

from .asking import Asking, ask
from .estimate import Estimate, estimated
from .table import EXTRAS, GROUPS, Extra, find_extras, numbers_of, with_numbers

__all__ = [
    "EXTRAS",
    "GROUPS",
    "Asking",
    "Estimate",
    "Extra",
    "ask",
    "estimated",
    "find_extras",
    "numbers_of",
    "with_numbers",
]
