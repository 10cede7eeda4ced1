"""What an explanation is: the maps of a batch, their origin, and what is doubtful about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from .backend import Array
from .errors import InputError
from .maps.combine import heatmap
from .maps.stats import stats
from .places import Cells
from .region import Region
from .write import write_together


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The maps of one layer for one target, N rows; index it for one row."""

    map: Array
    """ReLU(sum_k alpha_k A^k), raw [N, *S]."""
    signed: Array
    """The same before the ReLU: negative evidence too."""
    alpha: Array | None
    """[N, K, 1..] or [N, K, *S]; None of a map that is no weighted sum of activations."""
    score: Array
    """Y [N]."""
    classes: Array | None
    """int64 [N], where the target is about a class."""
    layer: str
    method: str
    target: str
    """What was asked for, in words."""
    raw_max: Array
    """The maximum of each map [N], before any scaling."""
    noise_floor: Array
    """Below this [N] a map is rounding noise."""
    diagnosis: tuple[str, ...]
    """A reason a row, '' where nothing is wrong."""
    labels: tuple[str, ...] | None = None
    """The name of each row's class, where known."""
    region: Region | None = None
    """What of the input the maps cover; None: all of it, or nobody knows."""
    parts: tuple[Explanation, ...] = ()
    """Of a map merged from several layers: those of each layer."""
    fuse: str = ""
    """The row of FUSES that merged them, where one was asked for."""
    smooth: str = ""
    """How it was smoothed, rows of SMOOTHS."""
    detail: tuple[Mapping[str, Any], ...] = ()
    """What else there is to say of each row's target, ready for JSON: the box, its anchor."""
    outline: Cells | None = None
    """Which cells of the score the target is about, where it is about some."""
    chosen: str = ""
    """Why it is this method, where the evidence chose it."""
    own: Cells | None = None
    """A map that the model gives itself, to be seen beside."""

    def __len__(self) -> int:
        """N."""
        return len(self.map)

    def __getitem__(self, row: int) -> Explanation:
        """One row, as an explanation of its own."""
        index = range(len(self))[row]
        if len(self) == 1:
            return self
        return replace(self, **{f.name: _take(getattr(self, f.name), index) for f in fields(self)})

    def __iter__(self) -> Iterator[Explanation]:
        """Row by row."""
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        """One line."""
        rows = f"{len(self)} rows, " if len(self) != 1 else ""
        size = "x".join(map(str, self.map.shape[1:])) or "a point"
        about = "".join(f"; {reason}" for reason in dict.fromkeys(self.diagnosis) if reason)
        return (
            f"<{self.method} of {self.target}{self._named()} at {self.layer}: {rows}{size}, "
            f"score {_numbers(self.score)}, max {_numbers(self.raw_max)}{about}>"
        )

    def lies_over(self, size: Sequence[int]) -> bool:
        """Has its map the axes of a picture of this size, or is it known along which it runs?"""
        rank, region = self.map.ndim - 1, self.region
        return rank == len(size) or (region is not None and len(region.along(len(size))) == rank)

    @property
    def blank(self) -> Array:
        """bool [N]: rows whose map is zero, noise or NaN, with nothing to show."""
        return ~(self.raw_max > self.noise_floor)

    @property
    def stats(self) -> Array:
        """Where the maps lie and how strong they are [N, 8]: the numbers of `maps.stats.STATS`."""
        return stats(self.map, self.signed)

    def heatmap(self, size: Sequence[int] | None = None) -> Array:
        """The maps in [0, 1] over the whole input, [N, *size]; blank ones stay 0.

        With no size they stay as they are, over their own region. Over an axis that the file lays
        out as a picture they lie row by row.
        """
        picture = self.region.picture_of(size) if self.region is not None and size else ()
        if picture:
            return self.heatmap(picture).reshape(len(self), -1)
        keep = ~self.blank.reshape([-1] + [1] * (self.map.ndim - 1))
        lit = np.where(keep, self.map, np.zeros_like(self.map))
        if size is None or self.region is None:
            return heatmap(lit, size)
        return heatmap(lit, size, self.region.windows, self.region.along(len(size)))

    def overlay(self, image: Array, *, image_weight: float = 0.5) -> Array:
        """The heatmap over an image [H, W, 3] that fills the model's input; uint8 [H, W, 3].

        A blank map leaves the image as it is. For a photo that was cropped or letterboxed use
        `cam_core.image`, which knows where it went.
        """
        from .image import overlay

        row = self._only_row()
        if bool(row.blank[0]):
            return image.copy()
        return overlay(image, row.heatmap(image.shape[:2])[0], image_weight=image_weight)

    def save(
        self, folder: str | Path, stem: str = "cam", *, image: Array | None = None
    ) -> list[Path]:
        """Writes a picture, the raw maps and the facts of each row; returns the paths.

        `stem.png` (the heatmap, or the overlay where an image is given; 2-D maps only),
        `stem.npy`, `stem.signed.npy` and `stem.json`; of several rows `stem.0.png` and so on. All
        are written under temporary names and renamed at the end.
        """
        from .report import files_of

        found: dict[str, bytes] = {}
        for i, row in enumerate(self):
            name = stem if len(self) == 1 else f"{stem}.{i}"
            picture = None
            if self.map.ndim == 3:
                picture = row._colours() if image is None else row.overlay(image)
            facts = json.dumps(row.facts(), indent=1).encode()
            found |= files_of(name, row, facts, picture=picture, signed=True)
        return write_together(folder, found)

    def facts(self) -> dict[str, Any]:
        """What there is to say about one row, ready for JSON."""
        row = self._only_row()
        return {
            "target": row.target,
            "class": None if row.classes is None else int(row.classes[0]),
            "label": None if row.labels is None else row.labels[0],
            "score": _finite(row.score[0]),
            "layer": row.layer,
            "input": None if row.region is None else row.region.input or None,
            "method": row.method,
            **({"chosen": row.chosen} if row.chosen else {}),
            "shape": list(row.map.shape[1:]),
            "raw_max": _finite(row.raw_max[0]),
            "raw_min": _finite(np.min(row.signed[0])),
            "noise_floor": _finite(row.noise_floor[0]),
            "diagnosis": row.diagnosis[0],
            **({"smooth": row.smooth} if row.smooth else {}),
            **({"fuse": row.fuse} if row.fuse else {}),
            **({"layers": [_at_layer(part) for part in row.parts]} if row.parts else {}),
            **(row.detail[0] if row.detail else {}),
        }

    def _repr_png_(self) -> bytes | None:
        """The heatmap in a notebook, where there is one to show."""
        if len(self) != 1 or self.map.ndim != 3 or bool(self.blank[0]):
            return None
        from .image.png import png

        return png(self._colours())

    def _repr_html_(self) -> str:
        """Every row in a notebook: its heatmap, or the reason why there is none."""
        return "".join(row._figure() for row in self)

    def _figure(self) -> str:
        from base64 import b64encode
        from html import escape

        png = self._repr_png_()
        shown = "" if png is None else _IMAGE.format(b64encode(png).decode())
        return _FIGURE.format(shown, escape(repr(self)))

    def _colours(self) -> Array:
        """The heatmap in colour, enlarged to be seen; grey where the map is blank."""
        from .image import jet

        factor = max(1, 224 // max(self.map.shape[1:]))
        size = tuple(n * factor for n in self.map.shape[1:])
        if bool(self.blank[0]):
            return np.full((*size, 3), 127, np.uint8)
        return jet(self.heatmap(size)[0])

    def _named(self) -> str:
        """The label of a single row, where the target does not say it."""
        known = self.labels if len(self) == 1 and self.labels else ("",)
        return "" if known[0] in ("", self.target) else f" ({known[0]})"

    def _only_row(self) -> Explanation:
        if len(self) != 1:
            raise InputError(f"this explanation has {len(self)} rows: index one first, as in e[0]")
        return self


_IMAGE = '<img src="data:image/png;base64,{}">'
_FIGURE = '<figure style="display:inline-block">{}<figcaption>{}</figcaption></figure>'


def _take(value: Any, row: int) -> Any:
    """One row of what has rows, still as a batch."""
    if isinstance(value, np.ndarray):
        return value[row : row + 1]
    if isinstance(value, Cells):
        return value.row(row)
    if isinstance(value, tuple) and value and isinstance(value[0], Explanation):
        return tuple(part[row] for part in value)
    return (value[row],) if isinstance(value, tuple) and value else value


def _at_layer(part: Explanation) -> dict[str, Any]:
    """What a merged map was made of."""
    return {
        "layer": part.layer,
        "shape": list(part.map.shape[1:]),
        "raw_max": _finite(part.raw_max[0]),
        "noise_floor": _finite(part.noise_floor[0]),
        "diagnosis": part.diagnosis[0],
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _numbers(values: Array) -> str:
    return ", ".join(f"{v:.4g}" for v in values[:4]) + (", ..." if len(values) > 4 else "")
