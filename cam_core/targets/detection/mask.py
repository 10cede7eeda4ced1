"""The mask of a box, where it is: `mask@box:0`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..target import NONE, Kind, Outputs, ScoredTarget
from .boxed import rows_of
from .found import Detections
from .of_box import Found, OfBox, asked_box, require
from .own_maps import own_mask_of


@dataclass(frozen=True, eq=False)
class MaskTarget(ScoredTarget):
    """Y = mean over places P of sum_k c_k p_k, P those of the box where that sum is above 0.

    c are the coefficients of one box a row, p the prototypes [N, k, h, w] (YOLACT, Bolya et al.
    2019). Y is of both; this target is its part by way of the one or of the other, and the whole
    has both: `beside`. Which places they are is held.
    """

    output: str
    """Whose slope this is: the output with the coefficients, or with the prototypes."""
    coefficients: Array
    """[N, k]."""
    means: Array
    """[N, k]: the mean of each prototype over P."""
    places: tuple[tuple[Any, ...], ...] = ()
    """Of each row, where in its output the coefficients are; () of the prototypes' part."""
    shares: Array | None = None
    """[N, h, w]: 1 / |P| at P, of the prototypes' part."""
    beside: ScoredTarget | None = None
    label: str = "mask"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    unit = "mask logit"
    single = False

    @property
    def tensor(self) -> str:
        """The output."""
        return self.output

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dc_k = mean over P of p_k; dY/dp_k = c_k / |P| at P."""
        if self.shares is not None:
            each = self.coefficients[:, :, None, None] * self.shares[:, None]
            return each.astype(y.dtype)
        slope = np.zeros_like(y)
        for place, mean in zip(self.places, self.means, strict=True):
            slope[place] = mean
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], of the coefficients or the prototypes that y has."""
        if self.shares is not None:
            found: Array = np.einsum("nkhw,nhw,nk->n", y, self.shares, self.coefficients)
            return found
        own = np.stack([y[place] for place in self.places]).astype(np.float64)
        each: Array = np.sum(own * self.means, axis=1)
        return each

    def classes(self, y: Array) -> None:
        """None: it is about a mask."""

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """Whose mask."""
        facts = self.detail[0].get("box", {}) if len(self.detail) == 1 else {}
        return f"mask of {facts.get('label') or 'class ' + str(facts['class'])}" if facts else ""


def mask_of(found: Found) -> ScoredTarget:
    """The mask of a box that was found.

    Raises:
        TargetError: it has no mask, or that has no place.
    """
    boxes, seen = found.boxes, found.seen
    require("mask", found.asked, boxes)
    if boxes.masks:
        return own_mask_of(found)
    maps = seen.outputs[boxes.prototypes].astype(np.float64)
    output, at = found.places(replace(boxes, start=boxes.more, count=maps.shape[1]))
    c = np.stack([seen.outputs[output][place] for place in at]).astype(np.float64)
    pairs = zip(rows_of(seen, found.asked), found.anchors, strict=True)
    inside = np.stack([_inside(row, a, maps.shape[2:], seen) for row, a in pairs])
    P = inside & (np.einsum("nk,nkhw->nhw", c, maps) > 0)
    counts = P.sum(axis=(1, 2))
    if not counts.all():
        raise TargetError(f"{found.asked}: no place of the mask is above 0 in its box")
    shares = P / counts[:, None, None]
    means = np.einsum("nkhw,nhw->nk", maps, shares)
    label = f"mask@{found.target.label}"
    said = [{"places": int(n), "share": float(n / P[0].size)} for n in counts]
    detail = tuple({**d, "mask": m} for d, m in zip(found.target.detail, said, strict=True))
    of_maps = MaskTarget(boxes.prototypes, c, means, shares=shares, label=label)
    return MaskTarget(output, c, means, at, None, of_maps, label, detail)


def _inside(row: Detections, anchor: int, shape: tuple[int, ...], seen: Seen) -> Array:
    """bool [h, w]: the places whose centres lie in the box of an anchor."""
    assert seen.size is not None  # a box was found
    x0, y0, x1, y1 = row.corners[anchor]
    y, x = ((np.arange(n) + 0.5) * full / n for n, full in zip(shape, seen.size, strict=True))
    down, across = (y >= y0) & (y <= y1), (x >= x0) & (x <= x1)
    found: Array = down[:, None] & across[None]
    return found


def read(word: str, asking: Asking) -> tuple[OfBox] | None:
    """`mask@box:0`, `mask@person`."""
    found = re.fullmatch(r"mask@(.+)", word)
    if found is None or (asking.kind not in ("boxes", "") and "box:" not in word):
        return None
    if asking.head is not None and asking.head.boxes is not None:
        require("mask", word, asking.head.boxes)
    return (OfBox(asked_box(word, found[1].strip(), asking), word, mask_of),)


MASK = Kind(
    "mask@box:0",
    "the mean mask logit over the places of a box where it is above 0",
    read,
    of=("boxes",),
)
