"""A model seen at the size that its pictures are to have, where it leaves that open itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..finding.analysis import Analysis, analysed
from ..reading.static import Static


def analyse_at(
    model: object,
    layers: Sequence[str | int | None],
    score: str | None = None,
    static: Static | None = None,
    size: tuple[int, int] | None = None,
) -> Analysis:
    """As `analysed`, with the height and width of the picture that are open at `size`.

    Raises:
        ModelError, LayerError: as `analyse` says.
    """
    if size is None:
        return analysed(model, layers, score, static)
    found = analysed(model, (), score, static)
    shape = _pictured(found, size)
    return analysed(found, layers, score, static if shape is None else shape)


def _pictured(found: Analysis, size: tuple[int, int]) -> Static | None:
    """The shape of the first picture with open places, which then are `size`."""
    for tensor in found.graph.inputs:
        axis, shape = found.layers.maps.input_channels(tensor), list(tensor.shape or ())
        places = [i for i in range(len(shape)) if i not in (0, axis)]
        open_places = [i for i in places if not isinstance(shape[i], int)]
        if axis is not None and len(places) == len(size) and open_places:
            sized: list[int | None] = [None] * len(shape)
            for i in open_places:
                sized[i] = size[places.index(i)]
            return {str(tensor.name): sized}
    return None
