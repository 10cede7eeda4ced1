"""Summary tokens: does the head read one token only, so that the patches after it count nothing?"""

from __future__ import annotations

from collections.abc import Mapping

from ..reading.graph import Tensor
from ..reading.kinds import NORMS
from .maps import MOST_SUMMARY_TOKENS
from .route import Route
from .tokens import Tokens


def only_summary(route: Route, tensor: Tensor, needed: Mapping[str, Tokens]) -> bool:
    """Does the score depend on no token of this map but the summary's, or on nothing of it?"""
    layout, tokens = route.maps.layout(tensor), needed.get(tensor.name)
    if tokens is not None and not tokens.at:
        return True
    if layout is None or layout.axes != "NTC" or tokens is None or tokens.axis != 1:
        return False
    if layout.grid:
        return all(i < layout.skip for i in tokens.at)
    return len(tokens.at) <= MOST_SUMMARY_TOKENS and len(tokens.at) != tensor.shape[1]


def first_norm(route: Route, tensor: Tensor) -> Tensor:
    """The normalisation that opens the last block, where the block reads `tensor`."""
    for node in route.graph.consumers.get(tensor.name, []):
        if node.op in NORMS:
            return node.outputs[0]
    return tensor
