"""The names of the classes, and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..foreign import MOST_CLASSES

Spelling = Callable[[str], str]
"""How a setting is called where it is given: the command line says --labels for labels."""


@dataclass(frozen=True)
class Labels:
    """Names by class."""

    source: str
    names: tuple[str, ...]
    """By class; empty for a class that the file leaves out."""
    offset: int = 0

    def fits(self, classes: int) -> bool:
        """Is there one name a class?"""
        return len(self.names) == classes

    def check(self, classes: int, spell: Spelling = str) -> None:
        """Refuse names of another number than the classes: they would name the wrong class."""
        if self.fits(classes):
            return
        lines = len(self.names) - self.offset
        cure = "Give the file that belongs to this model."
        if abs(classes - lines) == 1:
            which = "class 0" if classes > lines else "the first line"
            cure = f"If {which} is a background, add {spell('label-offset')} {classes - lines}."
        elif classes == lines:
            cure = f"Leave {spell('label-offset')} out."
        raise InputError(f"labels {self.source}: {lines} names for {classes} classes. {cure}")


def read_labels(path: Path, offset: int = 0, spell: Spelling = str) -> Labels:
    """One name a line, in class order.

    Args:
        offset: the class of the first line. 1 where class 0 is a background that the file leaves
            out; -1 where the file's first line is a background that the model leaves out.
    """
    if abs(offset) >= MOST_CLASSES:
        raise InputError(f"{spell('label-offset')} {offset}: no model has that many classes.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"labels '{path}': byte {error.start} is not UTF-8. Save it as UTF-8 text, "
            "one name a line."
        ) from error
    except OSError as error:
        raise InputError(f"labels '{path}': {error.strerror}. Check the path.") from error
    names = tuple(line.strip() for line in text.rstrip().split("\n"))
    if not any(names):
        raise InputError(f"labels '{path}': the file is empty. Give one name a line.")
    shifted = names[-offset:] if offset < 0 else ("",) * offset + names
    return Labels(f"'{path}'", shifted, offset)
