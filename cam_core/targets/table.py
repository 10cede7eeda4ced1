"""The kinds of targets."""

from __future__ import annotations

from ..errors import TargetError
from .against import against
from .anchor import ANCHOR
from .asking import Asking
from .box import BOX
from .caption import CAPTION
from .character import CHARACTER
from .contrast import CONTRAST
from .cotangent import COTANGENT
from .edge import EDGE
from .finer import FINER
from .keypoint import KEYPOINT
from .loss import LOSS
from .mask import MASK
from .norm import NORM
from .one_class import CLASS
from .out import OUT
from .place import PLACE
from .probability import PROBABILITY
from .region import REGION
from .rest import REST
from .similar import SIMILAR
from .target import Kind, ScoredTarget
from .text import TEXT
from .top_classes import TOP
from .value import VALUE
from .versus import VERSUS
from .words import WORDS


def taken(word: str, asking: Asking) -> tuple[Kind, tuple[ScoredTarget, ...]]:
    """The row of TARGETS that takes a text, and what it is there."""
    for kind in reversed(TARGETS.values()):
        found = kind.read(word, asking)
        if found is not None:
            return kind, found
    raise TargetError(f"no target '{word}'")  # any text is a class


TARGETS: dict[str, Kind] = {
    "class": CLASS,
    "contrast": CONTRAST,
    "prob": PROBABILITY,
    "top": TOP,
    "region": REGION,
    "place": PLACE,
    "text": TEXT,
    "char": CHARACTER,
    "versus": VERSUS,
    "box": BOX,
    "anchor": ANCHOR,
    "words": WORDS,
    "cotangent": COTANGENT,
    "loss": LOSS,
    "rest": REST,
    "finer": FINER,
    "value": VALUE,
    "norm": NORM,
    "caption": CAPTION,
    "like": SIMILAR,
    "out": OUT,
    "edge": EDGE,
    "keypoint": KEYPOINT,
    "mask": MASK,
    "against": against(taken),
}
"""By name, the most general first: a text is what the last of them takes it for.

To add one: a file with its class and its row, a line here, its cases in tests/core/targets."""
