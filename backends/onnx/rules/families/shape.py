"""Views, joins and repetitions: the same numbers in another arrangement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import INFINITY, Extent, extent, pad, plus, reshape, vector
from ..registry import Cotangent, optional, vjp


@vjp("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def view(op: Op, node: Node, gy: Tensor) -> Cotangent:
    return op.reshape_like(gy, node.inputs[0])


@vjp("Transpose")
def transpose(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """The inverse permutation, of what lies under a broadcast gy."""
    perm = node.attrs.get("perm") or range(len(gy.shape))[::-1]
    return op.Transpose(op.promises.beneath(gy), perm=[int(i) for i in np.argsort(list(perm))])


@vjp("Expand")
def expand(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    return gy, None


@vjp("Concat")
def concat(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Each input its slice, counted from whichever end is static."""
    axis = node.attrs["axis"] % len(gy.shape)
    sizes = [x.shape[axis] for x in node.inputs]

    def part(i: int) -> Callable[[], Tensor]:
        def cut() -> Tensor:
            x = node.inputs[i]
            start = _edge(op, node.inputs[:i], node.inputs[i:], axis)
            stop = _edge(op, node.inputs[: i + 1], node.inputs[i + 1 :], axis)
            found = op.Slice(gy, vector(op, [start]), vector(op, [stop]), [axis])
            return op.typed(found, x.shape)

        return cut

    if len(sizes) == 1:
        return (gy,)
    return tuple(part(i) for i in range(len(sizes)))


def _edge(op: Op, before: list[Tensor], after: list[Tensor], axis: int) -> Extent:
    """Where `after` begins on the axis of the joined tensor."""
    if not after:
        return INFINITY
    ahead = [x.shape[axis] for x in before]
    behind = [x.shape[axis] for x in after]
    if all(isinstance(s, int) for s in behind) and not all(isinstance(s, int) for s in ahead):
        return -sum(behind)
    total: Extent = 0
    for x in before:
        total = plus(op, total, extent(op, x, axis))
    return total


@vjp("Split", several=True)
def split(op: Op, node: Node, gys: tuple[Tensor | None, ...]) -> Cotangent:
    """The parts joined again, with zeros for those that nobody reads."""
    x = node.inputs[0]
    axis = node.attrs["axis"] % len(x.shape)
    sizes = _sizes(op, node, axis)
    read = [i for i, g in enumerate(gys) if g is not None]
    first, last = read[0], read[-1]
    parts = [
        _zeros(op, x, axis, sizes[i]) if g is None else g
        for i, g in enumerate(gys[first : last + 1], first)
    ]
    joined = parts[0] if len(parts) == 1 else op.Concat(*parts, axis=axis)
    before = after = 0
    for size in sizes[:first]:
        before = plus(op, before, size)
    for size in sizes[last + 1 :]:
        after = plus(op, after, size)
    if isinstance(before, int) and isinstance(after, int) and before + after == 0:
        return op.typed(joined, x.shape)
    return pad(op, joined, {axis: (before, after)}, like=x)


def _sizes(op: Op, node: Node, axis: int) -> list[Extent]:
    given = optional(node, 1)
    value = op.value(given)
    if value is not None:
        return [int(v) for v in value]
    if given is not None:
        return [op.Slice(given, [i], [i + 1], [0]) for i in range(len(node.outputs))]
    total, count = node.inputs[0].shape[axis], len(node.outputs)
    if not isinstance(total, int):
        return [extent(op, y, axis) for y in node.outputs]
    chunk = -(-total // count)
    return [min(chunk, total - chunk * i) for i in range(count)]


def _zeros(op: Op, x: Tensor, axis: int, size: Extent) -> Tensor:
    sizes = [size if i == axis else extent(op, x, i) for i in range(len(x.shape))]
    return op.Expand(np.zeros((1,) * len(sizes), x.dtype), vector(op, sizes))


@vjp("Tile")
def tile(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """An axis repeated r times is [r, D]: summed over r."""
    x, repeats = node.inputs
    counts = op.value(repeats)
    rank = len(x.shape)
    sizes: list[Extent] = []
    axes = []
    for i in range(rank):
        known = None if counts is None else int(counts[i])
        if known != 1:
            axes.append(len(sizes))
            sizes.append(op.Slice(repeats, [i], [i + 1], [0]) if known is None else known)
        sizes.append(extent(op, x, i))
    if not axes:
        return gy, None
    summed = op.ReduceSum(reshape(op, gy, sizes), axes, keepdims=0)
    return op.typed(summed, x.shape), None


@vjp("DepthToSpace")
def depth_to_space(op: Op, node: Node, gy: Tensor) -> Cotangent:
    x, block = node.inputs[0], node.attrs["blocksize"]
    if node.attrs.get("mode", "DCR") == "DCR":
        return op.typed(op.SpaceToDepth(gy, blocksize=block), x.shape)
    return _unshuffle(op, gy, x, block)


@vjp("SpaceToDepth")
def space_to_depth(op: Op, node: Node, gy: Tensor) -> Cotangent:
    x, block = node.inputs[0], node.attrs["blocksize"]
    if node.attrs.get("mode", "DCR") == "DCR":
        return op.typed(op.DepthToSpace(gy, blocksize=block), x.shape)
    return _shuffle(op, gy, x, block)


def _unshuffle(op: Op, g: Tensor, x: Tensor, block: int) -> Tensor:
    """[N, C, H b, W b] -> [N, C b b, H, W], channel the slowest (torch's pixel_unshuffle)."""
    n, h, w = (extent(op, x, i) for i in (0, 2, 3))
    c = extent(op, g, 1)
    blocks = reshape(op, g, [n, c, h, block, w, block])
    return op.reshape_like(op.Transpose(blocks, perm=[0, 1, 3, 5, 2, 4]), x)


def _shuffle(op: Op, g: Tensor, x: Tensor, block: int) -> Tensor:
    """[N, C b b, H, W] -> [N, C, H b, W b], channel the slowest."""
    n, h, w = (extent(op, g, i) for i in (0, 2, 3))
    c = extent(op, x, 1)
    blocks = reshape(op, g, [n, c, block, block, h, w])
    return op.reshape_like(op.Transpose(blocks, perm=[0, 1, 4, 2, 5, 3]), x)


@vjp("Trilu")
def trilu(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """A mask is its own adjoint."""
    return op.Trilu(gy, optional(node, 1), upper=node.attrs["upper"]), None
