"""Does a map lie on the object? Against boxes and masks that somebody labelled."""

from .boxes import BoxAccuracy, box_overlap, localisation_error, max_box_accuracy
from .choosing import Chosen, choose_threshold
from .pointing import energy_in_box, pointing_game
from .relevance import relevance_mass, relevance_rank

__all__ = [
    "BoxAccuracy",
    "Chosen",
    "box_overlap",
    "choose_threshold",
    "energy_in_box",
    "localisation_error",
    "max_box_accuracy",
    "pointing_game",
    "relevance_mass",
    "relevance_rank",
]
