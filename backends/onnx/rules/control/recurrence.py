"""The steps of a recurrent network: written out where they are few, else as a Scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_graphsurgeon as gs

from ...reading.graph import Node, Tensor
from ...writing.bodies import close
from ...writing.op import Op
from ..registry import unsupported
from .loops import OLDEST

WRITTEN_OUT = 8
"""The longest sequence that takes no Scan."""

Cell = Callable[[Op, Tensor, Sequence[Tensor]], list[Tensor]]
"""(op, the input's part of the gates [N, G H], states [N, H] each) -> the next states."""


def run(
    op: Op,
    node: Node,
    cell: Cell,
    given: Tensor,
    mask: Tensor | None,
    first: list[Tensor],
    backwards: bool,
) -> list[Tensor]:
    """What every step gives, [T, N, H], and the last states."""

    def step(op: Op, states: list[Tensor], x: Tensor, *going: Tensor) -> list[Tensor]:
        new = cell(op, x, states)
        if not going:
            return [*new, new[0]]
        kept = [op.Where(*going, a, b) for a, b in zip(new, states, strict=True)]
        return [*kept, op.Where(*going, new[0], 0.0)]

    sequences = [given] if mask is None else [given, mask]
    length = given.shape[0]
    if isinstance(length, int) and (length <= WRITTEN_OUT or op.opset < OLDEST):
        return _written_out(op, step, sequences, first, length, backwards)
    if op.opset < OLDEST:
        raise unsupported(
            node, f"its length is known at run time only and the opset below {OLDEST}"
        )
    return _as_scan(op, step, sequences, first, backwards)


def _written_out(
    op: Op,
    step: Callable[..., list[Tensor]],
    sequences: Sequence[Tensor],
    states: list[Tensor],
    length: int,
    backwards: bool,
) -> list[Tensor]:
    rows: dict[int, Tensor] = {}
    for t in reversed(range(length)) if backwards else range(length):
        pieces = [op.Gather(s, np.array(t), axis=0) for s in sequences]
        *states, rows[t] = step(op, states, *pieces)
    return [stack(op, [rows[t] for t in range(length)], 0), *states]


def _as_scan(
    op: Op,
    step: Callable[..., list[Tensor]],
    sequences: Sequence[Tensor],
    first: list[Tensor],
    backwards: bool,
) -> list[Tensor]:
    inner = op.within(op.graph, [])
    states = [gs.Variable(inner.name("state"), t.dtype, t.shape) for t in first]
    pieces = [gs.Variable(inner.name("piece"), t.dtype, t.shape[1:]) for t in sequences]
    outputs = step(inner, states, *pieces)
    *lasts, rows = op.emit(
        "Scan",
        *first,
        *sequences,
        outputs=len(outputs),
        body=close(inner, [*states, *pieces], outputs),
        num_scan_inputs=len(sequences),
        scan_input_directions=[int(backwards)] * len(sequences),
        scan_output_directions=[int(backwards)],
    )
    return [op.typed(rows, (*sequences[0].shape[:2], first[0].shape[1])), *lasts]


def stack(op: Op, parts: Sequence[Tensor], axis: int) -> Tensor:
    """The parts along a new axis."""
    return op.Concat(*(op.Unsqueeze(t, [axis]) for t in parts), axis=axis)
