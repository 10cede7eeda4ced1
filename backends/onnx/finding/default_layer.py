"""The layer that is taken when none is named; docs/choosing-a-layer.md says it in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cam_core.errors import LayerError

from ..reading.graph import Node, Tensor, floating, reads
from ..reading.kinds import EXTENTS, PRELUDE, PRODUCTS, VIEWS, WINDOWS
from ..reading.units import computes
from ..rules import ZERO, key_of
from .necks import necks
from .route import Route
from .stepping import step_back
from .summary import first_norm, only_summary
from .tiles import before_tiles
from .tokens import needed_tokens
from .whereabouts import first_in_one_batch, first_loss, merged_rows, why_no_map


def default_layer(route: Route, over: str | None = None) -> tuple[Tensor, str]:
    """The first of `default_layers`, and a note where it is not the ordinary one."""
    (first, *_), why = default_layers(route, over)
    return first, why


def default_layers(route: Route, over: str | None = None) -> tuple[list[Tensor], str]:
    """The last map that everything passes through, and a note where it is another.

    Of a detector the ends of its neck, the largest first: together they carry everything.

    `over`: of the maps over this input alone.

    Raises:
        LayerError: the model has no map at all, or none over that input.
    """
    merged = merged_rows(route.maps, route.score.tensor, route.mixed)
    if merged or not route.spatial_maps:
        raise LayerError(merged or _no_map(route))
    chosen, why = _chosen(route, over)
    if any(tensor.name not in route.weighed for tensor in chosen):
        _refuse_pixels(route)
    return chosen, why


def _refuse_pixels(route: Route) -> None:
    """A map that no weights made is no default where features follow that cannot be read."""
    together = first_in_one_batch(route.maps, route.path)
    if together:
        raise LayerError(together)
    for name in sorted(route.path & route.weighed & set(route.graph.tensors)):
        tensor = route.graph.tensors[name]
        read = route.maps.seen(tensor) is not None and route.own_batch(tensor)
        if route.maps.placed(tensor) and not read:
            raise LayerError(
                f"only pixels are maps before the score '{route.score.name}'; of '{name}' "
                f"{why_no_map(route.maps, tensor)}; name a layer with --layer"
            )


def _chosen(route: Route, over: str | None) -> tuple[list[Tensor], str]:
    cuts, needed = route.cuts(), needed_tokens(route)
    pictures = _without_rows(route)
    places = [t for t in pictures if over is None or over in route.maps.inputs(t)]
    maps = [t for t in places if not only_summary(route, t, needed)]
    all_through = [t for t in places if t.name in cuts]
    through = [t for t in maps if t.name in cuts and not _only_in_products(route, t)]
    summary = all_through[-1:] != through[-1:]
    if route.dense and route.score.heads[0].boxes is not None and necks(route, maps):
        return _branches(route, maps)
    within = before_tiles(route, through, cuts)
    chosen = step_back(route, within[-1]) if within else None
    coarser = (
        len(within) == len(through) and chosen and _before_downsampling(route, chosen, pictures)
    )
    if chosen is None or coarser:
        return _branches(route, maps)
    return [first_norm(route, chosen) if summary else chosen], ""


def _without_rows(route: Route) -> list[Tensor]:
    """The maps; beside pictures no row along one axis: states, steps in time, a caption's words."""

    def places(tensor: Tensor) -> int:
        seen = route.maps.seen(tensor)
        return 0 if seen is None else len(seen.places)

    pictures = any(places(t) > 1 for t in route.spatial_maps)
    rows = {t.name for t in route.spatial_maps if places(t) == 1 and len(t.shape) < 4}
    return [t for t in route.spatial_maps if not (pictures and t.name in rows)]


def _no_map(route: Route) -> str:
    """Why there is nothing to look at: a step function in the way, rows of several, no space."""
    before = {route.score.name}
    for node in reversed(route.graph.nodes):
        if before.isdisjoint(t.name for t in node.outputs):
            continue
        if node.op in EXTENTS:  # a map is not reached by way of its shape
            continue
        if key_of(node) in ZERO and any(floating(t) for t in node.inputs):
            return (
                f"{node.op} (node '{node.name or node.outputs[0].name}') stands before the "
                f"score '{route.score.name}' and has zero derivative: {ZERO[key_of(node)]}"
            )
        before.update(t.name for t in reads(node))
    together = first_in_one_batch(route.maps, route.path)
    if together:
        return together
    lost = first_loss(route.maps, route.graph, route.path)
    if lost is not None:
        return (
            f"no map lies before the score '{route.score.name}': which cell is from where in the "
            f"input is lost at node '{lost.node}' ({lost.why}); name a layer with --layer"
        )
    return f"no map lies before the score '{route.score.name}': {_vectors(route)}"


def _vectors(route: Route) -> str:
    """What there is where no tensor has places."""
    made = (t for node in reversed(route.graph.nodes) for t in node.outputs)
    named = (t for t in made if t.name in route.path and t.name != route.score.name)
    vector = next((t for t in named if floating(t) and route.maps.layout(t) is not None), None)
    if vector is None:
        return "none of its tensors has places of an input"
    return f"only vectors without places; to weigh one, name it with --layer, as '{vector.name}'"


def _before_downsampling(route: Route, tensor: Tensor, maps: Sequence[Tensor]) -> bool:
    """Does one of these, coarser than it, follow it? A part of it is none."""
    parts = VIEWS | WINDOWS | {"Slice", "Split", "Gather"}
    after, area = route.after(tensor), _area(route, tensor)
    return any(
        1 < _area(route, t) < area and computes(route.graph.producer[t.name]) not in parts
        for t in maps
        if t.name in after
    )


def _area(route: Route, tensor: Tensor) -> float:
    """Places of a map; dynamic extents compare as unknown."""
    space = route.maps.space(tensor)
    return math.prod(d if isinstance(d, int) else math.nan for d in space)


def _branches(route: Route, maps: Sequence[Tensor]) -> tuple[list[Tensor], str]:
    """The ends of a neck; else the last map of the branch with the most channels times places."""
    own = [t for t in maps if not _only_in_products(route, t)]
    stepped = [step_back(route, tensor) for tensor in route.branch_ends(own)]
    found = necks(route, own) if route.dense else []
    ends = {t.name: t for t in found or stepped if t is not None and route.spatial(t)}
    if not ends:
        raise LayerError(
            f"which map before the score '{route.score.name}' to take is not clear; "
            f"name one of `gradcam layers` with --layer"
        )
    largest, *others = sorted(ends.values(), key=_cells, reverse=True)
    if found:
        several = f"the score is read at {len(ends)} scales, the ends of the neck"
        return [largest, *others], several if others else ""
    why = "no single map carries everything: took the largest branch's last"
    rest = ", ".join(f"'{t.name}'" for t in others)
    return [largest], f"{why}; others: {rest}" if rest else ""


def _cells(tensor: Tensor) -> int:
    """Channels times places, as far as they are known."""
    return math.prod(d for d in tensor.shape if isinstance(d, int))


def _only_in_products(route: Route, tensor: Tensor) -> bool:
    """Is it an attention's query, key or value, a factor after no more than a bias and a view?

    Or what is split into them: several maps in one.
    """
    waiting = [tensor.name]
    while waiting:
        readers = route.graph.consumers.get(waiting.pop(), [])
        readers = [n for n in readers if any(t.name in route.path for t in n.outputs)]
        if len(readers) > 1 and all(_takes_one(node) for node in readers):
            continue
        for node in readers:
            factors = sum(t.name in route.path for t in node.inputs)
            if (computes(node) in PRODUCTS and factors > 1) or node.op == "Split":
                continue
            if computes(node) not in VIEWS | PRELUDE or factors > 1:
                return False
            waiting.extend(t.name for t in node.outputs if t.name in route.path)
        if not readers:
            return False
    return True


def _takes_one(node: Node) -> bool:
    """Is it one of the parts that torch.unbind takes a tensor apart into?"""
    if node.op == "Gather":
        return node.inputs[1].shape is not None and len(node.inputs[1].shape) == 0
    source, part = node.inputs[0].shape, node.outputs[0].shape
    if node.op != "Slice" or source is None or part is None:
        return False
    return [kept for have, kept in zip(source, part, strict=True) if have != kept] == [1]
