"""Two models over many photos: a sample for the bounds, the rest in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import Array, Backend, Inputs
from ..errors import InputError, NothingFoundError
from ..plural import counted
from .bounds import FORWARD_ONLY, grey_noise, quantised
from .classes import ClassMap, Names, moved_said
from .collecting import Collected
from .inputs import rows_of, rows_of_b
from .photos import NO_INPUT, Pair, Photo, distinct, fed_said, of_hash
from .recordings import facts_said, map_shapes, methods_said, recording_of, shared
from .sides import Sides
from .together import bring_together
from .verdict import Verdict, verdict
from .with_recording import classes_said, shapes_said

if TYPE_CHECKING:
    from .presets import Presets

SAMPLE = 8
"""Photos that floor and ceiling are measured on; each takes passes of its own."""
FORWARD = 4
"""Photos of the sample that maps without a gradient are made of: many passes each."""
NAMED = 4
"""Photos that are named where they have nothing of what is asked."""
BATCH = 16
"""Photos that are run at once, where both models take any number."""

MOVED = "classes changed places"

Part = tuple[Sequence[int], Mapping[str, bool] | None]
"""Photos that are looked at together, and what bounds are measured on them; None of no sample."""
Open = Callable[[Callable[[Part], list[Photo]], Iterable[Part]], Iterator[list[Photo]]]
"""How photos are opened part by part; `map`, or one that opens the next ones meanwhile."""


@dataclass(frozen=True, eq=False, repr=False)
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
    scores: tuple[Array, Array] | None = None
    """[N, C] of both, of the first photos that were compared."""
    rows: Sequence[int] = ()
    """Which photos these are."""
    presets: Presets | None = None
    """What the doctor found, where it was asked."""

    def __repr__(self) -> str:
        """What a notebook shows: the verdict, not all maps."""
        return f"<Comparison of {counted(len(self.pairs), 'photo')}: {self.verdict.line}>"

    @property
    def forward_only(self) -> int:
        """Of how many photos a map without gradients was made, as one of both is quantised."""
        return sum(FORWARD_ONLY in pair.bounds for pair in self.pairs)

    @property
    def verdict(self) -> Verdict:
        """In one line; a mistake that explains the difference is no rounding, however small."""
        found = verdict(distinct(self.pairs))
        named = "" if self.presets is None else self.presets.said
        why = tuple(filter(None, (named, MOVED if self.moved else "")))
        if not why:
            return found
        word = found.word if found.word == "cannot say" else "not the same"
        return replace(found, word=word, reasons=(*why, *found.reasons))

    @property
    def worst_first(self) -> list[int]:
        """The photos by agreement; those without a number first."""
        r = [np.nan_to_num(pair.measures["spearman"], nan=-2) for pair in self.pairs]
        return [int(i) for i in np.argsort(r, kind="stable")]

    @property
    def said(self) -> list[str]:
        """What there is to say before any number."""
        found = [self.sides.classes.said, self.sides.pairing, *self.sides.training]
        found += [one.doubt for one in self.sides.layers]
        sides = dict(zip("AB", self.sides.recordings, strict=True))
        if any(sides.values()):
            maps = [pair.maps for pair in self.pairs]
            found += [*facts_said(sides), *methods_said(sides, self.sides.how)]
            found += [shapes_said(maps), classes_said(maps)]
        found = [text for text in found if text]
        if self.moved:
            found.append(moved_said(self.moved, self.sides.labels))
        found += fed_said(self.pairs)
        rest = len(self.missed) - NAMED
        more = [f"{rest} more were left out, see compare.json"] if rest > 0 else []
        return [*found, *self.missed[:NAMED], *more]


def compare(
    a: Backend,
    b: Backend,
    x: Array | Sequence[Inputs] | None = None,
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
        x: the photos as A takes them: an array [N, ...], or a list of inputs of one row each. Two
            recordings need none: what both have is compared.
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
    names = labels, labels if labels_b is None else labels_b
    known: dict[str, Any] = {"labels": names, "classes": classes, "target": target}
    known |= {"method": method, "seed": seed}
    if x is None:
        return _recordings(a, b, known)
    ours = rows_of(x, a)
    theirs, said = rows_of_b(a, b, ours) if x_b is None else (rows_of(x_b, b), "")
    if len(ours) != len(theirs) or not ours:
        raise InputError(f"{len(ours)} inputs of A and {len(theirs)} of B: give as many, 1 or more")
    sides = bring_together(
        *(a, b),
        (ours[0], theirs[0]),
        layers=None if layer is None else [layer],
        layers_b=None if layer_b is None else [layer_b],
        pairing=said,
        **known,
    )

    def photo(i: int) -> Photo:
        noisy, noisy_b = (partial(grey_noise, of[i], seed + i) for of in (ours, theirs))
        return Photo(f"[{i}]", ours[i], theirs[i], noisy, index=i, noisy_b=noisy_b)

    return run(sides, photo, len(ours), sample=sample)


def _recordings(a: Backend, b: Backend, known: Mapping[str, Any]) -> Comparison:
    """Two of them, of which no input is at hand."""
    recordings = recording_of(a), recording_of(b)
    if recordings[0] is None or recordings[1] is None:
        raise InputError("x is missing: only two recordings are compared without their inputs")
    both, lacking = shared(recordings[0], recordings[1])
    sides = bring_together(a, b, (NO_INPUT, NO_INPUT), **known)
    found = run(sides, lambda i: of_hash(*both[i], i), len(both))
    return replace(found, missed=[*lacking, *found.missed])


def run(
    sides: Sides,
    photo: Callable[[int], Photo],
    count: int,
    *,
    sample: int = SAMPLE,
    batch: int | None = None,
    step: Callable[[], None] = lambda: None,
    ahead: Open = map,
) -> Comparison:
    """All photos; `photo` makes one of them as a row of both models' inputs.

    Args:
        batch: photos at once; None: BATCH where both models take any number and classes are asked
            for, else 1.
        step: called after each photo.
        ahead: opens photos part by part, as `map` does.
    """
    size = batch_size(sides) if batch is None else batch
    sampled = sample_of(count, sample) if sides.live is not None else []
    recorded = any(sides.recordings)
    forward = FORWARD if not recorded and any(map(quantised, (sides.a, sides.b))) else 0
    state = Collected(sides)
    rest = [i for i in range(count) if i not in set(sampled)]
    parts = [
        *_parts(sampled[:forward], size, {"forward_only": True}),
        *_parts(sampled[forward:], size, {}),
        *_parts(rest, size, None),
    ]
    opened = ahead(lambda part: [photo(i) for i in part[0]], parts)
    for photos, (part, bounds) in zip(opened, parts, strict=True):
        state.add(part, photos, bounds)
        for _ in part:
            step()
    state.shuffle()
    pairs = [state.found[i] for i in sorted(state.found)]
    if not pairs:
        lines = state.missed or ["no photos"]
        raise NothingFoundError(f"nothing to compare: {lines[0]}")
    asked = len([pair for pair in pairs if pair.bounds])
    moved, (scores, rows) = state.moved(), state.scores()
    return Comparison(sides, pairs, asked, moved, state.missed, scores, rows)


def sample_of(count: int, sample: int) -> list[int]:
    """Photos evenly spread over all."""
    least = min(count, sample)
    return [int(i) for i in np.unique(np.linspace(0, count - 1, least).round())] if least else []


def batch_size(sides: Sides) -> int:
    """1 where questions are settled photo by photo, a model takes a fixed number, or recorded maps
    are of several shapes.
    """
    if any(len(map_shapes(one)) > 1 for one in sides.recordings if one is not None):
        return 1
    live = [sides.side(i) for i, one in enumerate(sides.recordings) if one is None]
    infos = [info for one in live for info in one.inputs()]
    open_rows = all(info.batched and not isinstance(info.shape[0], int) for info in infos)
    kind = "" if sides.head is None else sides.head.kind
    usual = kind in ("", "classes", "multi-label", "binary", "unknown")
    return BATCH if open_rows and usual and sides.target is None else 1


def _parts(indices: Sequence[int], size: int, bounds: Mapping[str, bool] | None) -> Iterator[Part]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size], bounds
