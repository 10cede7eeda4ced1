"""Resizing. Every mode is linear and acts on one axis after the other, so its adjoint is a product
with one matrix an axis, and the matrix is what the same Resize makes of unit vectors: exact for
whatever the runtime does, and folded at load where the extents are static.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.enlarged import spelled_resize
from ..parts.extents import extent, positions, vector
from ..parts.put_back import along
from ..registry import optional, unsupported, vjp

HALF_PIXEL = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"}
PASSED_ON = (
    "coordinate_transformation_mode",
    "nearest_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "antialias",
)
"""Attributes of a Resize since opset 11 that shape its matrix."""


@vjp("Resize")
def resize(op: Op, node: Node, gy: Tensor) -> Tensor:
    x = node.inputs[0]
    if _crops(node) and optional(node, 3) is None:
        raise unsupported(node, "it scales a region (tf_crop_and_resize without sizes)")
    if node.attrs.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise unsupported(node, "the aspect ratio is kept (keep_aspect_ratio_policy)")
    changed = _changed(op, node)
    blocks = {axis: _block(op, node, axis, place) for axis, place in changed.items()}
    rank = len(x.shape)
    if not changed:
        return gy
    if all(blocks.values()) and min(blocks) >= 2 and rank <= 5:
        kernel = [blocks.get(axis) or 1 for axis in range(2, rank)]
        mean = op.AveragePool(gy, kernel_shape=kernel, strides=kernel)
        return op.typed(op.Mul(mean, float(math.prod(kernel))), x.shape)
    g = gy
    for axis, place in reversed(changed.items()):
        g = along(op, g, axis, _response(op, node, gy, axis, place))
    return op.typed(g, x.shape)


def _scales(op: Op, node: Node) -> tuple[Tensor | None, np.ndarray[Any, Any] | None]:
    """The scales and their value; None where sizes are given instead."""
    scales = optional(node, 2)
    value = op.value(scales)
    if scales is None or (value is not None and value.size == 0) or optional(node, 3) is not None:
        return None, None
    return scales, value


def _crops(node: Node) -> bool:
    """Is a region resized, with a constant around the map?"""
    return bool(node.attrs.get("coordinate_transformation_mode") == "tf_crop_and_resize")


def _axes(node: Node) -> list[int]:
    rank = len(node.inputs[0].shape)
    return [axis % rank for axis in node.attrs.get("axes") or range(rank)]


def _region(op: Op, node: Node, place: int) -> Tensor:
    """The roi that crops the axis of the unit vectors alone, [starts of 4 axes, ends of 4]."""
    roi, axes = node.inputs[1], _axes(node)
    kind = np.dtype(roi.dtype)
    zero, one = op.constant(np.zeros(1, kind)), op.constant(np.ones(1, kind))
    start, end = (op.Slice(roi, [at], [at + 1], [0]) for at in (place, place + len(axes)))
    return op.Concat(zero, zero, start, zero, one, one, end, one, axis=0)


def _changed(op: Op, node: Node) -> dict[int, int]:
    """The axes that are resized, and where `scales` or `sizes` speak of each."""
    x, y, axes = node.inputs[0], node.outputs[0], _axes(node)
    _, value = _scales(op, node)
    if _crops(node):
        roi = op.value(node.inputs[1])
        whole = None if roi is None else (roi[: len(axes)] == 0) & (roi[len(axes) :] == 1)
        same = [x.shape[axis] is not None and x.shape[axis] == y.shape[axis] for axis in axes]
        kept = [s and whole is not None and whole[i] for i, s in enumerate(same)]
        return {axis: i for i, axis in enumerate(axes) if not kept[i]}
    if value is not None:
        return {axis: i for i, axis in enumerate(axes) if value[i] != 1}
    return {
        axis: i
        for i, axis in enumerate(axes)
        if x.shape[axis] is None or x.shape[axis] != y.shape[axis]
    }


def _block(op: Op, node: Node, axis: int, place: int) -> int | None:
    """n where every cell becomes n equal ones along `axis`."""
    if node.attrs["mode"] != "nearest":
        return None
    _, value = _scales(op, node)
    have, want = node.inputs[0].shape[axis], node.outputs[0].shape[axis]
    if value is not None:
        factor = float(value[place])
    elif isinstance(have, int) and isinstance(want, int) and have:
        factor = want / have
    else:
        return None
    coordinates, nearest = (node.attrs.get(name) for name in PASSED_ON[:2])
    rounds = coordinates in HALF_PIXEL and str(nearest).startswith("round")
    replicates = rounds or (coordinates == "asymmetric" and nearest == "floor")
    return int(factor) if replicates and factor >= 1 and factor == int(factor) else None


def _response(op: Op, node: Node, resized: Tensor, axis: int, place: int) -> Tensor:
    """[D, D']: row i is what unit vector i becomes along `axis`."""
    x = node.inputs[0]
    before = extent(op, x, axis)
    if isinstance(before, int):
        units: Any = np.eye(before, dtype=x.dtype).reshape(1, before, before, 1)
    else:
        counted = positions(op, before)
        same = op.Equal(op.Unsqueeze(counted, [1]), op.Unsqueeze(counted, [0]))
        units = op.Unsqueeze(op.Cast(same, to=x.dtype), [0, 3])
    scales, value = _scales(op, node)
    sizes = None
    if value is not None:
        scales = op.constant(np.array([1, 1, value[place], 1], np.float32))
    elif scales is not None:
        one, own = op.constant(np.ones(1, np.float32)), op.Slice(scales, [place], [place + 1], [0])
        scales = op.Concat(one, one, own, one, axis=0)
    else:
        sizes = vector(op, [1, before, extent(op, resized, axis), 1])
    attrs = {name: node.attrs.get(name) for name in PASSED_ON}
    region = _region(op, node, place) if _crops(node) else None
    again = spelled_resize(op, units, scales, sizes, node.attrs["mode"], attrs, region)
    return op.Squeeze(again, [0, 3])
