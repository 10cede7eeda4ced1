"""Files of other file systems by their URI: s3://bucket/photos, and what else pyarrow opens.

A path is taken as it is written (%20 is no blank). Options of the file system may follow, as in
s3://bucket/photos?region=eu-central-1; keys may not: reports keep what was typed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from ...errors import InputError, MissingExtraError, UnreachableError

URI = re.compile(
    r"(?P<scheme>[a-z][a-z0-9.+-]+)://(?P<host>[^/?]*)(?P<path>.*?)(?P<query>\?\w+=.*)?"
)
FILE, FOLDER = "file", "folder"
KEYS = "Give keys by the environment (AWS_ACCESS_KEY_ID and the like), reports keep paths."


@dataclass(frozen=True, order=True)
class Far:
    """A file or a folder: what formats ask of a `pathlib.Path`, without its case of folders."""

    scheme: str
    host: str
    """The bucket, the machine, or nothing."""
    path: str
    """Below that; begins with /, and does not end so."""
    query: str = ""
    kind: str = field(default="", compare=False)
    """FILE or FOLDER, where the folder above has told."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}{self.query}"

    def __truediv__(self, inner: str | PurePosixPath) -> Far:
        """What lies below; an absolute path is what it is."""
        path = PurePosixPath(self.path or "/") / inner
        return replace(self, path=str(path).rstrip("/"), kind="")

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self.path).name

    @property
    def stem(self) -> str:
        """The same without its ending."""
        return PurePosixPath(self.path).stem

    @property
    def suffix(self) -> str:
        """Its ending, such as .jpg."""
        return PurePosixPath(self.path).suffix

    @property
    def parent(self) -> Far:
        """The folder that it is in."""
        above = str(PurePosixPath(self.path or "/").parent).rstrip("/")
        return replace(self, path=above, kind=FOLDER)

    def resolve(self) -> Far:
        """There is one name for it."""
        return self

    def relative_to(self, folder: Far) -> PurePosixPath:
        """The way down from a folder."""
        return PurePosixPath(self.path or "/").relative_to(folder.path or "/")

    def is_file(self) -> bool:
        """Is it a file?"""
        return self._known() == FILE

    def is_dir(self) -> bool:
        """Is it a folder?"""
        return self._known() == FOLDER

    def exists(self) -> bool:
        """Is there anything?"""
        return self._known() != ""

    def iterdir(self) -> Iterator[Far]:
        """All that lies in a folder.

        Raises:
            OSError: it cannot be read.
        """
        from pyarrow import fs

        system, path = self._there()
        for info in system.get_file_info(fs.FileSelector(path)):
            kind = {fs.FileType.File: FILE, fs.FileType.Directory: FOLDER}.get(info.type, "")
            if kind:
                yield replace(self, path=f"{self.path}/{info.base_name}", kind=kind)

    def open(self, encoding: str | None = None, newline: str | None = None) -> IO[Any]:
        """Its content, bytes or text, to be read from anywhere in it."""
        system, path = self._there()
        file: Any = system.open_input_file(path)
        return file if encoding is None else io.TextIOWrapper(file, encoding, newline=newline)

    def content(self) -> bytes:
        """All of it.

        Raises:
            InputError: there is no such file, or nobody may read it.
            UnreachableError: the file system does not answer.
        """
        try:
            system, path = self._there()
            with system.open_input_stream(path) as file:
                found: bytes = file.read()
        except OSError as error:
            if is_lacking(error):
                raise InputError(
                    f"image '{self}': no such file, or no right to read it."
                ) from error
            raise UnreachableError(_unreachable(self, error)) from error
        return found

    def _known(self) -> str:
        from pyarrow import fs

        if self.kind:
            return self.kind
        try:
            system, path = self._there()
            (info,) = system.get_file_info([path])
        except OSError as error:
            raise UnreachableError(_unreachable(self, error)) from error
        return {fs.FileType.File: FILE, fs.FileType.Directory: FOLDER}.get(info.type, "")

    def _there(self) -> tuple[Any, str]:
        system, root = system_of(self.scheme, self.host, self.query)
        return system, f"{root}{self.path}" or "/"


Place = Path | Far
FILES = (Path, Far)
"""What a photo may be read from, as `isinstance` takes it."""


def place_of(path: str | Place) -> Place:
    """What a path or a URI names.

    Raises:
        InputError: there are keys in it.
    """
    found = URI.fullmatch(path) if isinstance(path, str) else None
    if found is None or isinstance(path, Far):
        return path if isinstance(path, Far) else Path(path)
    scheme, host = found["scheme"], found["host"]
    if scheme == "file":
        return Path(unquote(urlsplit(str(path)).path))
    query = found["query"] or ""
    if (":" in host and "@" in host) or re.search(r"(key|secret|token)\w*=", query, re.IGNORECASE):
        raise InputError(f"keys do not belong into the path of '{scheme}://...'. {KEYS}")
    return Far(scheme, host, found["path"].rstrip("/"), query)


@lru_cache(maxsize=64)
def system_of(scheme: str, host: str, query: str) -> tuple[Any, str]:
    """The file system, and what the path of each file begins with there.

    Raises:
        InputError: pyarrow knows no such file system, or does not open it.
        MissingExtraError: pyarrow is not installed.
    """
    uri = f"{scheme}://{host}/{query}"
    try:
        from pyarrow import ArrowException
        from pyarrow.fs import FileSystem
    except ImportError as error:
        raise MissingExtraError(
            f"'{uri}' needs pyarrow, which is not installed: pip install 'cam-core[parquet]'"
        ) from error
    try:
        system, root = FileSystem.from_uri(uri)
    except (ArrowException, OSError, ValueError, ImportError, NotImplementedError) as error:
        raise InputError(f"'{uri}' is not opened: {_first_line(error)}") from error
    return system, root.rstrip("/")


def below_of(root: Place, inner: str) -> Place:
    """What a table calls by its way down from a place, or by its own path or URI."""
    return place_of(inner) if "://" in inner else root / inner


def pixels_at(place: Place) -> Any:
    """A photo uint8 [H, W, 3], wherever it lies.

    Raises:
        InputError: it is no picture that can be read.
        UnreachableError: its file system does not answer.
    """
    from ...image.read import decode, read

    return read(place) if isinstance(place, Path) else decode(place.content(), str(place))


def is_lacking(error: OSError) -> bool:
    """Is it the file's own matter, and no other file's?"""
    own = isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError)
    return own or "ACCESS_DENIED" in str(error) or "Permission denied" in str(error)


def _unreachable(place: Far, error: OSError) -> str:
    return f"'{place}': {_first_line(error)}. Try again: the same call goes on from here."


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
