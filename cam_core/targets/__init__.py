"""What is explained: a target turns the score tensor y into the cotangent dY/dy.

Of a dense score, [N, C, *S] or with `class_axis=-1` [N, *S, C], Y is the sum over all positions.
"""

from .contrast import ContrastTarget
from .cotangent import CotangentTarget
from .grammar import as_target, parse_target, read_target
from .one_class import ClassTarget
from .probability import ProbabilityTarget
from .table import TARGETS
from .target import NONE, Kind, Outputs, ScoredTarget
from .top_classes import TopTarget

__all__ = [
    "NONE",
    "TARGETS",
    "ClassTarget",
    "ContrastTarget",
    "CotangentTarget",
    "Kind",
    "Outputs",
    "ProbabilityTarget",
    "ScoredTarget",
    "TopTarget",
    "as_target",
    "parse_target",
    "read_target",
]
