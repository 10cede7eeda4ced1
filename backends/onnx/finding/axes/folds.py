"""An input's axis that the file itself lays out as a picture: [N, 784] that becomes 28 x 28.

What slides over two pieces of one axis at once takes both for axes of their own. From the input
on they are then followed as such, as if the input were [N, 28, 28], and never merged into one walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from ...reading.graph import Graph, Node
from ...reading.kinds import POOLS, RESHAPING, WINDOWED_PRODUCTS
from ...reading.units import channels_last, computes
from .factors import Axes, Axis, Factor, Given

Folds = Mapping[str, tuple[int, ...]]
"""By input, the extents that its last axis is laid out in, row-major."""


def folds_of(graph: Graph, found: Mapping[str, Axes]) -> dict[str, tuple[int, ...]]:
    """The inputs whose last axis is a picture, a volume, a picture with its channels."""
    laid: dict[Given, list[tuple[int, ...]]] = {origin: [] for origin in _last_axes(graph, found)}
    folds: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes if laid else ():
        for origin, known in laid.items():
            if node.op in RESHAPING:
                known += filter(None, [_laid_out(found.get(node.outputs[0].name, ()), origin)])
            elif computes(node) in WINDOWED_PRODUCTS | POOLS:
                slid = _slid_over(node, found.get(node.inputs[0].name, ()), origin)
                fit = [extents for extents in known if slid <= set(_steps(extents))]
                if len(slid) > 1 and fit:
                    folds.setdefault(origin.input, fit[-1])
    return folds


def _last_axes(graph: Graph, found: Mapping[str, Axes]) -> list[Given]:
    """Those of the inputs that have more than rows, and a number of cells that is known."""
    known = [t for t in graph.inputs if t.shape and len(t.shape) > 1 and t.name in found]
    factors = (f for t in known if isinstance(t.shape[-1], int) for f in found[t.name][-1])
    return [f.origin for f in factors if isinstance(f.origin, Given)]


def folded(name: str, shape: tuple[int, ...], folds: Folds) -> Axes:
    """The axes of an input; those of its last one beside one another where it is a picture."""
    inner = folds.get(name, shape[-1:])
    axes = [(Factor(Given(name, i, extent), extent),) for i, extent in enumerate(shape[:-1])]
    last: Axis = tuple(
        Factor(Given(name, i, extent), extent) for i, extent in enumerate(inner, start=len(axes))
    )
    return (*axes, last) if shape else ()


def _laid_out(axes: Axes, origin: Given) -> tuple[int, ...]:
    """The extents of an axis that lies in several as it was; () where it does not."""
    pieces = [factor for factor in _in_order(axes) if factor.origin == origin]
    extents = tuple(factor.extent for factor in pieces)
    exact = [factor.width for factor in pieces] == list(_steps(extents))
    whole = prod(extents) == origin.extent and not any(factor.start for factor in pieces)
    return extents if exact and whole and len(pieces) > 1 else ()


def _in_order(axes: Axes) -> Iterable[Factor]:
    return sorted((factor for axis in axes for factor in axis), key=lambda f: -f.width)


def _steps(extents: tuple[int, ...]) -> tuple[int, ...]:
    """How many cells of the whole one cell of each is."""
    return tuple(prod(extents[i + 1 :]) for i in range(len(extents)))


def _slid_over(node: Node, axes: Axes, origin: Given) -> set[int]:
    """The steps of the axes from an origin that a window slides over, its cells being whole."""
    places = axes[1:-1] if channels_last(node) else axes[2:]
    own = [axis[0] for axis in places if len(axis) == 1 and axis[0].origin == origin]
    return {int(abs(factor.width)) for factor in own if factor.width.denominator == 1}
