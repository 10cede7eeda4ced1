"""Where the photo lies in the model's input, and the way back.

Coordinates are those of pixel edges: pixel i covers [i, i + 1) and has its centre at i + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError

FITS = ("crop", "stretch", "letterbox", "corner")


@dataclass(frozen=True)
class Placement:
    """The part `box` of the photo is resized to `inner` and laid at `corner` of the input."""

    photo: tuple[int, int]
    """The photo's height and width."""
    size: tuple[int, int]
    """The model input's height and width."""
    box: tuple[float, float, float, float]
    """What the model sees of the photo: top, left, bottom, right; not always whole pixels."""
    inner: tuple[int, int]
    """Height and width of that part once resized."""
    corner: tuple[int, int]
    """Top and left of that part in the input: not zero where a letterbox pads."""

    @property
    def scale(self) -> tuple[float, float]:
        """Photo pixels per input pixel, down and across."""
        top, left, bottom, right = self.box
        return (bottom - top) / self.inner[0], (right - left) / self.inner[1]

    @property
    def matrix(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """The affine map (x, y, 1) of the input -> (x, y) of the photo."""
        (sy, sx), (top, left) = self.scale, self.box[:2]
        return (sx, 0.0, left - self.corner[1] * sx), (0.0, sy, top - self.corner[0] * sy)

    def seen(self, size: tuple[int, int] | None = None) -> tuple[slice, slice]:
        """Rows and columns of the photo (drawn at `size`) whose centres the model saw."""
        size = self.photo if size is None else size
        spans = []
        for axis in (0, 1):
            ratio = size[axis] / self.photo[axis]
            low, high = (self.box[axis + end] * ratio for end in (0, 2))
            first = min(max(int(np.ceil(low - 0.5)), 0), size[axis] - 1)
            last = min(max(int(np.ceil(high - 0.5)), first + 1), size[axis])
            spans.append(slice(first, last))
        return spans[0], spans[1]

    def to_photo(self, heatmap: Array, size: tuple[int, int] | None = None) -> Array:
        """Warp a heatmap [h, w] over the whole input to the photo's own pixels [H, W].

        Bilinear between half-pixel centres, edges held. What the model never saw is 0, and a
        letterbox's padding is cut off. `size` draws the photo at another height and width.
        """
        size = self.photo if size is None else size
        rows, columns = self.seen(size)
        warped = np.asarray(heatmap)
        for axis, span in enumerate((rows, columns)):
            scale, shift = self.scale[axis], self.matrix[1 - axis][2]
            centres = (np.arange(span.start, span.stop) + 0.5) * self.photo[axis] / size[axis]
            inputs = (centres - shift) / scale
            warped = sample(warped, inputs * heatmap.shape[axis] / self.size[axis], axis)
        out = np.zeros(size, dtype=warped.dtype)
        out[rows, columns] = warped
        return out


def sample(values: Array, at: Array, axis: int) -> Array:
    """Linear interpolation along one axis at edge coordinates `at`, the outer centres held."""
    extent = values.shape[axis]
    position = np.clip(at - 0.5, 0, extent - 1)
    low = np.floor(position).astype(np.intp)
    high = np.minimum(low + 1, extent - 1)
    weight = (position - low).astype(values.dtype)
    weight = weight.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    blend: Array = values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight
    return blend


def place(
    photo: tuple[int, int],
    size: tuple[int, int],
    fit: str,
    *,
    shorter: int | None = None,
    margin: float = 1.0,
) -> Placement:
    """Lay a photo [H, W] into an input [h, w].

    Args:
        fit: "crop" keeps the shape and cuts the centre, "stretch" does not keep the shape,
            "letterbox" keeps the shape and pads, "corner" pads to the right and below alone.
        shorter: for "crop" and "stretch", the length of the shorter side before the centre is cut
            out; a stretched photo has the input's shape by then.
        margin: for "crop" without `shorter`, how many times the input the resized photo covers.
    """
    (H, W), (h, w) = photo, size
    whole = (0.0, 0.0, float(H), float(W))
    if fit == "stretch" and shorter is None:
        return Placement(photo, size, whole, size, (0, 0))
    if fit in ("letterbox", "corner"):
        ratio = min(h / H, w / W)
        inner = max(1, min(h, round(H * ratio))), max(1, min(w, round(W * ratio)))
        left_over = ((h - inner[0]) // 2, (w - inner[1]) // 2) if fit == "letterbox" else (0, 0)
        return Placement(photo, size, whole, inner, left_over)
    if shorter is None:
        resized = cover(photo, (round(h * margin), round(w * margin)))
    elif fit == "stretch":
        resized = round(h * shorter / min(size)), round(w * shorter / min(size))
    else:
        resized = cover(photo, (shorter, shorter))
    if resized[0] < h or resized[1] < w:
        raise InputError(
            f"resize {shorter}: the photo becomes {resized[0]}x{resized[1]}, smaller than the "
            f"input {h}x{w}. Give a larger --resize or another --fit."
        )
    top, left = round((resized[0] - h) / 2), round((resized[1] - w) / 2)
    sy, sx = H / resized[0], W / resized[1]
    box = (top * sy, left * sx, (top + h) * sy, (left + w) * sx)
    return Placement(photo, size, box, size, (0, 0))


def cover(photo: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The least height and width in the photo's own shape that cover [h, w].

    The side that decides is exact and the other truncated, as in torchvision's Resize.
    """
    (H, W), (h, w) = photo, size
    if h * W >= w * H:
        return h, max(w, h * W // H)
    return max(h, w * H // W), w
