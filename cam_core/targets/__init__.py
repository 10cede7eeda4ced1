"""What is explained: a target turns the score tensor y into the cotangent dY/dy.

Of a dense score, [N, C, *S] or with `class_axis=-1` [N, *S, C], Y is the sum over all positions.
"""

from .against import AgainstTarget
from .anchor import AnchorTarget
from .asking import Asking, Placed, Seen
from .box import BoxTarget
from .caption import CaptionTarget
from .cells import CellsTarget
from .contrast import ContrastTarget
from .cotangent import CotangentTarget
from .edge import EdgeTarget
from .finer import FinerTarget
from .grammar import Question, as_target, parse_target, read_target, usual
from .keypoint import KeypointTarget
from .loss import LossTarget
from .mask import MaskTarget
from .norm import NormTarget
from .one_class import ClassTarget
from .out import OutTarget
from .place import PlaceTarget
from .probability import ProbabilityTarget
from .region import RegionTarget
from .rest import RestTarget
from .similar import LikeTarget, SimilarTarget
from .table import TARGETS
from .target import NONE, AwaitingTarget, Kind, Mirrored, Outputs, ScoredTarget
from .text import TextTarget
from .top_classes import TopTarget
from .value import ValueTarget
from .words import StepsTarget, WordsTarget

__all__ = [
    "NONE",
    "TARGETS",
    "AgainstTarget",
    "AnchorTarget",
    "Asking",
    "AwaitingTarget",
    "BoxTarget",
    "CaptionTarget",
    "CellsTarget",
    "ClassTarget",
    "ContrastTarget",
    "CotangentTarget",
    "EdgeTarget",
    "FinerTarget",
    "KeypointTarget",
    "Kind",
    "LikeTarget",
    "LossTarget",
    "MaskTarget",
    "Mirrored",
    "NormTarget",
    "OutTarget",
    "Outputs",
    "PlaceTarget",
    "Placed",
    "ProbabilityTarget",
    "Question",
    "RegionTarget",
    "RestTarget",
    "ScoredTarget",
    "Seen",
    "SimilarTarget",
    "StepsTarget",
    "TextTarget",
    "TopTarget",
    "ValueTarget",
    "WordsTarget",
    "as_target",
    "parse_target",
    "read_target",
    "usual",
]
