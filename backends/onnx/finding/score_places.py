"""Says of each head where its cells lie in an input."""

from __future__ import annotations

from dataclasses import replace

from cam_core.head import Head
from cam_core.region import Places

from ..reading.graph import Tensor
from .maps import Maps
from .scores import Score
from .whereabouts import lost_in


def with_places(maps: Maps, score: Score) -> Score:
    """The heads with their places: of the first those of the score as it is explained, of the
    others those of their outputs.
    """
    first, *rest = score.heads
    others = [_placed(maps, head, maps.graph.tensors.get(head.output)) for head in rest]
    return replace(score, heads=(_placed(maps, first, score.tensor), *others))


def _placed(maps: Maps, head: Head, tensor: Tensor | None) -> Head:
    if tensor is None:
        return head
    found = places_of(maps, tensor)
    lost = lost_in(maps, tensor) if found is None else None
    why = "" if lost is None else f"lost at node '{lost.node}' ({lost.why})"
    return replace(head, places=found, nowhere=why)


def places_of(maps: Maps, tensor: Tensor) -> Places | None:
    """Where the cells of a tensor lie; None where that is not followed, or it has one cell."""
    layout, region = maps.layout(tensor), maps.region(tensor)
    if layout is None or region is None or not region.axes:
        return None
    return Places(layout.text(), region)
