"""Rows of photos as Parquet files, one after another, each of them written whole.

`rows-000000256.parquet` begins with row 256. What is there is there for good: a run that was killed
goes on after the last file, and no row is in two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from ...errors import InputError, MissingExtraError
from .durable import sweep, write_durable

Row = Mapping[str, Any]
KINDS = {"text": "string", "number": "float64", "whole": "int64", "yes": "bool_"}
"""What a column may hold -> what Arrow calls it; `numbers` are a list of float32."""
NUMBERS = "numbers"
ROWS = "rows"
"""The folder of the files."""


class Parts:
    """The rows of a report.

    Args:
        folder: of the report.
        kinds: each column -> one of KINDS.
        sweeping: take away what killed runs left; only who holds the lock may.
    """

    def __init__(self, folder: Path, kinds: Mapping[str, str], *, sweeping: bool = False) -> None:
        self.folder = folder / ROWS
        self._schema = schema_of(kinds)
        if sweeping:
            _made(self.folder)
            sweep(self.folder)
        self.files = sorted(self.folder.glob("rows-*.parquet"))
        self.count = 0
        """How many rows there are."""
        for file in self.files:
            self.count += _length(file, self.count)

    def append(self, rows: Sequence[Row]) -> None:
        """One more file.

        Raises:
            InputError: it cannot be written; those before it stay.
        """
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.Table.from_pylist(list(rows), schema=self._schema)
        content = BytesIO()
        pyarrow.parquet.write_table(table, content)
        file = self.folder / f"rows-{self.count:09d}.parquet"
        write_durable(file, content.getvalue())
        self.files.append(file)
        self.count += len(rows)

    def tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """Some columns, file by file, as `pyarrow.Table`."""
        import pyarrow.parquet

        for file in self.files:
            yield pyarrow.parquet.read_table(file, columns=list(columns), schema=self._schema)

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Row by row; a file at a time is held."""
        for table in self.tables(columns):
            yield from table.to_pylist()


def schema_of(kinds: Mapping[str, str]) -> Any:
    """The `pyarrow.Schema` of rows.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError(
            "rows are kept as Parquet, which needs pyarrow: pip install 'cam-core[parquet]'"
        ) from error
    many = pyarrow.list_(pyarrow.float32())
    types = {kind: getattr(pyarrow, name)() for kind, name in KINDS.items()} | {NUMBERS: many}
    return pyarrow.schema([(name, types[kind]) for name, kind in kinds.items()])


def _length(file: Path, start: int) -> int:
    """The rows of a file that is to begin with row `start`.

    Raises:
        InputError: it cannot be read, or begins elsewhere.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        found: int = pyarrow.parquet.read_metadata(file).num_rows
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(
            f"'{file}' is damaged: take it and those after it away, and the same call goes on "
            "from there"
        ) from error
    if file.name != f"rows-{start:09d}.parquet":
        raise InputError(f"'{file}': the rows from {start} on are missing: bring their file back")
    return found


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to '{folder}': {error.strerror or error}") from error
