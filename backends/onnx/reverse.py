"""Reverse mode over the graph: from the score's cotangent to the cotangents that are wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.errors import CamError, LayerError

from .emit import Emitter
from .prepare import Graph, Node, Tensor, floating, reads
from .rules import GUIDED, VJP_RULES, ZERO, RefusedError, Rule, key_of
from .valid import blame


def active(graph: Graph, wanted: Sequence[str], score: str) -> set[str]:
    """Names of the tensors on a derivative-carrying path from a wanted tensor to the score."""
    carries = set(wanted)
    for node in graph.nodes:
        if key_of(node) in ZERO or carries.isdisjoint(t.name for t in reads(node)):
            continue
        passes_integers = _passes_integers(node, carries)
        carries.update(t.name for t in node.outputs if t.name and (floating(t) or passes_integers))
    reaches = {score} & carries
    for node in reversed(graph.nodes):
        if not reaches.isdisjoint(t.name for t in node.outputs) and key_of(node) not in ZERO:
            reaches.update(t.name for t in reads(node) if t.name in carries)
    return reaches


def _passes_integers(node: Node, carries: set[str]) -> bool:
    """Do this node's integer outputs carry the derivative of a quantised tensor?"""
    rule = VJP_RULES.get(key_of(node))
    if rule is None or rule.quantises:
        return True
    return any(t.name in carries and not floating(t) for t in node.inputs)


def reverse(
    op: Emitter,
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
    op: Emitter, score: Tensor, cotangent: Tensor, wanted: Sequence[str], guided: bool
) -> dict[str, Tensor]:
    graph = op.graph
    path = active(graph, wanted, score.name)
    for name in wanted:
        if name not in path:
            raise LayerError(
                f"layer '{name}' does not reach the score '{score.name}' by any path that "
                f"carries a derivative; choose a layer from `gradcam layers`"
            )
    rules: Mapping[tuple[str, str], Rule] = VJP_RULES | GUIDED if guided else VJP_RULES
    parts: dict[str, list[Tensor]] = defaultdict(list, {score.name: [cotangent]})
    done: dict[str, Tensor] = {}
    for node in reversed(graph.nodes):
        outputs = [_total(op, parts, done, t) if t.name in path else None for t in node.outputs]
        ends = key_of(node) in ZERO or not any(t.name in path for t in reads(node))
        if ends or all(g is None for g in outputs):
            continue
        for x, gx in zip(node.inputs, _pull(op, rules, node, outputs, path), strict=False):
            if gx is not None:
                parts[x.name].append(op.sum_to(gx, x))
    for name in wanted:
        _total(op, parts, done, graph.tensors[name])
    missing = [name for name in wanted if name not in done]
    if missing:
        raise LayerError(f"no derivative arrives at layer '{missing[0]}'")
    return {name: op.expand_like(done[name], graph.tensors[name]) for name in wanted}


def _total(
    op: Emitter, parts: dict[str, list[Tensor]], done: dict[str, Tensor], x: Tensor
) -> Tensor | None:
    """The sum of all that arrived at x, of x's shape."""
    arrived = parts.pop(x.name, [])
    if arrived:
        done[x.name] = op.expand_like(op.shortcuts.total(arrived), x)
    return done.get(x.name)


def _pull(
    op: Emitter,
    rules: Mapping[tuple[str, str], Rule],
    node: Node,
    outputs: list[Tensor | None],
    path: set[str],
) -> list[Any]:
    """Cotangents of the node's inputs, None off the path."""
    rule = rules.get(key_of(node))
    if rule is None:
        raise RefusedError(node)
    unknown = [t.name for t in node.inputs if t.name in path and t.shape is None]
    if unknown:
        why = f"the rank of '{unknown[0]}' is unknown (export with static shapes)"
        raise RefusedError(node, why)
    if not rule.several and any(g is not None for g in outputs[1:]):
        raise RefusedError(node, "its second output is read on the path")
    found = rule.function(op, node, tuple(outputs) if rule.several else outputs[0])
    found = list(found) if isinstance(found, tuple | list) else [found]
    wanted = []
    for position, x in enumerate(node.inputs):
        gx = found[position] if position < len(found) and x.name in path else None
        gx = gx() if callable(gx) else gx
        if gx is None and x.name in path and floating(x):
            why = f"input {position} ('{x.name}') depends on the layer"
            raise RefusedError(node, why, at=x)
        wanted.append(gx)
    return wanted
