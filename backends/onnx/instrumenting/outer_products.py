"""What is a column times a row, read back from what it was made of.

So is the cotangent of all keys where one query is read: u_t v, u_t a number for each token t.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..reading.graph import Node, Tensor
from ..writing.op import Op
from ..writing.views import groups, numbers

Pair = tuple[Tensor, Tensor]
"""Both of the tensor's rank; together, broadcast, they make it."""
DEEPEST = 24
"""How many steps are read back."""


def weighted(op: Op, rows: Tensor, factor: Tensor, span: tuple[int, int] | None) -> Tensor | None:
    """The mean of the rows u_t v, each times one of the factor's: v times the mean of u_t f_t.

    Over all rows, or a span of them; None: the rows are not known to be of this kind.
    """
    found, row = parted(op, rows), len(rows.shape) - 2
    if found is None or len(factor.shape or ()) < 2 or factor.shape[-2] != rows.shape[row]:
        return None
    u, v = found if found[0].shape[-1] == 1 else found[::-1]
    if (u.shape[row], u.shape[-1], v.shape[row]) != (rows.shape[row], 1, 1):
        return None
    low, high = span or (0, rows.shape[row])
    if span is not None:
        u = op.Slice(u, [low], [high], [row])
        factor = op.Slice(factor, [low], [high], [len(factor.shape) - 2])
    line = op.Transpose(u, perm=[*range(row), row + 1, row])
    return op.Mul(v, op.MatMul(op.Mul(line, 1 / (high - low)), factor))


def parted(op: Op, x: Tensor, depth: int = DEEPEST) -> Pair | None:
    """Two tensors whose product, broadcast, is x; None: it is not known to be one."""
    maker = op.made.get(x.name)
    if maker is None or x.shape is None or any(t.shape is None for t in maker.inputs[:2]):
        return None
    if maker.op == "MatMul":
        return _product(maker, x)
    step = STEPS.get(maker.op)
    return None if step is None or depth == 0 else step(op, maker, x, depth - 1)


def _product(maker: Node, x: Tensor) -> Pair | None:
    u, v = maker.inputs
    same = len(u.shape) == len(v.shape) == len(x.shape)
    return (u, v) if same and u.shape[-1] == v.shape[-2] == 1 else None


def _scaled(op: Op, maker: Node, x: Tensor, depth: int) -> Pair | None:
    """By one number."""
    a, b = maker.inputs
    for inner, factor in ((a, b), (b, a))[: 1 if maker.op == "Div" else 2]:
        single = len(factor.shape) <= len(x.shape) and all(size == 1 for size in factor.shape)
        found = parted(op, inner, depth) if single else None
        if found is not None:
            return found[0], op.emit(maker.op, found[1], factor)
    return None


def _negated(op: Op, maker: Node, x: Tensor, depth: int) -> Pair | None:
    found = parted(op, maker.inputs[0], depth)
    return None if found is None else (found[0], op.Neg(found[1]))


def _transposed(op: Op, maker: Node, x: Tensor, depth: int) -> Pair | None:
    found, perm = parted(op, maker.inputs[0], depth), list(maker.attrs["perm"])
    if found is None:
        return None
    return op.Transpose(found[0], perm=perm), op.Transpose(found[1], perm=perm)


def _sliced(op: Op, maker: Node, x: Tensor, depth: int) -> Pair | None:
    values = [op.value(t) for t in maker.inputs[1:]]
    found = parted(op, maker.inputs[0], depth)
    if found is None or len(values) < 3 or any(value is None for value in values):
        return None
    cuts = list(zip(*(value.tolist() for value in values if value is not None), strict=True))
    first, second = (_cut(op, part, cuts) for part in found)
    return first, second


def _cut(op: Op, part: Tensor, cuts: list[tuple[int, ...]]) -> Tensor:
    """On the axes that it has."""
    kept = [cut for cut in cuts if part.shape[cut[2]] != 1]
    return op.Slice(part, *(list(numbers) for numbers in zip(*kept, strict=True))) if kept else part


def _viewed(op: Op, maker: Node, x: Tensor, depth: int) -> Pair | None:
    source = maker.inputs[0]
    found = parted(op, source, depth)
    if found is None or None in source.shape:
        return None
    first, second = (_view(op, part, source.shape, x.shape) for part in found)
    return None if first is None or second is None else (first, second)


def _view(op: Op, part: Tensor, old: Any, new: Any) -> Tensor | None:
    """The part of a tensor `old` that is seen as `new`; its axes are whole or of extent 1."""
    sizes = numbers(old, new)
    if sizes is None:
        return None
    shape = list(new)
    for mine, theirs in groups(*sizes):
        if all(part.shape[i] == old[i] for i in mine):
            continue
        if any(part.shape[i] != 1 for i in mine):
            return None
        for j in theirs:
            shape[j] = 1
    if sum(not isinstance(size, int) for size in shape) > 1:
        return None
    target = [size if isinstance(size, int) else -1 for size in shape]
    return op.typed(op.Reshape(part, target), tuple(shape))


Step = Callable[[Op, Node, Tensor, int], Pair | None]
STEPS: dict[str, Step] = {
    "Mul": _scaled,
    "Div": _scaled,
    "Neg": _negated,
    "Transpose": _transposed,
    "Slice": _sliced,
    "Reshape": _viewed,
    "Squeeze": _viewed,
    "Unsqueeze": _viewed,
}
"""How the parts of what an operator read become those of what it made."""
