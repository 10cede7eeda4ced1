"""Words about a class: `loss:243`, `rest:tiger cat`, `finer:top`; and one class a row: `3,5,1`."""

from __future__ import annotations

import re

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..labels import find_class
from ..scores import find_axis

WITH_CLASSES = ("classes", "multi-label", "binary", "dense classes", "unknown")
"""The heads whose classes have a number each."""
SEVERAL = tuple(kind for kind in WITH_CLASSES if kind != "binary")
"""Those with more than one."""
ROW = r"\s*(?:-?\d+|top)\s*"


def class_after(kind: str, word: str, asking: Asking) -> int | None:
    """c of `kind:c`, -1 of `kind:top`; None of a text of another kind.

    Raises:
        TargetError: the classes are those of anchors: there a class is asked for as a box.
    """
    name, _, rest = word.partition(":")
    if name != kind or not rest.strip():
        return None
    if asking.kind == "boxes":
        raise TargetError(
            f"target '{word}' is about the classes of one picture, and the model has those of "
            f"boxes: ask for box:0, or for a class as '{rest}'"
        )
    return -1 if rest.strip() == "top" else find_class(rest, asking.labels)


def require_others(count: int, label: str) -> None:
    """Refuses a score of one class, which is compared with no other."""
    if count < 2:
        raise TargetError(f"{label}: the score has no other class; ask for value")


def axis_of_several(y: Array, class_axis: int, label: str) -> int:
    """The class axis counted from the front, of a score with other classes."""
    axis = find_axis(y, class_axis)
    require_others(1 if y.ndim == 1 else y.shape[axis], label)
    return axis


def classes_by_row(word: str, asking: Asking) -> tuple[int, ...] | None:
    """Of `3,5,1`, top for each row's best; None of anything else, a label with commas as well."""
    known = {label.casefold() for label in asking.labels or ()}
    if word.casefold() in known or not re.fullmatch(rf"{ROW}(?:,{ROW})+", word):
        return None
    return tuple(-1 if part.strip() == "top" else int(part) for part in word.split(","))
