"""What is explained: a target turns the score tensor y into the cotangent dY/dy.

Of a dense score, [N, C, *S] or with `class_axis=-1` [N, *S, C], Y is the sum over all positions.
"""

from .against import AgainstTarget
from .asking import Asking, Placed, Seen
from .classes.contrast import ContrastTarget
from .classes.finer import FinerTarget
from .classes.loss import LossTarget
from .classes.one_class import ClassTarget
from .classes.probability import ProbabilityTarget
from .classes.rest import RestTarget
from .classes.top_classes import TopTarget
from .cotangent import CotangentTarget
from .detection.anchor import AnchorTarget
from .detection.box import BoxTarget
from .detection.edge import EdgeTarget
from .detection.keypoint import KeypointTarget
from .detection.mask import MaskTarget
from .examples import Facts
from .grammar import Question, as_target, parse_target, read_target, usual
from .out import OutTarget
from .places.cells import CellsTarget
from .places.place import PlaceTarget
from .places.region import RegionTarget
from .reading.text import TextTarget
from .reading.words import StepsTarget, WordsTarget
from .table import TARGETS
from .target import NONE, AwaitingTarget, Kind, Mirrored, Outputs, ScoredTarget
from .value import ValueTarget
from .vectors.caption import CaptionTarget
from .vectors.norm import NormTarget
from .vectors.similar import LikeTarget, SimilarTarget

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
    "Facts",
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
