"""Which layer of B is which of A: by module path, by name, by what flows through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ..backend import Array, Backend, Inputs, Layer
from ..errors import CamError, InputError, LayerError

ALIKE, SURE = 0.5, 0.9
"""Activations that correlate less are no match by themselves; from SURE on they go before a name
whose activations are not ALIKE."""
IDENTICAL, NEARER = 0.999, 0.1
"""From IDENTICAL on they are the same numbers: where no more than NEARER of a name's 1 - r is left,
the name means another tensor."""
LOOSE = 0.85
"""Activations that correlate less make one doubt whether it is the same layer."""
TRIED = 24
"""Layers whose activations are compared, the last ones first."""
EXTRA = 1.2
"""A layer's tensor may be so much larger than its map: summary tokens beside the places."""
BY_ACTIVATIONS, BY_DEFAULT = "activations", "the model's default"
LISTED = 5
"""Layers that an error names."""
QUANTISED = (
    *("_DequantizeLinear_Output", "_QuantizeLinear_Output", "_QuantizeLinear_Input"),
    *("_quantized", "_dequantized"),
)
"""What quantisers put behind the name of a tensor."""
Known = tuple[Sequence[Layer], Sequence[Layer]]
"""The layers of A and of B."""


@dataclass(frozen=True)
class Matched:
    """One layer in both models."""

    a: str
    b: str
    by: str
    """How one knows."""
    alike: float
    """Pearson's r of the activations on one photo; NaN where their shapes differ."""

    @property
    def said(self) -> str:
        """In one line."""
        known = "" if np.isnan(self.alike) else f", correlation {self.alike:.3f}"
        return f"{self.a} = {self.b} (by {self.by}{known})"

    @property
    def doubt(self) -> str:
        """Why it may be another layer; '' of none."""
        if self.by == BY_DEFAULT:
            return (
                f"'{self.a}' of A is held against '{self.b}' of B, though nothing says that they "
                "are one layer: name the model's with --layer (of B --layer-b) if they are not"
            )
        if self.by == BY_ACTIVATIONS and self.alike < LOOSE:
            return (
                f"'{self.b}' of B is A's '{self.a}' by activations of correlation {self.alike:.2f} "
                "alone: name others with --layer and --layer-b if it is not the same layer"
            )
        return ""


def match_layers(
    a: Backend,
    b: Backend,
    x: tuple[Inputs, Inputs],
    layers: Sequence[str] | None = None,
    layers_b: Sequence[str] | None = None,
) -> list[Matched]:
    """For each layer of A (None: its default ones) that of B, on one photo.

    A module path that both have, then a name, then the activations that correlate best among those
    of one shape [K, *S]; those that are the same numbers go before a name of other ones. `layers_b`
    names B's; ["default"] are its own default ones.

    Raises:
        LayerError: B has none, with the nearest; or other numbers of layers are named.
        InputError: B does not take its input.
    """
    look = a.look(x[0], layers=layers)
    if layers_b is not None:
        asked = None if list(layers_b) == ["default"] else list(layers_b)
        other = b.look(x[1], layers=asked)
        return _named(look.activations, look.layers, other.activations, other.layers)
    table = {layer.name: layer for layer in a.layers()}
    theirs = b.layers()
    return [
        _match(
            table.get(name, Layer(name, "", ())),
            look.activations[name],
            (b, x[1]),
            (list(table.values()), theirs),
        )
        for name in look.layers
    ]


def like(layer: Layer, A: Array, b: Backend, x: Inputs) -> Matched:
    """The layer of B that is one of another model, of which no more is known than A on one photo.

    Raises:
        LayerError: B has none.
    """
    return _match(layer, A, (b, x), ([layer], b.layers()))


def correlation(A: Array, B: Array) -> float:
    """Pearson's r of all cells of two activations; NaN of other shapes, or of even ones.

    Where one has more rows, as a fixed batch repeats its photo, the first ones are compared.
    """
    rows = min(len(A), len(B))
    A, B = A[:rows], B[:rows]
    if A.shape != B.shape:
        return float("nan")
    a, b = (x.astype(np.float64) - x.mean(dtype=np.float64) for x in (A, B))
    size = np.sqrt(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b) / size) if size > 0 and np.isfinite(size) else float("nan")


def _named(
    A: Mapping[str, Array], of_a: Sequence[str], B: Mapping[str, Array], of_b: Sequence[str]
) -> list[Matched]:
    if len(of_a) != len(of_b):
        raise LayerError(
            f"{len(of_a)} layers of A ({', '.join(of_a)}) and {len(of_b)} of B "
            f"({', '.join(of_b)}): name as many with --layer and --layer-b"
        )
    pairs = zip(of_a, of_b, strict=True)
    return [Matched(one, two, "what was asked", correlation(A[one], B[two])) for one, two in pairs]


def _match(layer: Layer, A: Array, of_b: tuple[Backend, Inputs], known: Known) -> Matched:
    """The best by each way in turn."""
    found = (_best(layer.name, A, of_b, names, by) for by, names in _by_name(layer, known[1]))
    kept = [one for one in found if one is not None]
    named = next((one for one in kept if one.alike >= ALIKE), None)
    if named is not None and named.alike >= IDENTICAL:
        return named
    fits = [one.name for one in known[1] if _may_be(one, A)][-TRIED:]
    nearest = _best(layer.name, A, of_b, fits, BY_ACTIVATIONS)
    if nearest is not None and np.isnan(nearest.alike):
        nearest = None  # none of them has A's shape
    if named is not None:
        return nearest if nearest is not None and _meant(nearest, named) else named
    if nearest is not None and nearest.alike >= (SURE if kept else ALIKE):
        return nearest
    if kept:
        return kept[0]
    raise _none(layer.name, A, known, nearest)


def _meant(one: Matched, named: Matched) -> bool:
    """Has one the numbers that are looked for, and a name other ones?"""
    if one.alike >= SURE and not named.alike >= ALIKE:
        return True
    return one.alike >= IDENTICAL and 1 - one.alike <= NEARER * (1 - named.alike)


def _by_name(layer: Layer, theirs: Sequence[Layer]) -> list[tuple[str, list[str]]]:
    """(how, names to look at)"""
    path = layer.module
    modules = [one.name for one in theirs if path and path in (one.module, one.name)]
    if path and any(f"{one.module}.".startswith(f"{path}.") for one in theirs):
        modules.append(path)  # what the module gives, wherever that is made
    own = [one.name for one in theirs if layer.name in (one.name, one.module)]
    copied = [one.name for one in theirs if bare(layer.name) == bare(one.name)]
    return [("module path", list(dict.fromkeys(modules))), ("name", own or copied)]


def bare(name: str) -> str:
    """The name of a tensor before it was quantised."""
    for ending in QUANTISED:
        name = name.removesuffix(ending)
    return name


def _best(
    name: str, A: Array, of_b: tuple[Backend, Inputs], names: Sequence[str], by: str
) -> Matched | None:
    """Of these layers of B the one whose activations are most like A: the one of A's name, unless
    another is meant; the last one where nothing is known of any."""
    looked = _looked(*of_b, names) if names else []
    found = [Matched(name, asked, by, correlation(A, B)) for asked, B in looked]
    if not found:
        return None
    own = next((one for one in found if one.b == name), None)
    if all(np.isnan(one.alike) for one in found):
        return own if own is not None else found[-1]
    best = max(found, key=lambda one: np.nan_to_num(one.alike, nan=-2))
    return best if own is None or _meant(best, own) else own


def _looked(b: Backend, x: Inputs, names: Sequence[str]) -> list[tuple[str, Array]]:
    """All at once; one by one where one of them cannot be looked at."""
    try:
        look = b.look(x, layers=list(names))
        return [(name, look.activations[name]) for name in look.layers]
    except InputError:
        raise  # whichever layer: B takes something else
    except CamError:
        if len(names) == 1:
            return []
        return [pair for name in names for pair in _looked(b, x, [name])]


def _may_be(layer: Layer, A: Array) -> bool:
    """May its tensor hold as many numbers as A, as far as its shape is known?"""
    known = [n for n in layer.shape[1:] if isinstance(n, int)]
    size = A[0].size
    whole = len(known) == len(layer.shape) - 1
    if not whole:
        return bool(size % max(prod(known), 1) == 0)
    return bool(size <= prod(known) <= EXTRA * size)


def _none(name: str, A: Array, known: Known, nearest: Matched | None) -> LayerError:
    near = "none has its shape"
    if nearest is not None:
        near = f"the nearest by its activations is '{nearest.b}' ({nearest.alike:.2f})"
    shape = " x ".join(map(str, A.shape[1:]))
    ours, theirs = (", ".join(one.name for one in of[-LISTED:]) for of in known)
    return LayerError(
        f"no layer of B is A's '{name}' [{shape}]: {near}. The last of A: {ours}; of B: {theirs}. "
        "Name it with --layer-b ('default': B's own default), 'gradcam layers' lists both"
    )
