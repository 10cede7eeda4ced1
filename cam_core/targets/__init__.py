"""What is explained: a target turns the score tensor y into the cotangent dY/dy.

Of a dense score, [N, C, *S] or with `class_axis=-1` [N, *S, C], Y is the sum over all positions.
"""

from .anchor import AnchorTarget
from .asking import Asking, Placed, Seen
from .box import BoxTarget
from .cells import CellsTarget
from .contrast import ContrastTarget
from .cotangent import CotangentTarget
from .grammar import Question, as_target, parse_target, read_target, usual
from .one_class import ClassTarget
from .place import PlaceTarget
from .probability import ProbabilityTarget
from .region import RegionTarget
from .table import TARGETS
from .target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from .text import TextTarget
from .top_classes import TopTarget

__all__ = [
    "NONE",
    "TARGETS",
    "AnchorTarget",
    "Asking",
    "AwaitingTarget",
    "BoxTarget",
    "CellsTarget",
    "ClassTarget",
    "ContrastTarget",
    "CotangentTarget",
    "Kind",
    "Outputs",
    "PlaceTarget",
    "Placed",
    "ProbabilityTarget",
    "Question",
    "RegionTarget",
    "ScoredTarget",
    "Seen",
    "TextTarget",
    "TopTarget",
    "as_target",
    "parse_target",
    "read_target",
    "usual",
]
