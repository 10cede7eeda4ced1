"""Einsum: an operand's cotangent is an Einsum with the output's term in the operand's place."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import extent, positions
from ..registry import Cotangent, unsupported, vjp


@vjp("Einsum")
def einsum(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    terms, output = parse(node)

    def of(i: int) -> Callable[[], Tensor]:
        others = [(t, x) for j, (t, x) in enumerate(zip(terms, node.inputs, strict=True)) if j != i]
        return lambda: _cotangent(op, node.inputs[i], terms[i], [(output, gy), *others])

    return tuple(of(i) for i in range(len(terms)))


def parse(node: Node) -> tuple[list[str], str]:
    """(the operands' terms, the output's term), one letter an axis, ellipses spelled out."""
    equation = node.attrs["equation"].replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    ranks = [
        len(x.shape) - len(t.replace("...", "")) for t, x in zip(terms, node.inputs, strict=True)
    ]
    widths = [rank for t, rank in zip(terms, ranks, strict=True) if "..." in t]
    free = [c for c in string.ascii_letters if c not in equation]
    width = max(widths, default=0)
    if width > len(free):
        raise unsupported(node, "its ellipsis has more axes than there are letters")
    letters = "".join(free[:width])
    if not arrow:
        named = Counter(left.replace("...", "").replace(",", ""))
        right = "..." + "".join(sorted(c for c, count in named.items() if count == 1))
    spelled = [
        t.replace("...", letters[width - rank :]) for t, rank in zip(terms, ranks, strict=True)
    ]
    return spelled, right.replace("...", letters)


def _cotangent(op: Op, x: Tensor, term: str, known: list[tuple[str, Tensor]]) -> Tensor:
    """The sum over all that x does not index, broadcast along what only x indexes."""
    used = set(term).union(*(t for t, _ in known))
    free = iter(c for c in string.ascii_letters if c not in used)
    distinct = ""
    for axis, letter in enumerate(term):  # a repeated index reads a diagonal
        if letter in distinct:
            twin = next(free)
            known = [*known, (letter + twin, _eye(op, x, axis))]
            distinct += twin
        else:
            distinct += letter
    have = set("".join(t for t, _ in known))
    kept = "".join(c for c in distinct if c in have)
    equation = ",".join(t for t, _ in known) + "->" + kept
    found = op.Einsum(*(t for _, t in known), equation=equation)
    found = op.typed(found, tuple(_size(known, letter) for letter in kept))
    missing = [i for i, c in enumerate(distinct) if c not in have]
    return op.Unsqueeze(found, missing) if missing else found


def _size(known: list[tuple[str, Tensor]], letter: str) -> Any:
    """The extent that a letter stands for; an operand of extent 1 broadcasts."""
    sizes = [x.shape[t.index(letter)] for t, x in known if letter in t]
    return next((s for s in sizes if s != 1), 1)


def _eye(op: Op, x: Tensor, axis: int) -> Tensor:
    size = extent(op, x, axis)
    if isinstance(size, int):
        return op.constant(np.eye(size, dtype=x.dtype))
    numbers = positions(op, size)
    same = op.Equal(op.Unsqueeze(numbers, [1]), op.Unsqueeze(numbers, [0]))
    return op.typed(op.Cast(same, to=x.dtype), (x.shape[axis], x.shape[axis]))
