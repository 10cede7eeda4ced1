"""A picture that the file cuts into tiles, rows of their own: [N, 3, 32, 32] as [4 N, 3, 16, 16].

Where each tile is pooled to one row of features, what follows are maps of a cell a tile. The map
that says where in a tile lies before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..reading.graph import Node, Tensor
from .axes.factors import Axes, Given, leaves
from .route import Route


def before_tiles(route: Route, maps: Sequence[Tensor], cuts: Collection[str]) -> list[Tensor]:
    """The maps before tiles are pooled, where all ways lead through that; else all of them."""
    for node in route.graph.nodes:
        if any(t.name in cuts for t in node.outputs[:1]) and _pools_tiles(route, node):
            after = route.after(node.outputs[0])
            return [t for t in maps if t.name not in after] or list(maps)
    return list(maps)


def _pools_tiles(route: Route, node: Node) -> bool:
    """Does it make of each tile a row without places, whatever the tiles are of?"""
    tiles = node.inputs[0] if node.inputs else None
    if tiles is None or tiles.name not in route.weighed or route.maps.plain(tiles):
        return False
    found = route.maps.found.first
    before, after = found.get(tiles.name), found.get(node.outputs[0].name)
    if not before or not after or before[0] != after[0] or not route.extended(tiles):
        return False
    return route.maps.rows_are_places(tiles) and not _places_in(route, after[1:])


def _places_in(route: Route, axes: Axes) -> bool:
    given = (o for axis in axes for o in leaves(axis) if isinstance(o, Given) and o.extent > 1)
    return any(route.maps.roles.of(origin) == "space" for origin in given)
