"""From alpha and A to a map, and from maps to heatmaps; the order of steps is pytorch-grad-cam's.

These functions also run on symbolic tensors and so become part of an instrumented model: on the
maps use only operators, NumPy reductions with a tuple of axes, np.maximum, np.matmul and
np.transpose; no in-place step, no np.asarray, and x.shape[0] is never a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import ModelError
from ..region import Region, Window

WHOLE: Window = (0, 1)


def widened(values: Array) -> Array:
    """Float16 as float32, to sum over space without overflow."""
    return values.astype(np.promote_types(values.dtype, np.float32), copy=False)


def combine(A: Array, alpha: Array) -> Array:
    """L = sum_k alpha_k A^k: the signed map [N, *S], negative evidence included."""
    return total(alpha * A)


def total(weighted: Array) -> Array:
    """The sum of alpha_k A^k [N, K, *S] over the channels."""
    signed: Array = np.sum(weighted, axis=(1,))
    return signed


def positive(signed: Array) -> Array:
    """ReLU(L) [N, *S]: the evidence for the target."""
    return np.maximum(signed, 0.0)


def normalise(maps: Array) -> Array:
    """Each map [*S] of [N, *S] minus its minimum, over 1e-7 + what is then its maximum.

    The constant belongs to the definition (pytorch-grad-cam's `scale_cam_image`): the maximum of
    the result is just below 1, and a constant map becomes 0.
    """
    axes = tuple(range(1, maps.ndim))
    if not axes:
        return maps - maps
    shifted = maps - np.min(maps, axis=axes, keepdims=True)
    scaled: Array = shifted / (np.max(shifted, axis=axes, keepdims=True) + 1e-7)
    return scaled


def interpolation_matrix(
    n_in: int, n_out: int, dtype: Any = np.float32, window: Window = WHOLE
) -> Array:
    """[n_out, n_in]: linear interpolation at half-pixel centres, clamped at the edges.

    The resize of cv2.INTER_LINEAR and of ONNX Resize (linear, half_pixel); no antialias, even when
    the map shrinks. The cells tile `window` of the output, and outside it there is nothing.
    """
    return _interpolating(n_in, n_out, np.dtype(dtype), (float(window[0]), float(window[1])))


@lru_cache(maxsize=16)  # photo after photo asks for the same two
def _interpolating(n_in: int, n_out: int, dtype: np.dtype[Any], window: Window) -> Array:
    """It is shared, and so read-only."""
    low, high = window
    place = ((np.arange(n_out) + 0.5) / n_out - low) / (high - low)
    centre = place * n_in - 0.5
    below = np.floor(centre).astype(np.int64)
    fraction = centre - below
    matrix = np.zeros((n_out, n_in))
    rows = np.arange(n_out)
    # At an edge both neighbours are the same pixel, hence two additions.
    np.add.at(matrix, (rows, np.clip(below, 0, n_in - 1)), 1 - fraction)
    np.add.at(matrix, (rows, np.clip(below + 1, 0, n_in - 1)), fraction)
    matrix[(place < 0) | (place > 1)] = 0
    found = matrix.astype(dtype)
    found.flags.writeable = False
    return found


def resize(maps: Array, size: Sequence[int], windows: Sequence[Window] | None = None) -> Array:
    """Maps [N, *S] at [N, *size], any rank, by one matmul an axis; each over its window."""
    if len(size) != maps.ndim - 1:
        raise ModelError(f"size {tuple(size)} does not fit maps of {maps.ndim - 1} spatial axes")
    asked = zip(size, windows or [WHOLE] * len(size), strict=True)
    for axis, (n_out, window) in enumerate(asked, start=1):
        n_in = maps.shape[axis]
        if not isinstance(n_in, int):
            raise ModelError(
                f"a map of dynamic size ({n_in!r}) cannot be resized by a constant matrix; "
                "read the raw map and resize it where its size is known"
            )
        if n_in != n_out or window != WHOLE:
            maps = matrix_along(maps, axis, interpolation_matrix(n_in, n_out, maps.dtype, window))
    return maps


def matrix_along(maps: Array, axis: int, matrix: Array) -> Array:
    """Matrix [n_out, n_in] applied along one spatial axis."""
    if axis == maps.ndim - 2:
        left: Array = np.matmul(matrix, maps)
        return left
    if axis == maps.ndim - 1:
        right: Array = np.matmul(maps, matrix.T)
        return right
    swap = list(range(maps.ndim))
    swap[axis], swap[-1] = swap[-1], swap[axis]
    return np.transpose(np.matmul(np.transpose(maps, swap), matrix.T), swap)


def fuse(maps: Sequence[Array], size: Sequence[int] | None = None) -> Array:
    """Positive maps [N, *S_l] of several layers -> one heatmap [N, *size] in [0, 1).

    Each map is normalised, then resized; their mean is normalised once more. Normalising before
    resizing is why one layer needs the second pass too: interpolation lowers the maximum.
    """
    scaled = [normalise(m) if size is None else resize(normalise(m), size) for m in maps]
    total = scaled[0]
    for other in scaled[1:]:
        total = total + other
    return normalise(total / len(scaled) if len(scaled) > 1 else total)


def laid_over(maps: Array, size: Sequence[int], region: Region | None) -> Array:
    """Maps [N, *S] of a region at the cells of a whole of that size, 1 where they do not tell."""
    if region is None:
        return resize(maps, size)
    picture = region.picture_of(size)
    if picture:
        return np.reshape(resize(maps, picture, region.windows), (-1, *size))
    along = region.along(len(size))
    laid = resize(maps, [size[axis] for axis in along], region.windows)
    for axis in sorted(set(range(len(size))) - set(along)):
        laid = np.expand_dims(laid, axis + 1)
    return laid


def heatmap(
    maps: Array,
    size: Sequence[int] | None = None,
    windows: Sequence[Window] | None = None,
    along: Sequence[int] | None = None,
) -> Array:
    """Positive maps [N, *S] -> [N, *size] in [0, 1): normalise, resize, normalise.

    `windows`: what the map covers of each of its axes in the whole, as parts of it; the rest stays
    0. `along`: which axes of `size` those are; along the others the heat is the same everywhere.

    For 3-D maps this stays linear, where pytorch-grad-cam takes a cubic spline that overshoots.
    A map that is noise is stretched like any other: `Explanation.heatmap` leaves those out.
    """
    if size is not None and along is not None and len(along) < len(size):
        heat = heatmap(maps, [size[axis] for axis in along], windows)
        for axis in sorted(set(range(len(size))) - set(along)):
            heat = np.expand_dims(heat, axis + 1)
        return heat + np.zeros((1, *size), np.float32)
    if size is None or windows is None:
        return fuse([maps], size)
    return normalise(resize(normalise(maps), size, windows))
