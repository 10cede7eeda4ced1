"""A box that somebody drew and named, and what all formats of such boxes have to hold to."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from ...targets.labels import find_class


class Labelled(NamedTuple):
    """One box in pixels of the photo, at their edges: pixel i covers [i, i + 1)."""

    label: int | str
    """Its class: a number where the labels name none, else a name."""
    x0: float
    y0: float
    x1: float
    y1: float


BoxesByPhoto = dict[str, list[Labelled]]
"""By the photo's name without folder and suffix."""
Sizes = Mapping[str, tuple[int, int]]
"""Height and width of photos, by the same."""


def is_of(box: Labelled, index: int | None, label: str) -> bool:
    """Is the box one of that class of a model, by its number or any of its names ("tench, fish")?

    The names of the model decide where the labels have names, the numbers where they have none.
    """
    if isinstance(box.label, int):
        return box.label == index
    names = {label.casefold(), *(part.strip().casefold() for part in label.split(","))}
    return box.label.strip().casefold() in names - {""}


def labelled(label: int | str, corners: tuple[float, ...], where: str) -> Labelled:
    """A box that has an extent.

    Raises:
        InputError: numbers that are none, or an edge before the one it begins with.
    """
    x0, y0, x1, y1 = corners
    if not all(map(isfinite, corners)) or x1 <= x0 or y1 <= y0:
        said = ", ".join(f"{v:g}" for v in corners)
        raise InputError(f"{where}: box {said} (left, top, right, bottom) has no extent. Mend it.")
    return Labelled(label, *corners)


def class_or_name(text: str) -> int | str:
    """'3' -> 3, 'cat' -> 'cat'."""
    word = text.strip()
    return find_class(word) if word.isdecimal() and word.isascii() else word


def same_size(stem: str, sizes: Sizes | None, stated: tuple[int, int] | None, where: str) -> None:
    """Refuse boxes that were drawn on the photo at another size: they would lie elsewhere.

    `stated`: height and width that the labels say; zeros and None say nothing.
    """
    have = None if sizes is None else sizes.get(stem)
    if have is None or stated is None or 0 in stated or stated == tuple(have):
        return
    raise InputError(
        f"{where}: '{stem}' was labelled at {stated[1]}x{stated[0]} pixels, and the photo has "
        f"{have[1]}x{have[0]}. Give the photo that was labelled."
    )


def wanted(stem: str, sizes: Sizes | None) -> bool:
    """Is the photo one of those asked for?"""
    return sizes is None or stem in sizes


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"boxes '{path}': byte {error.start} is not UTF-8. Save it as UTF-8 text."
        ) from error
    except OSError as error:
        raise InputError(f"boxes '{path}': {error.strerror}. Check the path.") from error
