"""The ends of a detector's neck: of each scale the last map that its predictions share."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ..reading.graph import Tensor, reads
from ..rules.paths import HELD, between, leading
from .route import Route


def necks(route: Route, maps: Sequence[Tensor]) -> list[Tensor]:
    """One map a scale, in execution order; none where a scale has no such map.

    A prediction is a map after which no operator mixes channels; the maps before are features. The
    last feature map that all later ones of its scale come from is where the heads part; that the
    boxes come from it too shows where the heads part whose boxes are another output. Of detectors
    in two stages they are the maps that regions are pooled of.
    """
    pooled = _pooled(route, maps)
    if pooled:
        return pooled
    scales: dict[object, list[Tensor]] = {}
    for tensor in maps:
        scales.setdefault(route.maps.space(tensor), []).append(tensor)
    found, to_boxes = [], _to_boxes(route)
    for own in scales.values():
        if any(tensor.name not in route.mixed for tensor in own):
            common = _last_common(route, own, to_boxes)
            if common is not None:
                found.append(common)
    return found


def _pooled(route: Route, maps: Sequence[Tensor]) -> list[Tensor]:
    """The maps that regions are pooled of, on the way to the score."""
    nodes = [n for n in route.graph.nodes if n.op in HELD]
    read = {n.inputs[0].name for n in nodes if any(t.name in route.path for t in n.outputs)}
    return [tensor for tensor in maps if tensor.name in read]


def _to_boxes(route: Route) -> set[str] | None:
    """Names of the maps that boxes come from beside the score; None: all come by way of it."""
    boxes, graph = route.score.heads[0].boxes, route.graph
    if boxes is None:
        return None
    score, ends = route.score.name, (boxes.output, *boxes.further)
    by_the_score = between(graph.nodes, [score], ends) | {*ends}
    beside = between(graph.nodes, route.path - {score}, ends) - by_the_score - route.path
    makers = [n for n in graph.nodes if any(t.name in beside for t in n.outputs)]
    given = {t.name for node in makers for t in reads(node) if t.name in route.path}
    return leading(graph.nodes, route.path, given) or None


def _last_common(
    route: Route, own: Sequence[Tensor], to_boxes: Container[str] | None
) -> Tensor | None:
    """The last of these maps, mixed later on, that all after it come from, and the boxes too."""
    predictions = [tensor.name for tensor in own if tensor.name not in route.mixed]
    for i in range(len(own) - 1, -1, -1):
        if own[i].name in route.mixed and (to_boxes is None or own[i].name in to_boxes):
            after = route.after(own[i])
            if all(name in after for name in (*predictions, *(t.name for t in own[i + 1 :]))):
                return own[i]
    return None
