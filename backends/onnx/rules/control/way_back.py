"""One iteration of the way back through a Scan or a Loop, and the node that repeats it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class State:
    """A cotangent that the walk carries on from turn to turn."""

    target: Tensor
    """Whose cotangent it is."""
    first: Tensor
    """Its value before the first turn."""
    name: Tensor
    """What the body calls it."""
    made: Tensor
    """What a turn makes of it."""


@dataclass(frozen=True)
class Walk:
    """One iteration of the walk back."""

    states: list[State]
    pieces: list[tuple[Pieces, Tensor]]
    """(what is cut into pieces, a piece's name in the body)."""
    stacked: list[tuple[Pieces, Tensor]]
    """(whose cotangent it is, the piece that the body makes)."""

    def read(self, body: Op) -> set[str]:
        """What it takes to make them."""
        nodes = body.needed(self.outputs)
        return {t.name for node in nodes for t in reads(node)} | {t.name for t in self.outputs}

    @property
    def outputs(self) -> list[Tensor]:
        """What the body makes."""
        return [*(state.made for state in self.states), *(made for _, made in self.stacked)]


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
    given = [(t, p) for t, p in zip(inside.stacked, stacks, strict=True) if p.tensor is not None]
    live = _live(cycle, inside, finals, [t for t, _ in given], captured, names)
    carried = {i: _cotangent(body, inside.states[i]) for i in live}
    pieces = [(t, _cotangent(body, t), p.reversed()) for t, p in given]
    elements = [*zip(inside.elements, cycle.elements, strict=True)]
    found = back(
        inside.body,
        [*((inside.carried[i], g) for i, g in carried.items()), *((t, g) for t, g, _ in pieces)],
        [
            *(inside.states[i] for i in live),
            *(t for t, p in elements if p.tensor.name in names),
            *captured,
        ],
    )
    return Walk(
        [
            *_carried_on(op, cycle, inside, finals, carried, found),
            *_added_up(op, body, captured, found),
        ],
        [*((p.reversed(), t) for t, p in elements), *((p, g) for _, g, p in pieces)],
        [(p.reversed(), found[t.name]) for t, p in elements if t.name in found],
    )


def _live(
    cycle: Cycle,
    inside: Inside,
    finals: Sequence[Tensor | None],
    given: Sequence[Tensor],
    captured: Sequence[Tensor],
    names: set[str],
) -> list[int]:
    """The states through which something reaches one of `names`."""
    pairs = [*zip(inside.states, cycle.states, strict=True)]
    pairs += [(t, p.tensor) for t, p in zip(inside.elements, cycle.elements, strict=True)]
    ends = [t for t, g in zip(inside.carried, finals, strict=True) if g is not None]
    live = inside.live(
        {t.name for t, outer in pairs if outer.name in names} | {t.name for t in captured},
        {t.name for t in (*ends, *given)},
    )
    for i in live:
        require_fixed(cycle, inside, i)
    return live


def _carried_on(
    op: Op,
    cycle: Cycle,
    inside: Inside,
    finals: Sequence[Tensor | None],
    carried: Mapping[int, Tensor],
    found: Mapping[str, Tensor],
) -> Iterator[State]:
    """The cotangents of the states; the first is that of the last state, or zero."""
    for i, g in carried.items():
        state, target, final = inside.states[i], cycle.states[i], finals[i]
        made = found[state.name] if state.name in found else zeros_of_size(inside.body.op, state)
        yield State(target, zeros_of_size(op, target) if final is None else final, g, made)


def _added_up(
    op: Op, body: Op, captured: Sequence[Tensor], found: Mapping[str, Tensor]
) -> Iterator[State]:
    """What is captured receives the sum over all iterations."""
    for tensor in (t for t in captured if t.name in found):
        total = _cotangent(body, tensor)
        yield State(tensor, zeros_of_size(op, tensor), total, body.Add(total, found[tensor.name]))


def by_scan(
    op: Op, body: Body, walk: Walk, pieces: Sequence[tuple[Pieces, Tensor]]
) -> list[Tensor]:
    """The walk as a Scan over the pieces."""
    inputs = [*(state.name for state in walk.states), *(t for _, t in pieces)]
    outputs = walk.outputs
    made = op.emit(
        "Scan",
        *(state.first for state in walk.states),
        *(p.tensor for p, _ in pieces),
        outputs=len(outputs),
        body=close_repeated(op, body.op, inputs, outputs),
        num_scan_inputs=len(pieces),
        scan_input_axes=[p.axis for p, _ in pieces],
        scan_input_directions=[int(p.backwards) for p, _ in pieces],
        scan_output_axes=[p.axis for p, _ in walk.stacked] or None,
        scan_output_directions=[int(p.backwards) for p, _ in walk.stacked] or None,
    )
    return as_list(made)


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
    inputs = [turn, again, *(state.name for state in walk.states)]
    closed = close_repeated(op, body.op, inputs, [again, *walk.outputs])
    first = [state.first for state in walk.states]
    return as_list(op.emit("Loop", count, np.array(True), *first, outputs=len(first), body=closed))


def _cotangent(body: Op, tensor: Tensor) -> Tensor:
    return gs.Variable(body.name("cotangent"), tensor.dtype, tensor.shape)


def require_fixed(cycle: Cycle, inside: Inside, state: int) -> None:
    """A Scan's states and what it stacks are of one shape."""
    if state in inside.changing or inside.states[state].shape is None:
        name = cycle.body.inputs[cycle.lead + state].name
        raise unsupported(cycle.node, f"its state '{name}' changes its shape from turn to turn")


def as_list(made: Any) -> list[Tensor]:
    """What the emitter returned, however many outputs there were."""
    return list(made) if isinstance(made, tuple) else [made]
