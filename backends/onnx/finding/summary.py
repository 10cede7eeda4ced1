"""Summary tokens: does the head read one token only, so that the patches after it count nothing?"""

from __future__ import annotations

from collections.abc import Mapping

from ..reading.graph import Tensor
from ..reading.kinds import NORMS
from .route import Route
from .tokens import Tokens


def only_summary(route: Route, tensor: Tensor, needed: Mapping[str, Tokens]) -> bool:
    """Does the score depend on no token of this map but the summary's, or on nothing of it?"""
    seen, tokens = route.maps.seen(tensor), needed.get(tensor.name)
    if tokens is not None and not tokens.at:
        return True
    if seen is None or tokens is None:
        return False
    before, places = seen.tokens_on(tokens.axis)
    return not any(before <= i and (places is None or i < before + places) for i in tokens.at)


def first_norm(route: Route, tensor: Tensor) -> Tensor:
    """The normalisation that opens the last block, where the block reads `tensor`."""
    for node in route.graph.consumers.get(tensor.name, []):
        if node.op in NORMS:
            return node.outputs[0]
    return tensor
