"""The characters of a reader: a file or metadata with one a line, spaces among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .labels import Labels

KEYS = ("character", "alphabet", "charset", "vocab")
"""Metadata that hold one, as exports of PaddleOCR and others write it."""


def read_alphabet(path: Path, classes: int) -> Labels | None:
    """That of a file, one name a class; None where its lines are no alphabet of so many classes."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):  # whoever reads labels says why
        return None
    names = names_of(text, classes)
    return None if names is None else Labels(f"'{path}'", names)


def stated_alphabet(metadata: Mapping[str, str], classes: int) -> Labels | None:
    """That of a model's own metadata; None where they hold none that fits."""
    for key in KEYS:
        names = names_of(metadata.get(key, ""), classes)
        if names is not None:
            return Labels(f"metadata '{key}'", names)
    return None


def names_of(text: str, classes: int) -> tuple[str, ...] | None:
    """One name a class, of a text with one a line, or all of them in one line.

    A list without the blank has it first; one of two less has a space last as well, as PaddleOCR
    reads its lists.
    """
    lines = text.removesuffix("\n").replace("\r", "").split("\n")
    lines = list(lines[0]) if len(lines) == 1 else lines
    if len(lines) < 2:
        return None
    ends = {0: ((), ()), 1: (("",), ()), 2: (("",), (" ",))}.get(classes - len(lines))
    return None if ends is None else (*ends[0], *lines, *ends[1])
