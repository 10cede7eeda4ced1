"""Which tensors lie on a path that carries a derivative."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..reading.graph import Graph, Node, Tensor, floating, reads, tiny
from .registry import VJP_RULES, ZERO, key_of

HELD = {"RoiAlign", "MaxRoiPool"}
"""Operators that pool regions, which are computed as well."""


def active(graph: Graph, wanted: Sequence[str], score: str) -> set[str]:
    """Names of the tensors on a derivative-carrying path from a wanted tensor to the score."""
    return between(graph.nodes, wanted, [score])


def between(nodes: Sequence[Node], wanted: Collection[str], ends: Iterable[str]) -> set[str]:
    """The same among `nodes`, in topological order, to any of several ends."""
    return leading(nodes, carried(nodes, wanted), ends, wanted)


def carried(nodes: Sequence[Node], wanted: Collection[str]) -> set[str]:
    """These tensors and all that is computed from them with a derivative."""
    carries = set(wanted)
    for node in nodes:
        if key_of(node) in ZERO or carries.isdisjoint(t.name for t in _moving(node, wanted)):
            continue
        made = [t for t in node.outputs if t.name]
        plain = [t for t in made if floating(t) or t.dtype is None]
        whole = len(plain) == len(made) or _passes_integers(node, carries)
        carries.update(t.name for t in (made if whole else plain))
    return carries


def leading(
    nodes: Sequence[Node], carries: set[str], ends: Iterable[str], wanted: Collection[str] = ()
) -> set[str]:
    """Those of the tensors in `carries` from which an end is computed."""
    reaches = set(ends) & carries
    for node in reversed(nodes):
        if not reaches.isdisjoint(t.name for t in node.outputs) and key_of(node) not in ZERO:
            reaches.update(t.name for t in _moving(node, wanted) if t.name in carries)
    return reaches


def _moving(node: Node, wanted: Collection[str]) -> list[Tensor]:
    """What a node reads that moves its result.

    Regions that are pooled are held, as detectors are trained (Ren et al. 2015, Faster R-CNN, 3.2),
    unless they are what is asked for.
    """
    if node.op in HELD:
        return [t for i, t in enumerate(node.inputs) if t.name and (i == 0 or t.name in wanted)]
    return list(reads(node))


def _passes_integers(node: Node, carries: set[str]) -> bool:
    """Do this node's integer outputs carry the derivative of a quantised tensor?"""
    rule = VJP_RULES.get(key_of(node))
    if rule is None or rule.quantises or any(tiny(t) for t in node.outputs):
        return True
    return any(t.name in carries and not floating(t) for t in node.inputs)
