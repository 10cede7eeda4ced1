"""Which class of B is which of A: by number, by name, or as a file says."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..backend import Array
from ..errors import InputError, TargetError
from ..plural import counted
from ..targets.labels import find_class

Names = Sequence[str] | None
FAR, NEAR = 0.1, 0.1
"""A class's scores lie apart from FAR of all scores' spread on; another class of B is meant where
it leaves less than NEAR of that distance."""
MOST = 2000
"""Classes that are tried against each other."""
TOLD_BY = 16
"""Photos that mostly tell that no class is another's."""


@dataclass(frozen=True)
class ClassMap:
    """The classes of A in B's numbering."""

    to_b: tuple[int | None, ...] | None = None
    """By class of A; None of one that B has not. None as a whole: the same numbers."""
    said: str = ""
    """What is to be said of it first; '' where both have the same classes."""

    def of(self, index: int) -> int | None:
        """B's number of a class of A; None where B has none."""
        if self.to_b is None:
            return index
        return self.to_b[index] if 0 <= index < len(self.to_b) else None

    def back(self, index: int) -> int | None:
        """A's number of a class of B; None where A has none."""
        if self.to_b is None:
            return index
        return self.to_b.index(index) if index in self.to_b else None


def match_classes(
    counts: tuple[int, int], names: tuple[Names, Names], given: ClassMap | None = None
) -> ClassMap:
    """By name where the names of both are known and differ in order, else by number.

    Raises:
        InputError: other numbers of classes, and nothing says which is which.
    """
    if given is not None:
        _require_known(counts, given)
        return given
    a, b = (None if n is None else _apart_by_name(n) for n in names)
    if a is None or b is None or len(a) != counts[0] or len(b) != counts[1]:
        return _by_number(counts)
    if a == b:
        return ClassMap()
    places = {name: i for i, name in enumerate(b)}
    to_b = tuple(places.get(name) for name in a)
    common = sum(place is not None for place in to_b)
    if not common and counts[0] == counts[1]:
        return ClassMap(None, "the classes have other names in B: compared by number")
    if not common:
        raise InputError(f"{_apart(counts)} and no name in common: {_CURE}")
    if common == counts[0] == counts[1]:
        moved = [(i, j) for i, j in enumerate(to_b) if j is not None and j != i]
        return ClassMap(to_b, f"the labels of B are in another order ({_moved(moved, names[0])})")
    return ClassMap(to_b, f"{_apart(counts)}, {common} of them by the same name")


def read_classes(path: Path, names: tuple[Names, Names]) -> ClassMap:
    """A line `class of A,class of B` each, by number or name; classes of A left out have none.

    Raises:
        InputError: it is unreadable, or a class is unknown.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"--map-classes '{path}': {said}; {_CURE}") from error
    found: dict[int, int] = {}
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise InputError(f"--map-classes '{path}', line {number}: write `A,B`, a class each")
        try:
            one, other = (find_class(word, of) for word, of in zip(row, names, strict=True))
        except TargetError as error:
            raise InputError(f"--map-classes '{path}', line {number}: {error}") from error
        if one < 0 or other < 0 or one in found:
            raise InputError(f"--map-classes '{path}', line {number}: class {row[0]} again, or < 0")
        found[one] = other
    if not found:
        raise InputError(f"--map-classes '{path}' is empty: write a line `A,B` a class")
    return ClassMap(
        tuple(found.get(i) for i in range(max(found) + 1)),
        f"{counted(len(found), 'class', 'classes')} by '{path.name}'",
    )


def changed_places(a: Array, b: Array, classes: ClassMap) -> list[tuple[int, int]]:
    """(class of A, class of B that its scores are) where B's scores are those of other classes.

    Distances are root mean squares over photos. Of the classes whose scores lie apart, the best
    pairing is sought (Kuhn 1955); it is only told where it leaves next to nothing of the distance,
    be it of the scores or of what they change from photo to photo: of one photo, or of one again
    and again, the scores of many classes are near others by chance.

    Args:
        a: the scores of A [N, C].
        b: those of B [N, D], of the same photos.
        classes: which is which so far.
    """
    pairs = [(i, j) for i in range(a.shape[1]) if (j := classes.of(i)) is not None]
    pairs = [(i, j) for i, j in pairs if j < b.shape[1]]
    if not pairs or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return []
    columns = list(zip(*pairs, strict=True))
    gaps = a[:, columns[0]].astype(np.float64) - b[:, columns[1]]
    own = np.sqrt(np.mean(gaps**2, axis=0))
    least = FAR * a.std()
    far = [pair for pair, gap in zip(pairs, own, strict=True) if gap > least]
    if not 1 < len(far) <= MOST or _surely_apart(a, b, far, NEAR * own[own > least].sum()):
        return []
    from scipy.optimize import linear_sum_assignment

    costs = _distances(a, b, far)
    rows, chosen = linear_sum_assignment(costs)
    for of in (costs, _distances(a - a.mean(axis=0), b - b.mean(axis=0), far)):
        if not of[rows, chosen].sum() < NEAR * np.trace(of):
            return []
    return [(far[r][0], far[c][1]) for r, c in zip(rows, chosen, strict=True) if r != c]


def moved_said(moved: Sequence[tuple[int, int]], names: tuple[Names, Names]) -> str:
    """That classes changed places, by their names."""
    said = [
        f"A's {class_said(i, names[0])} has the scores of B's {class_said(j, names[1])}"
        for i, j in moved[:4]
    ]
    rest = f", {len(moved) - 4} more" if len(moved) > 4 else ""
    return f"classes changed places: {', '.join(said)}{rest}: check B's list of labels"


def _apart_by_name(names: Sequence[str]) -> list[tuple[str, int]]:
    """Each name with how many before are called alike: ImageNet has two cranes."""
    met = Counter[str]()
    found = []
    for name in names:
        word = name.strip().casefold()
        found.append((word, met[word]))
        met[word] += 1
    return found


_CURE = "say which is which with --map-classes FILE, a line `A,B` a class"


def _by_number(counts: tuple[int, int]) -> ClassMap:
    if counts[0] != counts[1]:
        raise InputError(f"{_apart(counts)}: {_CURE}")
    return ClassMap()


def _require_known(counts: tuple[int, int], given: ClassMap) -> None:
    """Refuses a map of classes that there are not."""
    pairs = [(i, j) for i, j in enumerate(given.to_b or ()) if j is not None]
    for name, count, of in zip("AB", counts, zip(*pairs, strict=True), strict=True):
        if max(of) >= count:
            raise InputError(
                f"the map of classes: {name} has no class {max(of)} (0 to {count - 1})"
            )


def _apart(counts: tuple[int, int]) -> str:
    return f"A has {counted(counts[0], 'class', 'classes')}, B {counts[1]}"


def _moved(moved: Sequence[tuple[int, int]], names: Names) -> str:
    of = [f"'{names[i] if names is not None else i}' is {i} in A and {j} in B" for i, j in moved]
    return ", ".join(of[:3]) + (f", {len(of) - 3} more" if len(of) > 3 else "")


def _surely_apart(a: Array, b: Array, pairs: Sequence[tuple[int, int]], least: float) -> bool:
    """Are the scores of no pairing within so much of each other? On a few photos it is soon told:
    over all of them they are no nearer, and no class has a nearer one than its nearest.
    """
    some = np.unique(np.linspace(0, len(a) - 1, TOLD_BY).round().astype(int))
    nearest = _distances(a[some], b[some], pairs).min(axis=1)
    return bool(nearest.sum() * np.sqrt(len(some) / len(a)) >= least)


def _distances(a: Array, b: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """Of the scores of each class of A to those of each of B, root mean squares over photos."""
    from scipy.spatial.distance import cdist

    ours, theirs = (list(of) for of in zip(*pairs, strict=True))
    found: Array = cdist(a[:, ours].T, b[:, theirs].T) / np.sqrt(len(a))
    return found


def class_said(index: int, names: Names) -> str:
    """Its number, and its name where that is known."""
    return f"class {index}" if names is None else f"class {index} '{names[index]}'"
