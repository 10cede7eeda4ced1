"""Which layer of which model a name means."""

from __future__ import annotations

from ..errors import LayerError
from .links import PARTED
from .look import Place, Wiring


def find_place(wiring: Wiring, main: int, name: str) -> Place:
    """A layer's model and its own name there; one that is not listed is of the default's.

    Args:
        wiring: the models.
        main: the one with the default layers.
        name: as the chain lists it, as its model knows it after the model's name, or an index.

    Raises:
        LayerError: several models have it, or no layer has that index.
    """
    name = str(name)
    known = _known(wiring, name)
    if known is not None:
        return known
    if name.lstrip("-").isdecimal():
        return _at(wiring, int(name))
    holders = [i for i, own in enumerate(wiring.layers) if name in own]
    if holders:
        each = " or ".join(wiring.layers[i][name] for i in holders)
        raise LayerError(f"several models have a layer '{name}': name {each}")
    return main, name


def _known(wiring: Wiring, name: str) -> Place | None:
    """By a layer's name in the chain, or its model's and any name that this model knows."""
    for i, own in enumerate(wiring.layers):
        for inner, outer in own.items():
            if name == outer:
                return i, inner
    first, parted, rest = name.partition(PARTED)
    names = [part.name for part in wiring.parts]
    return (names.index(first), rest) if parted and first in names else None


def _at(wiring: Wiring, index: int) -> Place:
    places = [(i, one.name) for i, part in enumerate(wiring.parts) for one in part.layers]
    if not -len(places) <= index < len(places):
        raise LayerError(f"layer {index}: the models have {len(places)}, numbered from 0")
    return places[index]
