"""Two models over many photos: a sample for the bounds, the rest in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..asking import find_class_axis
from ..backend import Array, Backend, Inputs
from ..errors import InputError, NothingFoundError
from .bounds import bounds_of, grey_noise, quantised
from .classes import ClassMap, Names, changed_places, match_classes, moved_said
from .layers import match_layers
from .pair import compare_batch, with_bounds
from .photos import Pair, Photo
from .sides import Sides
from .verdict import Verdict, verdict

SAMPLE = 16
"""Photos that floor and ceiling are measured on: they take as many passes again."""
BATCH = 16
"""Photos that are run at once, where both models take any number."""
KEPT = 512
"""Photos whose scores are kept to see whether classes changed places."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What comes of it."""

    sides: Sides
    pairs: Sequence[Pair]
    """In the order of the photos."""
    sample: int
    """How many of them the bounds are of."""
    moved: Sequence[tuple[int, int]] = ()
    """(class of A, class of B that its scores are) where classes changed places."""
    missed: Sequence[str] = ()
    """A line for each photo that has nothing of what is asked."""
    forward_only: bool = False
    """Was a map without gradients made as well, as one of both is quantised?"""

    @property
    def verdict(self) -> Verdict:
        """In one line."""
        return verdict(self.pairs)

    @property
    def worst_first(self) -> list[int]:
        """The photos by agreement; those without a number first."""
        r = [np.nan_to_num(pair.measures["spearman"], nan=-2) for pair in self.pairs]
        return [int(i) for i in np.argsort(r, kind="stable")]

    @property
    def said(self) -> list[str]:
        """What there is to say before any number."""
        found = [self.sides.classes.said, *(one.doubt for one in self.sides.layers)]
        found = [text for text in found if text]
        if self.moved:
            found.append(moved_said(self.moved, self.sides.labels))
        apart = sum(not pair.fed_alike for pair in self.pairs)
        if apart:
            found.append(f"A and B were fed other bytes ({apart} of {len(self.pairs)} photos)")
        return found


def compare(
    a: Backend,
    b: Backend,
    x: Array | Sequence[Inputs],
    *,
    x_b: Array | Sequence[Inputs] | None = None,
    target: str | None = None,
    method: str | None = None,
    layer: str | None = None,
    layer_b: str | None = None,
    labels: Names = None,
    labels_b: Names = None,
    classes: ClassMap | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Comparison:
    """Both models explained on the same inputs.

    Args:
        a: the original, from `open_backend`.
        b: what became of it.
        x: the photos as A takes them: an array [N, ...], or a list of inputs of one row each.
        x_b: as B takes them; None: the same bytes.
        target: what is explained, as for `explain`; None: A's top answer.
        method: a row of METHODS; None: what suits A's score.
        layer: where A is looked at; None: its default layer.
        layer_b: the same of B; None: it is found, `match_layers`.
        labels: the names of A's classes.
        labels_b: those of B's; None: the same.
        classes: which class of B is which; None: by name, else by number.
        sample: photos that floor and ceiling are measured on.
        seed: of noise and shuffled weights.

    Raises:
        CamError: they cannot be compared, with the reason.
    """
    ours = _rows(x)
    theirs = ours if x_b is None else _rows(x_b)
    if len(ours) != len(theirs) or not ours:
        raise InputError(f"{len(ours)} inputs of A and {len(theirs)} of B: give as many, 1 or more")
    names = labels, labels if labels_b is None else labels_b
    sides = bring_together(
        *(a, b),
        (ours[0], theirs[0]),
        layers=None if layer is None else [layer],
        layers_b=None if layer_b is None else [layer_b],
        labels=names,
        classes=classes,
        target=target,
        method=method,
        seed=seed,
    )

    def photo(i: int) -> Photo:
        noisy = partial(grey_noise, ours[i], seed + i)
        return Photo(f"[{i}]", ours[i], theirs[i], noisy, index=i)

    return run(sides, photo, len(ours), sample=sample)


def bring_together(
    a: Backend,
    b: Backend,
    first: tuple[Inputs, Inputs],
    *,
    layers: Sequence[str] | None = None,
    layers_b: Sequence[str] | None = None,
    labels: tuple[Names, Names] = (None, None),
    classes: ClassMap | None = None,
    **asked: Any,
) -> Sides:
    """Match layers and classes on the first photo.

    Raises:
        LayerError: no layer of B is that of A.
        InputError: other numbers of classes, and nothing says which is which.
    """
    matched = match_layers(a, b, first, layers, layers_b)
    counts = _count(a, first[0]), _count(b, first[1])
    return Sides(a, b, matched, match_classes(counts, labels, classes), labels, **asked)


def run(
    sides: Sides,
    photo: Callable[[int], Photo],
    count: int,
    *,
    sample: int = SAMPLE,
    batch: int | None = None,
    step: Callable[[], None] = lambda: None,
) -> Comparison:
    """All photos; `photo` makes one of them as a row of both models' inputs.

    Args:
        batch: photos at once; None: BATCH where both models take any number and classes are asked
            for, else 1.
        step: called after each photo.
    """
    size = batch_size(sides) if batch is None else batch
    sampled = sample_of(count, sample)
    forward = bool(sampled) and any(quantised(one) for one in (sides.a, sides.b))
    state = _State(sides, forward)
    rest = [i for i in range(count) if i not in set(sampled)]
    for part, bounded in [*_parts(sampled, size, True), *_parts(rest, size, False)]:
        state.add(part, [photo(i) for i in part], bounded)
        for _ in part:
            step()
    pairs = [state.found[i] for i in sorted(state.found)]
    if not pairs:
        lines = state.missed or ["no photos"]
        raise NothingFoundError(f"nothing to compare: {lines[0]}")
    return Comparison(sides, pairs, len(sampled), state.moved(), state.missed, forward)


def sample_of(count: int, sample: int) -> list[int]:
    """Photos evenly spread over all."""
    least = min(count, sample)
    return [int(i) for i in np.unique(np.linspace(0, count - 1, least).round())] if least else []


def batch_size(sides: Sides) -> int:
    """1 where questions are settled photo by photo, or a model takes a fixed number."""
    infos = [info for one in (sides.a, sides.b) for info in one.inputs()]
    open_rows = all(info.batched and not isinstance(info.shape[0], int) for info in infos)
    kind = "" if sides.head is None else sides.head.kind
    usual = kind in ("", "classes", "multi-label", "binary", "unknown")
    return BATCH if open_rows and usual and sides.target is None else 1


@dataclass
class _State:
    """What is known so far."""

    sides: Sides
    forward: bool
    found: dict[int, Pair] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    kept: list[tuple[Array, Array]] = field(default_factory=list)

    def add(self, part: Sequence[int], photos: Sequence[Photo], bounded: bool) -> None:
        done = compare_batch(self.sides, photos, self.missed.append)
        if done is None:
            return
        if bounded:
            bounds = bounds_of(self.sides, done, photos, forward_only=self.forward)
            done = with_bounds(done, bounds)
        self.found |= dict(zip(part, done.pairs, strict=True))
        if len(self.found) <= KEPT:
            self.kept.append(done.scores)

    def moved(self) -> list[tuple[int, int]]:
        if not self.kept or not self.sides.ranked:
            return []
        a, b = (np.concatenate(of) for of in zip(*self.kept, strict=True))
        return changed_places(a, b, self.sides.classes)


def _parts(
    indices: Sequence[int], size: int, bounded: bool
) -> Iterator[tuple[Sequence[int], bool]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size], bounded


def _rows(x: Array | Sequence[Inputs]) -> list[Inputs]:
    if isinstance(x, np.ndarray):
        return [x[i : i + 1] for i in range(len(x))]
    if isinstance(x, Mapping):
        raise InputError("several inputs by name are one photo: give a list of them")
    return list(x)


def _count(backend: Backend, x: Inputs) -> int:
    """How many classes: as the model fixes it, else as one photo shows it."""
    if backend.classes is not None:
        return backend.classes
    y = backend.look(x, layers=()).score
    axis = find_class_axis(backend, None)
    return 1 if y.ndim == 1 else int(y.shape[axis])
