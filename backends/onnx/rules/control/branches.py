"""If: the cotangent goes through the branch that was taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import zeros_of_size
from ...writing.bodies import Body, close, enter
from ...writing.op import Op
from ..registry import unsupported, vjp

Back = Callable[[Body, Sequence[tuple[Tensor, Tensor]], Sequence[Tensor]], dict[str, Tensor]]
"""(body, ends, leaves) -> what arrives at the leaves when each end has its cotangent."""


@vjp("If", inner=True)
def chosen(
    op: Op, node: Node, gys: list[Tensor | None], leaves: list[Tensor], back: Back
) -> dict[str, Tensor]:
    """A second If over the same condition: each branch computed again and reversed.

    A leaf that only one branch reads receives zeros in the other.
    """
    condition = node.inputs[0]
    branches = ("then_branch", "else_branch")
    if condition.name in op.graph.decided:
        taken = branches[not np.all(op.value(condition))]
        body, found = _reversed(op, node, taken, gys, leaves, back)
        op.adopt(body.op)
        return found
    bodies = [_reversed(op, node, branch, gys, leaves, back) for branch in branches]
    reached = [t for t in leaves if any(t.name in found for _, found in bodies)]
    if not reached:
        return {}
    made: dict[str, Any] = {}
    for branch, (body, found) in zip(branches, bodies, strict=True):
        given = [found[t.name] if t.name in found else zeros_of_size(body.op, t) for t in reached]
        made[branch] = close(body.op, [], given)
    results = op.emit("If", condition, outputs=len(reached), **made)
    results = results if len(reached) > 1 else (results,)
    return {t.name: op.typed(g, t.shape) for t, g in zip(reached, results, strict=True)}


def _reversed(
    op: Op,
    node: Node,
    branch: str,
    gys: list[Tensor | None],
    leaves: list[Tensor],
    back: Back,
) -> tuple[Body, dict[str, Tensor]]:
    body = enter(op, node.attrs[branch])
    ends = []
    for y, mine, gy in zip(node.outputs, body.outputs, gys, strict=True):
        if gy is None:
            continue
        if mine.shape is None or len(mine.shape) != len(y.shape):
            raise unsupported(node, f"'{y.name}' has another rank in its {branch}")
        same = gy.shape == mine.shape
        ends.append((mine, gy if same else body.op.typed(body.op.Identity(gy), mine.shape)))
    return body, back(body, ends, leaves)
