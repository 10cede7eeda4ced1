"""The kinds of targets."""

from __future__ import annotations

from .anchor import ANCHOR
from .box import BOX
from .character import CHARACTER
from .contrast import CONTRAST
from .cotangent import COTANGENT
from .one_class import CLASS
from .place import PLACE
from .probability import PROBABILITY
from .region import REGION
from .target import Kind
from .text import TEXT
from .top_classes import TOP

TARGETS: dict[str, Kind] = {
    "class": CLASS,
    "contrast": CONTRAST,
    "prob": PROBABILITY,
    "top": TOP,
    "region": REGION,
    "place": PLACE,
    "text": TEXT,
    "char": CHARACTER,
    "box": BOX,
    "anchor": ANCHOR,
    "cotangent": COTANGENT,
}
"""By name, the most general first: a text is what the last of them takes it for.

To add one: a file with its class and its row, a line here, its cases in tests/core/targets."""
