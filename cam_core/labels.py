"""A class by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import TargetError


def find_class(text: str, labels: Sequence[str] | None = None) -> int:
    """The index of a class written as a number or as a label, in any case.

    Of a label with synonyms ("tench, Tinca tinca") any one will do. Quotes make a number a label.
    """
    word = text.strip()
    name = word.strip("\"'").strip()
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
        raise TargetError(f"label '{name}' stands for classes {found}: give the index")
    if not found:
        raise TargetError(f"no label '{name}'{_near(name, labels)}")
    return found[0]


def label_of(index: int, labels: Sequence[str] | None) -> str:
    """The name of a class, or its number."""
    return labels[index] if labels is not None and 0 <= index < len(labels) else str(index)


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
