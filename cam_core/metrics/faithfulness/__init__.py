"""Does the score hang on what a map shows? Asked of the model's forward pass alone."""

from .combined import adcc, arcc, coherency
from .drop import absolute_drop, absolute_gain, increase, relative_drop, relative_gain
from .imputation import impute
from .masking import masked_input, masked_scores
from .occlusion import Occlusion, occlusion, occlusion_correlation
from .removal import ScoreCurve, blurred, deletion, insertion
from .road import Road, road

__all__ = [
    "Occlusion",
    "Road",
    "ScoreCurve",
    "absolute_drop",
    "absolute_gain",
    "adcc",
    "arcc",
    "blurred",
    "coherency",
    "deletion",
    "impute",
    "increase",
    "insertion",
    "masked_input",
    "masked_scores",
    "occlusion",
    "occlusion_correlation",
    "relative_drop",
    "relative_gain",
    "road",
]
