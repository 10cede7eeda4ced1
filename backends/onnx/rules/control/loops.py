"""Scan and Loop: a second run records the states, and a third walks them back.

An iteration computes s', z = f(s, x, c): states, pieces that are stacked, pieces of a sequence and
what is captured. The walk back starts with the last iteration; from gs' and gz it makes gs, which
it carries on, gx, which is stacked, and what c receives, which is added up. What an iteration
computes on its way from s to s' is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...reading.graph import Node, Tensor
from ...writing.bodies import close_repeated
from ...writing.op import Op
from ..registry import unsupported, vjp
from .branches import Back
from .repetition import Cycle, Inside, Pieces
from .way_back import Walk, as_list, by_loop, by_scan, require_fixed, reverse_one

OLDEST = 9
"""The opset since which a Scan has no batch of its own."""


@vjp("Scan", inner=True)
def scan(
    op: Op, node: Node, gys: list[Tensor | None], leaves: list[Tensor], back: Back
) -> dict[str, Tensor]:
    """The recording is a Scan too, over the same sequences."""
    if op.opset < OLDEST:
        raise unsupported(node, f"the opset is below {OLDEST}: convert the model to a newer one")
    count = node.attrs["num_scan_inputs"]
    split = len(node.inputs) - count
    pieces = _pieces(node, "input", node.inputs[split:])
    cycle = Cycle(node, node.inputs[:split], pieces)

    def record(inside: Inside, needed: Sequence[int]) -> list[Tensor]:
        body = close_repeated(op, inside.body.op, inside.body.inputs, _recorded(inside, needed))
        kept = {k: v for k, v in node.attrs.items() if k.startswith(("num_scan", "scan_input"))}
        made = op.emit("Scan", *node.inputs, outputs=len(body.outputs), body=body, **kept)
        return as_list(made)[split:]

    stacks = _pieces(node, "output", gys[split:])
    return _walk_back(op, cycle, gys[:split], stacks, leaves, back, record)


def _pieces(node: Node, kind: str, tensors: Sequence[Any]) -> list[Pieces]:
    axes = node.attrs.get(f"scan_{kind}_axes") or [0] * len(tensors)
    directions = node.attrs.get(f"scan_{kind}_directions") or [0] * len(tensors)
    rows = zip(tensors, axes, directions, strict=True)
    return [Pieces(tensor, axis, bool(direction)) for tensor, axis, direction in rows]


@vjp("Loop", inner=True)
def loop(
    op: Op, node: Node, gys: list[Tensor | None], leaves: list[Tensor], back: Back
) -> dict[str, Tensor]:
    """The recording is a Loop with the same end, which also says how many iterations there were."""
    cycle = Cycle(node, node.inputs[2:], lead=2)
    count = len(cycle.states)

    def record(inside: Inside, needed: Sequence[int]) -> list[Tensor]:
        goes_on, number = inside.body.outputs[0], inside.body.inputs[0]
        given = [goes_on, *_recorded(inside, needed), number]
        body = close_repeated(op, inside.body.op, inside.body.inputs, given)
        made = op.emit("Loop", *node.inputs, outputs=len(given) - 1, body=body)
        return as_list(made)[count:]

    stacks = [Pieces(gy) for gy in gys[count:]]
    return _walk_back(op, cycle, gys[:count], stacks, leaves, back, record)


def _recorded(inside: Inside, needed: Sequence[int]) -> list[Tensor]:
    return [*inside.carried, *(inside.states[i] for i in needed)]


def _walk_back(
    op: Op,
    cycle: Cycle,
    finals: Sequence[Tensor | None],
    stacks: Sequence[Pieces],
    leaves: Sequence[Tensor],
    back: Back,
    record: Callable[[Inside, Sequence[int]], list[Tensor]],
) -> dict[str, Tensor]:
    """What the leaves receive.

    Args:
        op: what is emitted into.
        cycle: the node and what its first iteration gets.
        finals: the cotangents of the last states.
        stacks: those of the stacked outputs.
        leaves: the tensors that receive something.
        back: reverses the body.
        record: the values of some states before each iteration, and of a Loop the numbers of
            the iterations, stacked.
    """
    inside = cycle.enter(op)
    walk = reverse_one(op, cycle, inside, finals, stacks, leaves, back)
    if not walk.states and not walk.stacked:
        return {}
    read = walk.read(inside.body.op)
    needed = [i for i, state in enumerate(inside.states) if state.name in read]
    for i in needed:
        require_fixed(cycle, inside, i)
    recorded = record(cycle.enter(op), needed) if needed or cycle.lead else []
    pieces = [(p, t) for p, t in walk.pieces if t.name in read]
    pieces += [
        (Pieces(r, 0, True), inside.states[i]) for r, i in zip(recorded, needed, strict=False)
    ]
    if cycle.lead:
        made = by_loop(op, inside.body, walk, pieces, recorded[-1])
    else:
        made = by_scan(op, inside.body, walk, pieces or walk.pieces[:1])
    return _received(op, walk, made, leaves)


def _received(
    op: Op, walk: Walk, made: Sequence[Tensor], leaves: Sequence[Tensor]
) -> dict[str, Tensor]:
    """What the walk made for the leaves; a tensor that plays two parts receives both."""
    targets = [*(state.target for state in walk.states), *(p.tensor for p, _ in walk.stacked)]
    found: dict[str, Tensor] = {}
    for target, g in zip(targets, made, strict=True):
        g = op.typed(g, target.shape)
        found[target.name] = op.Add(found[target.name], g) if target.name in found else g
    names = {t.name for t in leaves}
    return {name: g for name, g in found.items() if name in names}
