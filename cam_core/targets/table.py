"""The kinds of targets."""

from __future__ import annotations

from .anchor import ANCHOR
from .box import BOX
from .contrast import CONTRAST
from .cotangent import COTANGENT
from .one_class import CLASS
from .probability import PROBABILITY
from .target import Kind
from .top_classes import TOP
from .versus import VERSUS

TARGETS: dict[str, Kind] = {
    "class": CLASS,
    "contrast": CONTRAST,
    "prob": PROBABILITY,
    "top": TOP,
    "versus": VERSUS,
    "box": BOX,
    "anchor": ANCHOR,
    "cotangent": COTANGENT,
}
"""By name, the most general first: a text is what the last of them takes it for.

To add one: a file with its class and its row, a line here, its cases in tests/core/targets."""
