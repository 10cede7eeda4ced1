"""How a model wants its photos: presets tried, on a reference or on its own confidence."""

from .candidates import RANGES, Candidate, colours, current, fits, flags
from .examine import Examined, against, alone
from .verdict import Verdict, judge

__all__ = [
    "RANGES",
    "Candidate",
    "Examined",
    "Verdict",
    "against",
    "alone",
    "colours",
    "current",
    "fits",
    "flags",
    "judge",
]
