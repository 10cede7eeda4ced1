"""How the head reads a layer: what takes its places away on the way to the score."""

from __future__ import annotations

from cam_core.head import Reads

from ..reading.graph import Node, reads
from ..reading.kinds import MIXERS
from ..reading.units import computes
from .attention import blocks_of
from .attention_factors import Part
from .axes.factors import leaves
from .layers import Choice
from .route import Route

POOLS: dict[str, Reads] = {
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean", "AveragePool"), "mean"),
    **dict.fromkeys(("GlobalMaxPool", "ReduceMax", "MaxPool"), "maximum"),
}
"""What is left of a map by operators that leave it one place."""
SEVERAL = 2
"""Blocks that make a transformer; one alone may pool what convolutions have made."""


def reads_of(route: Route, choice: Choice) -> Reads:
    """The one way in which all places of a layer become none; '' where it is another, or several.

    A transformer that attends within windows is that, whatever pools its tokens.
    """
    if windowed(route):
        return "windows"
    names = {choice.tensor.name, *route.after(choice.tensor)}
    found = {
        _left_by(route, node)
        for node in route.graph.nodes
        if any(t.name in names and route.extended(t) for t in reads(node))
        and any(t.name in names for t in node.outputs)
        and not any(route.extended(t) for t in node.outputs)
    }
    return found.pop() if len(found) == 1 else ""


def windowed(route: Route) -> bool:
    """Does the model attend over windows of the picture in two blocks or more?"""
    return sum(_in_windows(route, block.values) for block in blocks_of(route)) >= SEVERAL


def _in_windows(route: Route, values: Part) -> bool:
    """Do places count its rows or stand beside them, and not along the keys alone?"""
    keys = values.labels.index(values.order[-2])
    axes = route.maps.found.first.get(values.tensor.name, ())
    beside = {o for i, axis in enumerate(axes) if i != keys for o in leaves(axis)}
    return any(route.maps.is_place(origin) for origin in beside)


def _left_by(route: Route, node: Node) -> Reads:
    """Places that are still there, and no map any more, have been put in one row with channels.

    Of a single linear layer behind them HiResCAM is exact, and nothing was measured.
    """
    if node.op in POOLS:
        return POOLS[node.op]
    (out, *_) = node.outputs
    behind = route.after(out)
    products = [
        n
        for n in route.graph.nodes
        if computes(n) in MIXERS and any(t.name in behind for t in n.outputs)
    ]
    return "flattened" if route.maps.placed(out) and len(products) > 1 else ""
