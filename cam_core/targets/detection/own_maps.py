"""Boxes with maps of their own, made of the part of the picture that they lie on (Mask R-CNN).

A mask of probabilities, or a heat map a keypoint (He et al. 2017), of the box's grid of cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..target import NONE, Outputs, ScoredTarget
from .of_box import Found

EVEN = 0.5
"""The probability from which on a cell belongs to the mask."""
BATCH = 4
"""Axes of masks [N, n, h, w], one a box."""
ALIKE = 1e-3
"""How far a probability may be from the sigmoid of its logit, in float16 too."""


@dataclass(frozen=True, eq=False)
class OwnMapTarget(ScoredTarget):
    """Y = sum of w f(m) over the cells of the map m of one box a row; which cells count is held.

    Of a mask the mean of f(p) = log p / (1 - p) over its cells, of a keypoint its largest number.
    """

    output: str
    """The tensor with the maps."""
    places: tuple[tuple[int, ...], ...]
    """Of each row, where in it the map [h, w] is."""
    shares: Array
    """w [N, h, w]."""
    of_probabilities: bool
    label: str = "map"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    unit: str = "heat"
    """Of the number."""
    single = False

    @property
    def tensor(self) -> str:
        """The tensor with the maps."""
        return self.output

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dm = w, or w / (p (1 - p))."""
        slope = np.zeros_like(y)
        for place, m, w in zip(self.places, self._maps(y), self.shares, strict=True):
            slope[place] = w / (m * (1 - m)) if self.of_probabilities else w
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        m = self._maps(y)
        f = np.log(m) - np.log1p(-m) if self.of_probabilities else m
        found: Array = np.sum(self.shares * f, axis=(1, 2))
        return found

    def classes(self, y: Array) -> None:
        """None: it is about a box."""

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """What of which box."""
        facts = self.detail[0].get("box", {}) if len(self.detail) == 1 else {}
        which = self.label.partition("@")[0].replace(":", " ")
        return f"{which} of {facts.get('label') or 'class ' + str(facts['class'])}" if facts else ""

    def _maps(self, y: Array) -> Array:
        """[N, h, w] in float64; of probabilities as far inside (0, 1) as their type can say."""
        found = np.stack([y[place] for place in self.places]).astype(np.float64)
        limits = np.finfo(y.dtype)
        return np.clip(found, limits.tiny, 1 - limits.epsneg) if self.of_probabilities else found


def own_mask_of(found: Found) -> OwnMapTarget:
    """The mask of a box that was found, as logits where the model has them.

    Raises:
        TargetError: it has no cell.
    """
    label, boxes = f"mask@{found.target.label}", found.boxes
    tensor = boxes.masks
    places = _places(found, _looked_at(found, tensor))
    masks = _maps(found, tensor, places)
    inside = np.stack(masks) > EVEN
    counts = inside.sum(axis=(1, 2))
    if not counts.all():
        raise TargetError(f"{found.asked}: no cell of the mask is above {EVEN:g}")
    said = [{"places": int(n), "share": float(n / inside[0].size)} for n in counts]
    detail = tuple({**d, "mask": m} for d, m in zip(found.target.detail, said, strict=True))
    shares = inside / counts[:, None, None]
    before = _before_sigmoid(found, masks) if boxes.mask_logits else None
    if before is not None:
        return OwnMapTarget(boxes.mask_logits, before, shares, False, label, detail, "mask logit")
    return OwnMapTarget(tensor, places, shares, True, label, detail, "mask logit")


def _before_sigmoid(found: Found, masks: Sequence[Array]) -> tuple[tuple[int, ...], ...] | None:
    """Where the logits of these probabilities are: of all classes those whose sigmoids they are.

    A probability of nearly 1 has lost what its logit says. None: there are no such ones.
    """
    every, places = _looked_at(found, found.boxes.mask_logits), []
    for row, (anchor, mask) in enumerate(zip(found.anchors, masks, strict=True)):
        at = _before(every, row, anchor, found)
        if at is None or every.shape[-2:] != mask.shape:
            return None
        p = 1 / (1 + np.exp(-every[at].astype(np.float64).reshape(-1, *mask.shape)))
        apart = np.abs(p - mask).max(axis=(1, 2))
        if apart.min() > ALIKE:
            return None
        places.append((*at, int(apart.argmin())) if every[at].ndim > mask.ndim else at)
    return tuple(places)


def _before(every: Array, row: int, anchor: int, found: Found) -> tuple[int, ...] | None:
    """Where in [N, n, C, h, w] or [N, n, h, w] those of a box are; None of other tensors."""
    rows, count = every.shape[:2]
    return (row, anchor) if rows == len(found.anchors) and anchor < count else None


def _places(found: Found, maps: Array) -> tuple[tuple[int, ...], ...]:
    """Where in [N, n, 1, h, w], or in [N, n, h, w] of a batch, the map of each row's box is.

    Raises:
        TargetError: its first axis counts something else.
    """
    if len(maps) != len(found.anchors):
        raise TargetError(
            f"{found.asked}: the masks of all pictures lie in one row ({list(maps.shape)}): fix "
            f"the size of the batch (--static)"
        )
    last = () if maps.ndim == BATCH else (0,)
    return tuple((row, anchor, *last) for row, anchor in enumerate(found.anchors))


def heat_of(found: Found, number: int, coordinate: str) -> OwnMapTarget:
    """The largest number of a keypoint's heat map, of a box that was found.

    Raises:
        TargetError: a coordinate, or a keypoint that there is not.
    """
    tensor = found.boxes.heats
    places = tuple((0, anchor, number) for anchor in found.anchors)
    maps = np.stack(_maps(found, tensor, places))
    if coordinate:
        raise TargetError(
            f"{found.asked}: these keypoints lie where a heat map is largest, which has no "
            f"derivative: ask for keypoint:{number}@{found.target.label}"
        )
    flat = maps.reshape(len(maps), -1)
    shares = np.zeros_like(flat)
    shares[np.arange(len(flat)), flat.argmax(axis=1)] = 1
    label = f"keypoint:{number}@{found.target.label}"
    return OwnMapTarget(
        tensor, places, shares.reshape(maps.shape), False, label, found.target.detail
    )


def _maps(found: Found, tensor: str, places: Sequence[tuple[int, ...]]) -> list[Array]:
    """The map [h, w] of each row, in float64."""
    maps = _looked_at(found, tensor)
    most = max((*place, 0, 0)[2] for place in places)  # a mask has one map
    if most and (last := maps.shape[2] - 1) < most:
        raise TargetError(f"{found.asked}: there are keypoints 0 to {last}")
    return [maps[place].astype(np.float64) for place in places]


def _looked_at(found: Found, tensor: str) -> Array:
    """The numbers of a tensor [N, n, K, h, w], looked at once for all questions."""
    seen, key = found.seen, (OwnMapTarget, tensor)
    if seen.tensor is None:
        raise TargetError(f"{found.asked}: this backend gives no numbers inside the model")
    if key not in seen.made:
        seen.made[key] = seen.tensor(tensor)
    maps: Array = seen.made[key]
    return maps
