"""The ends of a detector's neck: of each scale the last map that its predictions share."""

from __future__ import annotations

from collections.abc import Sequence

from ..reading.graph import Tensor
from .route import Route


def necks(route: Route, maps: Sequence[Tensor]) -> list[Tensor]:
    """One map a scale, in execution order; none where a scale has no such map.

    A prediction is a map after which no operator mixes channels; the maps before are features. The
    last feature map that all later ones of its scale come from is where the heads part.
    """
    scales: dict[object, list[Tensor]] = {}
    for tensor in maps:
        scales.setdefault(route.maps.space(tensor), []).append(tensor)
    found = []
    for own in scales.values():
        if any(tensor.name not in route.mixed for tensor in own):
            common = _last_common(route, own)
            if common is not None:
                found.append(common)
    return found


def _last_common(route: Route, own: Sequence[Tensor]) -> Tensor | None:
    """The last of these maps, mixed later on, that all after it come from."""
    predictions = [tensor.name for tensor in own if tensor.name not in route.mixed]
    for i in range(len(own) - 1, -1, -1):
        if own[i].name in route.mixed:
            after = route.after(own[i])
            if all(name in after for name in (*predictions, *(t.name for t in own[i + 1 :]))):
                return own[i]
    return None
