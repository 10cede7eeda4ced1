"""Convolutions. At stride 1 the cotangent of the image is a convolution again, as fast as the
forward one; its weights are derived by nodes that a runtime folds at load.
"""

from __future__ import annotations

import math

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import Extent, extent, product, reshape
from ..parts.nchwc import blocked
from ..parts.windows import Windows, apart, surround, window, windows_of
from ..registry import Cotangent, unsupported, vjp
from .linear import unmerged


@vjp("Conv")
def conv(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y[o] = sum_t w[t] x[o*stride - begin + t*dilation]."""
    x, w = node.inputs[:2]
    group = node.attrs["group"]
    geometry = windows_of(node, w.shape[2:], x.shape[2:])

    def of_w() -> Tensor:
        return op.typed(weight_cotangent(op, node, x, gy, geometry), w.shape)

    return lambda: image_cotangent(op, gy, w, geometry, group, x), of_w, lambda: of_bias(op, gy)


def of_bias(op: Op, gy: Tensor) -> Tensor:
    """[N, C, *S] -> [C]."""
    return op.ReduceSum(gy, [i for i in range(len(gy.shape)) if i != 1], keepdims=0)


def image_cotangent(
    op: Op, gy: Tensor, w: Tensor, geometry: Windows, group: int, x: Tensor
) -> Tensor:
    """x [N, C, *S] from gy [N, O, *S'] and w [O, C/group, *kernel], by the cheapest way."""
    depthwise = w.shape[1] == 1 and (w.shape[0] == group or group == 1)
    if all(s == 1 for s in geometry.strides) and (group == 1 or w.shape[1] == 1):
        found = _flipped(op, gy, w, geometry, group, x)
    elif depthwise and None not in geometry.begin:
        found = _flipped(op, apart(op, gy, geometry.strides), w, geometry, group, x)
    else:
        found = blocked(op, op.typed(_strided(op, gy, w, geometry, group, x), x.shape))
    return op.typed(found, x.shape)


def _flipped(op: Op, g: Tensor, w: Tensor, geometry: Windows, group: int, x: Tensor) -> Tensor:
    """A convolution of stride 1 with the mirrored weights, channels exchanged."""
    g, pads = surround(op, g, geometry, x)
    kernel = list(geometry.kernel)
    mirrored = _mirrored(op, w, group, kernel)
    attrs = {"dilations": list(geometry.dilations)} if max(geometry.dilations) > 1 else {}
    return op.Conv(g, mirrored, kernel_shape=kernel, pads=pads, group=group, **attrs)


def _mirrored(op: Op, w: Tensor, group: int, kernel: list[int]) -> Tensor:
    """[O, C/group, *kernel] -> [C, O/group, *kernel], each kernel point-mirrored."""
    cells = math.prod(kernel)
    if cells == 1 and group == 1:
        return op.Transpose(w, perm=[1, 0, *range(2, len(w.shape))])
    channels = w.shape[1]
    parts = op.Transpose(op.Reshape(w, [group, -1, channels, cells]), perm=[0, 2, 1, 3])
    if cells > 1:
        parts = op.Gather(parts, np.arange(cells)[::-1], axis=3)
    return op.Reshape(parts, [group * channels, -1, *kernel])


def _strided(op: Op, gy: Tensor, w: Tensor, geometry: Windows, group: int, x: Tensor) -> Tensor:
    """ConvTranspose, its pads chosen to leave x's extents (output_shape would override them)."""
    rank = len(geometry.kernel)
    begin, end, extra = [0] * rank, [0] * rank, [0] * rank
    spans: dict[int, tuple[Extent, Extent]] = {}
    for i, stride in enumerate(geometry.strides):
        front, have, want = geometry.begin[i], gy.shape[i + 2], x.shape[i + 2]
        begin[i] = front or 0
        if front is not None and isinstance(have, int) and isinstance(want, int):
            left = stride * (have - 1) + geometry.reach(i) + 1 - front - want
            # cuDNN takes symmetric pads alone; output_padding stays below the stride
            end[i] = front if 0 <= front - left < stride else max(left, 0)
            extra[i] = end[i] - left
        else:  # as long as it can be, then cut
            extra[i] = stride - 1
            start = geometry.first(op, i, x, gy) if front is None else 0
            spans[i + 2] = (start, extent(op, x, i + 2))
    attrs = geometry.attributes()
    if any(extra):
        attrs["output_padding"] = extra
    kernel = list(geometry.kernel)
    g, w = unmerged(op, gy, w, w.shape[0] == w.shape[1] * group)
    whole = op.ConvTranspose(g, w, kernel_shape=kernel, pads=begin + end, group=group, **attrs)
    return window(op, whole, spans)


def weight_cotangent(op: Op, node: Node, image: Tensor, maps: Tensor, geometry: Windows) -> Tensor:
    """[O, C/group, *kernel] from image [N, C, *S] and maps [N, O, *S']: they are convolved with
    each other, batch and channels exchanged, strides and dilations too.
    """
    if None in geometry.begin or not isinstance(image.shape[1], int):
        raise unsupported(node, "auto_pad or a dynamic channel axis meets a computed weight")
    group, rank = node.attrs["group"], len(geometry.kernel)
    space = list(range(2, rank + 2))
    batched = op.Transpose(image, perm=[1, 0, *space])
    if group > 1:
        each = image.shape[1] // group
        rows, extents = extent(op, image, 0), [extent(op, image, axis) for axis in space]
        apart = reshape(op, image, [rows, group, each, *extents])
        apart = op.Transpose(apart, perm=[2, 1, 0, *range(3, rank + 3)])
        batched = reshape(op, apart, [each, product(op, [rows, group]), *extents])
    found = op.Conv(
        batched,
        op.Transpose(maps, perm=[1, 0, *space]),
        strides=list(geometry.dilations),
        dilations=list(geometry.strides),
        pads=[*geometry.begin, *geometry.end],
        group=group,
    )
    found = op.Slice(found, [0] * rank, list(geometry.kernel), space)
    return op.Transpose(found, perm=[1, 0, *space])


@vjp("ConvTranspose")
def conv_transpose(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The adjoint of a convolution: its own adjoint is that convolution."""
    x, w = node.inputs[:2]
    geometry = _scattering(node, x, w)

    def of_x() -> Tensor:
        group = node.attrs["group"]
        found = op.Conv(
            *unmerged(op, gy, w, w.shape[0] == w.shape[1] * group),
            kernel_shape=list(geometry.kernel),
            pads=[*geometry.begin, *geometry.end],
            group=group,
            **geometry.attributes(),
        )
        extra = node.attrs.get("output_padding") or (0,) * len(geometry.kernel)
        given = bool(node.attrs.get("output_shape"))
        longer = [i + 2 for i, e in enumerate(extra) if given or e >= geometry.strides[i]]
        found = window(op, found, {axis: (0, extent(op, x, axis)) for axis in longer})
        return op.typed(found, x.shape)

    def of_w() -> Tensor:
        return op.typed(weight_cotangent(op, node, gy, x, geometry), w.shape)

    return of_x, of_w, lambda: of_bias(op, gy)


def _scattering(node: Node, x: Tensor, w: Tensor) -> Windows:
    """The windows of a ConvTranspose, its pads derived from auto_pad and output_shape."""
    plain = windows_of(node, w.shape[2:], [None] * (len(w.shape) - 2))
    auto, shape = node.attrs.get("auto_pad", "NOTSET"), node.attrs.get("output_shape")
    if not shape and not str(auto).startswith("SAME"):
        return plain
    rank = len(plain.kernel)
    extra = node.attrs.get("output_padding") or (0,) * rank
    begin, end = [], []
    for i, stride in enumerate(plain.strides):
        extent = x.shape[i + 2]
        natural = extra[i] + plain.reach(i) + 1 - stride
        if not shape:
            total = natural
        elif isinstance(extent, int):
            total = stride * extent + natural - shape[len(shape) - rank + i]
        else:
            raise unsupported(node, "output_shape meets a dynamic extent")
        total = max(total, 0)
        front = total // 2 if auto == "SAME_UPPER" else total - total // 2
        begin.append(front)
        end.append(total - front)
    return Windows(plain.kernel, plain.strides, plain.dilations, tuple(begin), tuple(end))


@vjp("Col2Im")
def col2im(op: Op, node: Node, gy: Tensor) -> Tensor:
    """Patches laid into an image: the patches of gy, taken by a convolution with unit kernels."""
    x, block = node.inputs[0], op.value(node.inputs[2])
    if block is None:
        raise unsupported(node, "the block's shape is dynamic")
    kernel = [int(k) for k in block]
    cells, space = math.prod(kernel), len(kernel)
    geometry = windows_of(node, kernel, [None] * space)
    units = np.eye(cells, dtype=gy.dtype).reshape(cells, 1, *kernel)
    maps = product(op, [extent(op, gy, 0), extent(op, gy, 1)])
    single = reshape(op, gy, [maps, 1, *(extent(op, gy, i + 2) for i in range(space))])
    pads = [*geometry.begin, *geometry.end]
    patches = op.Conv(single, units, kernel_shape=kernel, pads=pads, **geometry.attributes())
    return op.reshape_like(patches, x)
