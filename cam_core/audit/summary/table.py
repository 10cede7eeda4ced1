"""The rows of a report as columns of numbers and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..measure import Column, columns_of
from ..measure.metrics import find_extras
from ..rows import Parts, read_manifest

NUMBERS, WORDS = ("number", "yes", "whole"), ("text",)
"""Kinds of columns."""
APART = ("path",)
"""Columns that are long, and that no report asks for."""
FAILED, WAY = "failed", "way"
"""Numbers that no row has by itself: 1 of a photo that was not looked at, and the way to another
class, which the verdict sets."""


@dataclass(frozen=True, eq=False)
class Table:
    """All rows. Columns of one kind are read at once, so that each file is opened once for all."""

    folder: Path
    parts: Parts
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        """How many rows there are."""
        return self.parts.count

    @cached_property
    def _held(self) -> dict[str, Any]:
        return {}

    def numbers(self, name: str) -> Array:
        """A column float64 [N]: NaN where there is none, 1 and 0 of yes and no."""
        if name == FAILED:
            return np.array([error is not None for error in self.words("error")], np.float64)
        found: Array = self._read(name, NUMBERS, _as_numbers, np.concatenate)
        return found

    def words(self, name: str) -> list[str | None]:
        """A column of text."""
        found: list[str | None] = self._read(name, WORDS, _as_words, _chained)
        return found

    def _read(
        self,
        name: str,
        kinds: Sequence[str],
        convert: Callable[[Any, dict[str, str]], Any],
        join: Callable[[list[Any]], Any],
    ) -> Any:
        if name not in self._held:
            alike = [n for n, c in self.columns.items() if c.kind in kinds and n not in APART]
            names = [name] if name in APART else alike
            found: dict[str, list[Any]] = {name: [] for name in names}
            known: dict[str, str] = {}
            for table in self.parts.tables(names):
                for n in names:
                    found[n].append(convert(table.column(n), known))
            self._held.update({n: join(of) for n, of in found.items()})
        return self._held[name]

    @property
    def measured(self) -> dict[str, str]:
        """Each column of numbers -> what it is."""
        return measured(self.columns)

    @property
    def metrics(self) -> list[str]:
        """Those that were asked for besides."""
        return [name for name, column in self.columns.items() if column.of == "metrics"]

    @property
    def referenced(self) -> bool:
        """Is it a report of two models?"""
        return any(column.of == "reference" for column in self.columns.values())


def grouped(words: Sequence[str | None]) -> tuple[list[str], Array]:
    """The different words in their order, and which of them each row has [N]; -1 of none."""
    import pyarrow

    coded = pyarrow.array(words, pyarrow.string()).dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), object)
    order = np.argsort(names.astype(str), kind="stable")
    places = np.full(len(names) + 1, -1, np.int32)
    places[order] = np.arange(len(names))
    codes = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    return names[order].tolist(), places[codes]


def measured(columns: Mapping[str, Column]) -> dict[str, str]:
    """What is summed up, and what limits are put on: each name -> what it is."""
    found = {
        name: column.summary
        for name, column in columns.items()
        if column.kind in ("number", "yes") and name != "fed_alike"
    }
    way = {WAY: "part of the way to another class"} if "spearman" in columns else {}
    return found | {FAILED: "1 of a photo that was not looked at"} | way


def open_table(folder: str | Path) -> Table:
    """The rows of a report.

    Raises:
        InputError: there is none, or it has no row.
    """
    folder = Path(folder)
    settings = read_manifest(folder)["settings"]
    metrics = find_extras(settings.get("metrics", ()))
    columns = columns_of(reference=settings.get("bounds") is not None, metrics=metrics)
    parts = Parts(folder, {name: column.kind for name, column in columns.items()})
    if not parts.count:
        raise InputError(f"'{folder}': the report has no row yet")
    return Table(folder, parts, columns)


def _as_numbers(column: Any, known: dict[str, str]) -> Array:
    """float64 [n]; what is not there is NaN."""
    import pyarrow

    found: Array = column.cast(pyarrow.float64()).to_numpy()
    return found


def _as_words(column: Any, known: dict[str, str]) -> list[str | None]:
    """Words that are said again and again are held once."""
    coded = column.combine_chunks().dictionary_encode()
    words = coded.dictionary.to_pylist()
    if len(words) < len(column):
        words = [known.setdefault(word, word) for word in words]
    return [None if code is None else words[code] for code in coded.indices.to_pylist()]


def _chained(parts: list[list[str | None]]) -> list[str | None]:
    return [word for part in parts for word in part]
