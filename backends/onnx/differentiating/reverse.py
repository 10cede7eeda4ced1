"""Reverse mode over the graph: from the score's cotangent to the cotangents that are wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cam_core.errors import CamError, LayerError

from ..reading.draws import drawing
from ..reading.graph import Node, Tensor, floating, reads
from ..rules import GUIDED, VJP_RULES, ZERO, RefusedError, Rule, key_of
from ..rules.paths import active, between
from ..rules.spelled_out import taped
from ..writing.bodies import Body
from ..writing.op import Op
from ..writing.sums import total
from ..writing.valid import blame
from .bfloat16 import as_float32

Rules = Mapping[tuple[str, str], Rule]
Found = dict[str, Tensor]


def reverse(
    op: Op,
    score: Tensor,
    cotangent: Tensor,
    wanted: Sequence[str],
    *,
    guided: bool = False,
) -> dict[str, Tensor]:
    """Cotangents of the wanted tensors, each of its tensor's shape.

    Raises:
        LayerError: no derivative reaches a wanted tensor.
        RefusedError (an UnsupportedOpError): an operator on the path has no rule.
        ModelError: the shapes or types on the path contradict one another.
    """
    try:
        return _reverse(op, score, cotangent, wanted, guided)
    except CamError:
        raise
    except Exception as error:  # rules take for granted that the model's shapes fit
        where = f"between '{', '.join(wanted)}' and score '{score.name}'"
        raise blame(op.graph.model, where, error) from error


def _reverse(
    op: Op, score: Tensor, cotangent: Tensor, wanted: Sequence[str], guided: bool
) -> dict[str, Tensor]:
    graph = op.graph
    path = active(graph, wanted, score.name)
    for name in wanted:
        if name not in path:
            raise LayerError(
                f"layer '{name}' does not reach the score '{score.name}' by any path that "
                f"carries a derivative; choose a layer from `gradcam layers`"
            )
    rules: Rules = VJP_RULES | GUIDED if guided else VJP_RULES
    leaves = [graph.tensors[name] for name in wanted]
    done = pull_back(op, rules, graph.nodes, [(score, cotangent)], leaves)
    missing = [name for name in wanted if name not in done]
    if missing:
        raise LayerError(f"no derivative arrives at layer '{missing[0]}'")
    return {name: op.expand_like(done[name], graph.tensors[name]) for name in wanted}


def pull_back(
    op: Op,
    rules: Rules,
    nodes: Sequence[Node],
    ends: Sequence[tuple[Tensor, Tensor]],
    leaves: Sequence[Tensor],
) -> dict[str, Tensor]:
    """What arrives at the leaves, by name, when each end has its cotangent; none: no entry.

    Args:
        op: what is emitted into.
        rules: the table of derivatives.
        nodes: what lies between, in topological order.
        ends: (tensor, its cotangent).
        leaves: where the way back stops; a leaf that feeds another is passed all the same.
    """
    path = between(nodes, [t.name for t in leaves], [t.name for t, _ in ends])
    parts: dict[str, list[Tensor]] = defaultdict(list)
    for tensor, cotangent in ends:
        parts[tensor.name].append(cotangent)
    done: dict[str, Tensor] = {}
    zero: dict[str, Tensor] = {}
    """Where nothing but zeros arrived, and some of them: they are not pulled back."""
    for node in reversed(nodes):
        outputs = [_total(op, parts, done, t) if t.name in path else None for t in node.outputs]
        stops = key_of(node) in ZERO or not any(t.name in path for t in reads(node))
        if stops:
            continue
        if all(g is None for g in outputs):
            vain = next((zero[t.name] for t in node.outputs if t.name in zero), None)
            if vain is not None:
                zero |= {t.name: vain for t in reads(node) if t.name in path and floating(t)}
            continue
        for x, gx in _pull(op, rules, node, outputs, path):
            if gx.name in op.promises.zero:
                zero[x.name] = gx
            else:
                parts[x.name].append(op.sum_to(gx, x))
    for leaf in leaves:
        if _total(op, parts, done, leaf) is None and leaf.name in zero:
            done[leaf.name] = _zeros(op, zero[leaf.name], leaf)
    return {t.name: done[t.name] for t in leaves if t.name in done}


def _total(
    op: Op, parts: dict[str, list[Tensor]], done: dict[str, Tensor], x: Tensor
) -> Tensor | None:
    """The sum of all that arrived at x, of x's shape."""
    arrived = parts.pop(x.name, [])
    if arrived:
        done[x.name] = op.expand_like(total(op, arrived), x)
    return done.get(x.name)


def _zeros(op: Op, g: Tensor, x: Tensor) -> Tensor:
    """Zeros of g's type and x's shape."""
    found = op.expand_like(op.constant(np.zeros((), g.dtype)), x)
    op.promises.zero.add(found.name)
    return found


def _pull(
    op: Op, rules: Rules, node: Node, outputs: list[Tensor | None], path: set[str]
) -> Iterator[tuple[Tensor, Tensor]]:
    """(tensor on the path that the node reads, a cotangent of it)."""
    rule = rules.get(key_of(node))
    if rule is None:
        raise RefusedError(node)
    view = as_float32(op, node)
    if view is not node:
        if rule.inner:
            raise RefusedError(node, "it takes or gives bfloat16")
        yield from _pull_widened(op, rules, node, view, outputs, path)
        return
    unknown = [t.name for t in reads(node) if t.name in path and t.shape is None]
    if unknown:
        _require_known(op, rules, unknown[0])
        why = f"the rank of '{unknown[0]}' is unknown (export with static shapes)"
        raise RefusedError(node, why)
    if rule.body:
        yield from _through(op, rules, rule, node, outputs, path)
        return
    if rule.inner:
        yield from _within(op, rules, rule, node, outputs, path)
        return
    if not rule.several and any(g is not None for g in outputs[1:]):
        raise RefusedError(node, "its second output is read on the path")
    found = rule.function(op, node, tuple(outputs) if rule.several else outputs[0])
    found = list(found) if isinstance(found, tuple | list) else [found]
    for position, x in enumerate(node.inputs):
        gx = found[position] if position < len(found) and x.name in path else None
        gx = gx() if callable(gx) else gx
        if gx is None and x.name in path and floating(x):
            why = f"input {position} ('{x.name}') depends on the layer"
            raise RefusedError(node, why, at=x)
        if gx is not None:
            yield x, gx


def _pull_widened(
    op: Op,
    rules: Rules,
    node: Node,
    view: Node,
    outputs: list[Tensor | None],
    path: set[str],
) -> Iterator[tuple[Tensor, Tensor]]:
    """By way of `view`, which has other tensors in the places of those that the node reads."""
    own = {v.name: x for v, x in zip(view.inputs, node.inputs, strict=True)}
    try:
        for v, g in _pull(op, rules, view, outputs, {v for v, x in own.items() if x.name in path}):
            yield own[v.name], g
    except RefusedError as error:
        at = own[error.inputs[0].name] if len(error.inputs) == 1 else None
        raise RefusedError(node, error.why, at=at) from error


def _require_known(op: Op, rules: Rules, name: str) -> None:
    """Refuses the operator in whose form it is that nothing is known of a tensor's shape."""
    maker = op.graph.producer.get(name)
    while maker is not None:
        rule = rules.get(key_of(maker))
        before = [t.name for t in maker.inputs if t.name and t.shape is None]
        if not before and rule is not None and rule.body:
            taped(op, rule, maker)
        maker = op.graph.producer.get(before[0]) if before else None


def _through(
    op: Op,
    rules: Rules,
    rule: Rule,
    node: Node,
    outputs: list[Tensor | None],
    path: set[str],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Through the operators that a node stands for; what it refuses is refused in its name."""
    leaves = list({t.name: t for t in reads(node) if t.name in path}.values())
    ends = [(y, g) for y, g in zip(node.outputs, outputs, strict=True) if g is not None]
    tape = taped(op, rule, node)
    try:
        found = pull_back(op, rules, tape, ends, leaves)
    except RefusedError as error:
        raise RefusedError(
            node, f"its {error.node.op} has no rule{': ' * bool(error.why)}{error.why}"
        ) from error
    for leaf in leaves:
        if leaf.name in found:
            yield leaf, found[leaf.name]


def _within(
    op: Op,
    rules: Rules,
    rule: Rule,
    node: Node,
    outputs: list[Tensor | None],
    path: set[str],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Into the bodies of a node; what is refused in there is refused in its name."""
    leaves = list({t.name: t for t in reads(node) if t.name in path}.values())
    for x in reads(node):
        if x.dtype is None or getattr(x, "type", "tensor_type") != "tensor_type":
            raise RefusedError(node, f"it reads '{x.name}', which is no tensor of a known type")

    drawn = drawing(node, lambda name: op.value(op.graph.tensors.get(name)))
    if drawn is not None:
        raise RefusedError(node, f"its body draws at random ({drawn.op}) and is run again")

    def back(body: Body, ends: Sequence[tuple[Tensor, Tensor]], wanted: Sequence[Tensor]) -> Found:
        try:
            return pull_back(body.op, rules, body.nodes, ends, wanted)
        except RefusedError as error:
            raise RefusedError(node, f"its body holds this: {error.what}") from error

    found = rule.function(op, node, outputs, leaves, back)
    yield from ((leaf, found[leaf.name]) for leaf in leaves if leaf.name in found)
