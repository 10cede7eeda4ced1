"""The channels of a layer, one by one: what excites them, what they are called, what they do."""

from .dissection import Named, overlaps, sentence, thresholds, words
from .patches import peaks, square
from .ranking import Weighed, weigh
from .silencing import silenced

__all__ = [
    "Named",
    "Weighed",
    "overlaps",
    "peaks",
    "sentence",
    "silenced",
    "square",
    "thresholds",
    "weigh",
    "words",
]
