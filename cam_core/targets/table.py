"""The kinds of targets."""

from __future__ import annotations

from ..errors import TargetError
from .against import against
from .asking import Asking
from .classes.contrast import CONTRAST
from .classes.finer import FINER
from .classes.loss import LOSS
from .classes.one_class import CLASS
from .classes.probability import PROBABILITY
from .classes.rest import REST
from .classes.top_classes import TOP
from .classes.versus import VERSUS
from .cotangent import COTANGENT
from .detection.anchor import ANCHOR
from .detection.box import BOX
from .detection.edge import EDGE
from .detection.keypoint import KEYPOINT
from .detection.mask import MASK
from .out import OUT
from .places.place import PLACE
from .places.region import REGION
from .reading.character import CHARACTER
from .reading.text import TEXT
from .reading.words import WORDS
from .target import Kind, ScoredTarget
from .value import VALUE
from .vectors.caption import CAPTION
from .vectors.norm import NORM
from .vectors.similar import SIMILAR


def taken(word: str, asking: Asking) -> tuple[Kind, tuple[ScoredTarget, ...]]:
    """The row of TARGETS that takes a text, and what it is there."""
    for kind in reversed(TARGETS.values()):
        found = kind.read(word, asking)
        if found is not None:
            _require_steps(kind, word, asking)
            return kind, found
    raise TargetError(f"no target '{word}'")  # any text is a class


def _require_steps(kind: Kind, word: str, asking: Asking) -> None:
    """Refuses a class of a caption, which would be a sum over the steps of the writing."""
    if asking.kind == "caption" and kind in (TARGETS[name] for name in SUMMED):
        raise TargetError(
            f"target '{word}': a caption scores every word at each step, and this would be a sum "
            "over all steps: ask for its words, as 'words' or words:\"red circle\""
        )


SUMMED = ("class", "contrast", "prob", "top", "loss", "rest", "finer", "value", "norm")
"""Kinds that take a score of several places as their sum."""
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
