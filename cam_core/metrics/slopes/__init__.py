"""Is a gradient right? Against differences of the model's own tail."""

from .directions import FEW, MOST, Numeric, compare_slopes
from .verdicts import AGREES, AT_A_KINK, DIFFERS, LIMIT, UNTOLD

__all__ = [
    "AGREES",
    "AT_A_KINK",
    "DIFFERS",
    "FEW",
    "LIMIT",
    "MOST",
    "UNTOLD",
    "Numeric",
    "compare_slopes",
]
