"""A model seen at the size that its pictures are to have, where it leaves that open itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.maps.layout import Layout
from cam_core.maps.share import Share

from ..finding.analysis import Analysis, analysed
from ..reading.graph import Tensor
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
        InputError: no picture of the model may have that size.
        ModelError, LayerError: as `analyse` says.
    """
    if size is None:
        return analysed(model, layers, score, static)
    found = analysed(model, (), score, static)
    shape = _pictured(found, size)
    return analysed(found, layers, score, static if shape is None else shape)


def size_of(found: Analysis, arrays: Mapping[str, Array]) -> tuple[int, int] | None:
    """Height and width of what is given for the first picture whose size is open; else None."""
    for tensor, places in _pictures(found):
        if any(_open(tensor, i) for i in places):
            height, width = (int(arrays[tensor.name].shape[i]) for i in places)
            return height, width
    return None


def lacks_size(found: Analysis) -> bool:
    """Are there layers of which nobody knows how many of their tokens make a row?"""
    read = (choice.layout for choice in found.choices)
    layouts = (one.inside if isinstance(one, Share) else one for one in read)
    return any(isinstance(one, Layout) and "T" in one.axes and not one.grid for one in layouts)


def named(found: Analysis, layers: Sequence[str | int] | None) -> Sequence[str | int] | None:
    """The layers as they were asked for; those by number by name, for they may be others there."""
    if layers is None:
        return None
    asked = zip(layers, found.choices, strict=True)
    return [choice.name if found.layers.is_index(name) else name for name, choice in asked]


def _pictured(found: Analysis, size: tuple[int, int]) -> Static | None:
    """The shape of the first picture with open places, which then are `size`; None: it is so."""
    pictures = [
        (tensor, places, [None if _open(tensor, i) else tensor.shape[i] for i in places])
        for tensor, places in _pictures(found)
    ]
    for tensor, places, own in pictures:
        if None in own and all(n in (None, wanted) for n, wanted in zip(own, size, strict=True)):
            sized: list[int | None] = [None] * len(tensor.shape)
            for i, have, wanted in zip(places, own, size, strict=True):
                sized[i] = wanted if have is None else None
            return {str(tensor.name): sized}
    if pictures and all(own != [*size] for _, _, own in pictures):
        tensor, _, own = pictures[0]
        only = "x".join("?" if n is None else str(n) for n in own)
        raise InputError(
            f"size {size[0]}x{size[1]}: input '{tensor.name}' takes only {only}. Leave --size out."
        )
    return None


def _pictures(found: Analysis) -> Iterator[tuple[Tensor, list[int]]]:
    """The inputs with channels and two axes of places, and which these are."""
    for tensor in found.graph.inputs:
        axis = found.layers.maps.input_channels(tensor)
        places = [i for i in range(len(tensor.shape or ())) if i not in (0, axis)]
        if axis is not None and len(places) == 2:
            yield tensor, places


def _open(tensor: Tensor, axis: int) -> bool:
    return not isinstance(tensor.shape[axis], int)
