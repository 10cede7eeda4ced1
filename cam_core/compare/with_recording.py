"""Some photos where a side is a recording: answers, scores, and the finished maps that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..asking import seen_by
from ..backend import Array
from ..errors import InputError, NothingFoundError, TargetError
from ..looking import Looks
from ..plural import counted
from ..recording import Recorded
from ..targets import ScoredTarget
from ..targets.classes.one_class import ClassTarget
from ..targets.scores import pool
from .channels import with_channels
from .flips import answered, measured, seen_of
from .pair import digests, paired, require_numbers, said_of, stacked
from .photos import Batch, Photo, Seen
from .recordings import Held, asked_class, find, missing
from .sides import Sides, signed_or_nan

OTHER = "the recorded map is of another class"


@dataclass(frozen=True, eq=False)
class Half:
    """One side of the photos."""

    y: Array
    """The score [N, ...]."""
    target: ScoredTarget
    looks: Looks | None = None

    def scores(self, class_axis: int) -> Array:
        """[N, C]"""
        return pool(self.y, class_axis)


def compare_recorded(
    sides: Sides, photos: Sequence[Photo], missed: Callable[[str], None] = lambda line: None
) -> Batch | None:
    """As `compare_batch`; of what was not recorded there is a line.

    The question is the class that a recorded map is about, or `--target` where it is said of none.

    Raises:
        InputError: a recording is of other pictures, or of another class than is asked for.
    """
    rows = [(photo, held_of(sides, photo, missed)) for photo in photos]
    known = [(photo, held) for photo, held in rows if held is not None]
    if not known:
        return None
    photos, held = [photo for photo, _ in known], [one for _, one in known]
    try:
        halves = both_halves(sides, photos, held)
    except (NothingFoundError, TargetError) as error:
        missed(f"{photos[0].name}: {error}")
        return None
    signed, seen = zip(*(maps_of(sides, halves, held, i) for i in (0, 1)), strict=True)
    n = len(photos)
    found = measured(*(sides.cut(one) for one in signed))
    apart = of_two_classes(sides, held)
    if apart.any():  # two recorded maps of two classes say nothing of each other
        found = {name: np.where(apart, np.nan, values) for name, values in found.items()}
        seen = tuple([_none(one) if apart[i] else one for i, one in enumerate(of)] for of in seen)
    backends = sides.a, sides.b
    both = [half.scores(one.class_axis)[:n] for half, one in zip(halves, backends, strict=True)]
    Y = [half.target.score(half.y) for half in halves]
    pairs = paired(
        photos,
        [said_of(sides, halves[0].target, halves[0].y, i) for i in range(n)],
        (Y[0], Y[1]),
        (seen[0], seen[1]),
        found,
        answered(sides, (both[0], both[1])),
    )
    own = sides.cut(signed[sides.live or 0])
    looks, targets = (halves[0].looks, halves[1].looks), (halves[0].target, halves[1].target)
    return Batch(pairs, looks, targets, own, (both[0], both[1]), photos)


def held_of(sides: Sides, photo: Photo, missed: Callable[[str], None]) -> Held | None:
    """What was recorded of a photo; None of one that is left out, which is told."""
    found: list[Recorded | None] = []
    for recording, sha256 in zip(sides.recordings, digests(photo), strict=True):
        if recording is None:
            found.append(None)
            continue
        one = find(recording, photo.name, photo.stem, sha256)
        if one is None:
            missed(missing(photo.name, recording, sha256))
            return None
        found.append(one)
    return found[0], found[1]


def both_halves(sides: Sides, photos: Sequence[Photo], held: Sequence[Held]) -> tuple[Half, Half]:
    """Scores and the question of A and of B.

    Raises:
        TargetError: a class of one that the other has not.
    """
    classes = [recorded_class(sides, one) for one in held]
    live = sides.live
    if live is None:
        if any(c is None for c in classes):
            raise TargetError("the recordings do not say what their maps are about: cam_class_used")
        a = ClassTarget(tuple(c for c in classes if c is not None), sides.a.class_axis)
        ours, theirs = (np.concatenate([one[i].logits for one in held]) for i in (0, 1))  # type: ignore[union-attr]
        return Half(ours, a), Half(theirs, sides.in_b(a, 0))
    for photo in photos:
        require_numbers(photo.name, photo.b if live else photo.a)
    x = stacked([(photo.b if live else photo.a) for photo in photos])
    looks = sides.looks(x, of_b=bool(live))
    y = np.concatenate([one.logits for pair in held for one in pair if one is not None])
    target = _asked(sides, looks, x, classes, photos)
    own = Half(looks.first.score, target, looks)
    if live:
        back = target.of_classes(sides.classes.back, sides.a.class_axis)
        return Half(y, target if back is None else back), own
    return own, Half(y, sides.in_b(target, 0))


def recorded_class(sides: Sides, held: Held) -> int | None:
    """The class that the recorded map is about, in A's numbers where both are recordings, else in
    those of the model; None where that is not said and no class is likely.

    Raises:
        TargetError: the other side has no such class.
    """
    ranked = sides.ranked and sides.target is None
    a, b = held
    if a is not None and b is not None:
        return asked_class(a, sides.ranked)
    (one,) = (of for of in held if of is not None)
    index = asked_class(one, ranked)
    if index is None:
        return None
    other = sides.classes.of(index) if a is not None else sides.classes.back(index)
    if other is None:
        raise TargetError(f"the recorded map is of class {index}, which the other model has not")
    return other


def of_two_classes(sides: Sides, held: Sequence[Held]) -> Array:
    """bool [N]: of two recordings, where the maps are about other classes."""
    found = []
    for a, b in held:
        used = [None if one is None else asked_class(one, sides.ranked) for one in (a, b)]
        known = used[0] is not None and used[1] is not None
        found.append(known and sides.classes.of(used[0] or 0) != used[1])
    return np.array(found, bool)


def maps_of(
    sides: Sides, halves: tuple[Half, Half], held: Sequence[Held], i: int
) -> tuple[Array, list[Seen]]:
    """The signed maps [N, *S] of one side, and row by row what is shown of them."""
    looks = halves[i].looks
    if looks is not None:
        like = np.zeros((len(halves[i].y), 1, 1))
        signed, found, why = signed_or_nan(looks, halves[i].target, sides.how, like)
        n = len(held)
        seen = seen_of(signed, found, why, np.arange(n))
        if sides.channelled and i == 0:
            seen = with_channels(seen, found, looks.of(halves[i].target.tensor))
        return signed[:n], seen
    own = [one[i] for one in held]
    whole = [whole_map(one) for one in own if one is not None]
    return np.stack(whole), [shown(one, signed) for one, signed in zip(own, whole, strict=True)]


def shapes_said(pairs: Sequence[tuple[Seen, Seen]]) -> str:
    """That a model is looked at elsewhere than it was recorded at; '' where the sizes are equal."""
    for a, b in pairs:
        if a.signed.shape != b.signed.shape:
            sizes = (" x ".join(map(str, one.signed.shape)) for one in (a, b))
            return "maps of A are {}, of B {}: name the recorded layer of the model".format(*sizes)
    return ""


def classes_said(pairs: Sequence[tuple[Seen, Seen]]) -> str:
    """Of how many photos two recordings have maps of two classes; '' of none."""
    count = sum(a.diagnosis == OTHER for a, _ in pairs)
    return (
        f"A and B have maps of other classes of {counted(count, 'photo')}: these are left out"
        * (count > 0)
    )


def _asked(
    sides: Sides,
    looks: Looks,
    x: object,
    classes: Sequence[int | None],
    photos: Sequence[Photo],
) -> ScoredTarget:
    """The recorded class of each photo; what is asked of the model where that is not said.

    Raises:
        InputError: it is asked for another class than was recorded.
    """
    backend = sides.side(sides.live)
    known = [c for c in classes if c is not None]
    if sides.target is None and len(known) == len(classes):
        return ClassTarget(tuple(known), backend.class_axis)
    labels = sides.labels[sides.live or 0]
    placement = photos[0].placement if len(photos) == 1 else None
    seen = seen_by(backend, x, looks.first, labels, placement=placement)  # type: ignore[arg-type]
    asked = (sides.questions_b if sides.live else sides.questions)[0]
    found = asked.found_in(replace(seen, threshold=sides.threshold))[0].held(looks.first.score)
    about = found.classes(looks.first.score)
    for i, photo in enumerate(photos):
        used = classes[i]
        if used is not None and (about is None or int(about[i]) != used):
            raise InputError(
                f"--target {sides.target}: the recorded map of '{photo.name}' is of class {used}; "
                "leave --target out, or record the maps of that target"
            )
    return found


def whole_map(one: Recorded) -> Array:
    """[*S]: before the ReLU where that was recorded."""
    maps: Array = one.cam_map if one.cam_signed is None else one.cam_signed
    found: Array = maps[0]
    return found


def shown(one: Recorded | None, signed: Array) -> Seen:
    """What was recorded, raw."""
    assert one is not None
    finite = bool(np.isfinite(signed).all() and np.isfinite(one.cam_map).all())
    why = "" if finite else "NaN or inf in the recorded map"
    return Seen(signed, float(np.max(one.cam_map)), 0.0, None, why)


def _none(one: Seen) -> Seen:
    return replace(one, raw_max=float("nan"), diagnosis=OTHER)
