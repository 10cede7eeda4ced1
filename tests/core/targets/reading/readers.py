"""A reader of five classes: a blank, a, b, a space and c."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.head import Head
from cam_core.region import Places, Region
from cam_core.targets import Asking, Seen

NAMES = ["", "a", "b", " ", "c"]
PLACES = Places("N(L)C", Region("x", (3,), ((0, 1),), (2, 3)))
HEAD = Head("y", "sequence", "", "y", 2, "Softmax", places=PLACES)


def reads(path: str) -> Any:
    """Logits [1, T, 5] whose best classes are the letters of the path; `_` is the blank."""
    noise = np.random.default_rng(1).normal(size=(1, len(path), 5))
    at = ["" if c == "_" else c for c in path]
    noise[0, range(len(path)), [NAMES.index(c) for c in at]] += 6
    return noise


def seen(y: Any, labels: Any = NAMES) -> Seen:
    """What a look at an input 32 high and 24 wide shows."""
    asking = Asking(labels, 2, HEAD)
    return Seen(y, {}, asking, (32, 24), {"x": (len(y), 3, 32, 24)})
