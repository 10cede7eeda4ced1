"""A class by its number or its name."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence

import numpy as np

from ..errors import TargetError


def find_class(text: str, labels: Sequence[str] | None = None) -> int:
    """The index of a class written as a number or as a label, in any case.

    Of a label with synonyms ("tench, Tinca tinca") any one will do. Quotes make a number a label.
    """
    word = text.strip()
    name = word.strip("\"'").strip()
    if not name:
        raise TargetError("an empty target: give a class index, a label or top:k")
    if name == word and re.fullmatch(r"-?\d+", word):
        return int(word)
    if labels is None:
        raise TargetError(
            f"class '{name}' is a name, but the labels are unknown: give them, or its index"
        )
    found = [i for i, label in enumerate(labels) if name.casefold() == label.strip().casefold()]
    if not found:
        found = [i for i, label in enumerate(labels) if name.casefold() in _synonyms(label)]
    if len(found) > 1:
        classes = ", ".join(map(str, found[:5])) + (", ..." if len(found) > 5 else "")
        raise TargetError(f"label '{name}' stands for classes {classes}: give the index")
    if not found:
        raise TargetError(f"no label '{name}'{_near(name, labels)}")
    return found[0]


def label_of(index: int, labels: Sequence[str] | None) -> str:
    """The name of a class, or its number."""
    return labels[index] if labels is not None and 0 <= index < len(labels) else str(index)


def plain(index: int | Sequence[int]) -> int | tuple[int, ...]:
    """NumPy's integers as Python's; half a class is refused."""
    if isinstance(index, Sequence | np.ndarray):
        return tuple(map(_integer, index))
    return _integer(index)


def index_text(index: int | Sequence[int]) -> str:
    """243, top, or 243,282 for one a row."""
    names = [index] if isinstance(index, int) else index
    return ",".join("top" if c == -1 else str(c) for c in names)


def _integer(value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TargetError(f"class {value!r} is no integer") from None


def _synonyms(label: str) -> list[str]:
    return [part.strip().casefold() for part in label.split(",")]


def _near(name: str, labels: Sequence[str]) -> str:
    """The labels that look like it, or hold it as a word."""
    import difflib

    names = {label.casefold(): label for label in labels}
    near = [label for low, label in names.items() if name.casefold() in low.split()]
    near += [names[low] for low in difflib.get_close_matches(name.casefold(), names, 5)]
    unique = list(dict.fromkeys(near))[:5]
    return "; did you mean " + ", ".join(f"'{label}'" for label in unique) + "?" if unique else ""
