"""One iteration of the way back through a Scan or a Loop, and the node that repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ...reading.graph import Tensor, captures, reads
from ...writing.arithmetic import zeros_of_size
from ...writing.bodies import Body, close_repeated
from ...writing.op import Op
from ..registry import unsupported
from .branches import Back
from .repetition import Cycle, Inside, Pieces


@dataclass
class Walk:
    """One iteration of the walk back."""

    states: list[tuple[Tensor, Tensor, Tensor, Tensor]] = field(default_factory=list)
    """(whose cotangent it is, its first value, its name in the body, what the body makes)."""
    pieces: list[tuple[Pieces, Tensor]] = field(default_factory=list)
    """(what is cut into pieces, a piece's name in the body)."""
    stacked: list[tuple[Pieces, Tensor]] = field(default_factory=list)
    """(whose cotangent it is, the piece that the body makes)."""

    def read(self, body: Op) -> set[str]:
        """What it takes to make them."""
        nodes = body.needed(self.outputs)
        return {t.name for node in nodes for t in reads(node)} | {t.name for t in self.outputs}

    @property
    def outputs(self) -> list[Tensor]:
        """What the body makes."""
        return [made for *_, made in (*self.states, *self.stacked)]


def reverse_one(
    op: Op,
    cycle: Cycle,
    inside: Inside,
    finals: Sequence[Tensor | None],
    stacks: Sequence[Pieces],
    leaves: Sequence[Tensor],
    back: Back,
) -> Walk:
    """The cotangents of an iteration's inputs, from those of what it makes."""
    body, names = inside.body.op, {t.name for t in leaves}
    captured = list({t.name: t for t in captures(cycle.body) if t.name in names}.values())
    pairs = [*zip(inside.states, cycle.states, strict=True)]
    pairs += [(t, p.tensor) for t, p in zip(inside.elements, cycle.elements, strict=True)]
    given = [(t, p) for t, p in zip(inside.stacked, stacks, strict=True) if p.tensor is not None]
    ends = [t for t, g in zip(inside.carried, finals, strict=True) if g is not None]
    live = inside.live(
        {t.name for t, outer in pairs if outer.name in names} | {t.name for t in captured},
        {t.name for t in (*ends, *(t for t, _ in given))},
    )
    for i in live:
        require_fixed(cycle, inside, i)
    carried = {i: _cotangent(body, inside.states[i]) for i in live}
    pieces = [(t, _cotangent(body, t), p.reversed()) for t, p in given]
    wanted = [
        t for t, p in zip(inside.elements, cycle.elements, strict=True) if p.tensor.name in names
    ]
    found = back(
        inside.body,
        [*((inside.carried[i], g) for i, g in carried.items()), *((t, g) for t, g, _ in pieces)],
        [*(inside.states[i] for i in live), *wanted, *captured],
    )
    walk = Walk()
    for i, g in carried.items():
        state, first, final = inside.states[i], cycle.states[i], finals[i]
        made = found[state.name] if state.name in found else zeros_of_size(body, state)
        walk.states.append((first, zeros_of_size(op, first) if final is None else final, g, made))
    for tensor in captured:
        if tensor.name in found:
            total = _cotangent(body, tensor)
            made = body.Add(total, found[tensor.name])
            walk.states.append((tensor, zeros_of_size(op, tensor), total, made))
    for tensor, p in zip(inside.elements, cycle.elements, strict=True):
        walk.pieces.append((p.reversed(), tensor))
        if tensor.name in found:
            walk.stacked.append((p.reversed(), found[tensor.name]))
    walk.pieces.extend((p, g) for _, g, p in pieces)
    return walk


def by_scan(
    op: Op, body: Body, walk: Walk, pieces: Sequence[tuple[Pieces, Tensor]]
) -> list[Tensor]:
    inputs = [*(t for _, _, t, _ in walk.states), *(t for _, t in pieces)]
    outputs = walk.outputs
    made = op.emit(
        "Scan",
        *(first for _, first, _, _ in walk.states),
        *(p.tensor for p, _ in pieces),
        outputs=len(outputs),
        body=close_repeated(op, body.op, inputs, outputs),
        num_scan_inputs=len(pieces),
        scan_input_axes=[p.axis for p, _ in pieces],
        scan_input_directions=[int(p.backwards) for p, _ in pieces],
        scan_output_axes=[p.axis for p, _ in walk.stacked] or None,
        scan_output_directions=[int(p.backwards) for p, _ in walk.stacked] or None,
    )
    return several(made)


def by_loop(
    op: Op, body: Body, walk: Walk, pieces: Sequence[tuple[Pieces, Tensor]], numbers: Tensor
) -> list[Tensor]:
    """Unlike a Scan, a Loop may have no iteration at all."""
    number, goes = body.inputs[:2]
    turn = gs.Variable(body.op.name("turn"), np.dtype(np.int64), ())
    again = gs.Variable(body.op.name("again"), np.dtype(bool), ())
    count = op.Squeeze(op.Shape(numbers), [0])
    true = gs.Constant("value", np.array(True))
    body.op.nodes[:0] = [
        gs.Node("Sub", body.op.name("Sub"), {}, [op.Sub(count, 1), turn], [number], ""),
        gs.Node("Constant", body.op.name("Constant"), {"value": true}, [], [goes], ""),
        *(
            gs.Node("Gather", body.op.name("Gather"), {"axis": 0}, [p.tensor, number], [t], "")
            for p, t in pieces
        ),
    ]
    inputs = [turn, again, *(t for _, _, t, _ in walk.states)]
    closed = close_repeated(op, body.op, inputs, [again, *walk.outputs])
    first = [first for _, first, _, _ in walk.states]
    return several(op.emit("Loop", count, np.array(True), *first, outputs=len(first), body=closed))


def _cotangent(body: Op, tensor: Tensor) -> Tensor:
    return gs.Variable(body.name("cotangent"), tensor.dtype, tensor.shape)


def require_fixed(cycle: Cycle, inside: Inside, state: int) -> None:
    """A Scan's states and what it stacks are of one shape."""
    if state in inside.changing or inside.states[state].shape is None:
        name = cycle.body.inputs[cycle.lead + state].name
        raise unsupported(cycle.node, f"its state '{name}' changes its shape from turn to turn")


def several(made: Any) -> list[Tensor]:
    """What the emitter returned, however many outputs there were."""
    return list(made) if isinstance(made, tuple) else [made]
