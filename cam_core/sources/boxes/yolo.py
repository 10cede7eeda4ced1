"""YOLO's labels: a .txt a photo, a line a box, its middle and extent as parts of the photo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import InputError
from ...foreign import UNREADABLE, from_json, in_class_order
from .labelled import BoxesByPhoto, Labelled, Sizes, labelled, text_of, wanted

YAML = (".yaml", ".yml")
NAMED = ("classes.txt", "obj.names", "labels.txt", "notes.txt", "README.txt", "requirements.txt")
"""Files among the labels that hold none."""
ENTRY = re.compile(r"\s*(?:-\s+|(\d+)\s*:\s*)(\S.*?)\s*$")
"""`- cat`, `0: cat`."""


def is_label(path: Path) -> bool:
    """May the file hold the boxes of a photo?"""
    return path.suffix == ".txt" and path.name not in NAMED


def read_yolo(
    path: Path, files: Iterable[Path], sizes: Sizes | None, names: Sequence[str] | None = None
) -> BoxesByPhoto:
    """The boxes of the photos whose sizes are given.

    A line is `class x y w h`, parts of the photo's extents; a confidence may follow, and a polygon
    `class x y x y x y ...` counts as the box round it. Names come from a .yaml (`names:`) or a
    classes.txt in the folder or the one above it.

    Args:
        path: what was named.
        files: a .txt for each photo.
        names: of the classes; None: what `names_near` finds.

    Raises:
        InputError: sizes are not given, two files are of one photo, or a line is none of these.
    """
    if sizes is None:
        raise InputError(f"boxes '{path}': YOLO's are parts of a photo, whose size is to be given.")
    names = names_near(path) if names is None else names
    found: BoxesByPhoto = {}
    seen: dict[str, Path] = {}
    for file in files:
        if not wanted(file.stem, sizes):
            continue
        if file.stem in seen:
            raise InputError(
                f"boxes '{path}': '{seen[file.stem]}' and '{file}' are of one photo. "
                "Name the folder of one of them."
            )
        seen[file.stem] = file
        lines = enumerate(text_of(file).splitlines(), start=1)
        where = f"boxes '{file}', line {{}}".format
        size = sizes[file.stem]
        found[file.stem] = [_box(line, size, names, where(n)) for n, line in lines if line.strip()]
    return found


def names_near(path: Path) -> tuple[str, ...]:
    """The names of the classes; () where no file near it has them."""
    if path.suffix in YAML:
        return names_in(path)
    folder = path if path.is_dir() else path.parent
    for place in (folder, folder.parent):
        for file in sorted(place.glob("*.y*ml")):
            if file.suffix in YAML and (names := names_in(file)):
                return names
        if (listed := place / "classes.txt").is_file():
            return tuple(line.strip() for line in text_of(listed).rstrip().splitlines())
    return ()


def names_in(path: Path) -> tuple[str, ...]:
    """What stands under `names:` in a .yaml; () where nothing does.

    A list or a mapping from numbers, on one line or one a line, is all that these files have.
    """
    lines = [re.sub(r"(^|\s)#.*", "", line).rstrip() for line in text_of(path).splitlines()]
    start = next((i for i, line in enumerate(lines) if line.startswith("names:")), None)
    if start is None:
        return ()
    inline = lines[start].removeprefix("names:").strip()
    if inline:
        parts = inline.strip("[]{}").split(",")
        listed = inline.startswith("[")
        return _in_order([f"- {part.strip()}" if listed else part for part in parts], path)
    below: list[str] = []
    for line in lines[start + 1 :]:
        if line and not line[0].isspace() and not line.startswith("-"):
            break
        below += [line] if line else []
    return _in_order(below, path)


def _in_order(entries: Sequence[str], path: Path) -> tuple[str, ...]:
    """'- cat' in order, or '0: cat' by number."""
    found: dict[int, str] = {}
    for entry in entries:
        match = ENTRY.match(entry)
        if match is None:
            raise InputError(
                f"boxes '{path}': 'names:' holds '{entry.strip()}'. Write '0: cat' or '- cat'."
            )
        found[len(found) if match[1] is None else int(match[1])] = _unquoted(match[2])
    try:
        return in_class_order(found)
    except ValueError as error:
        raise InputError(f"boxes '{path}': {error}.") from error


def _unquoted(text: str) -> str:
    """What stands between quotes; double ones know JSON's escapes."""
    try:
        return str(from_json(text)) if text.startswith('"') else text.strip("'")
    except UNREADABLE:
        return text.strip('"')


def _box(line: str, size: tuple[int, int], names: Sequence[str], where: str) -> Labelled:
    """The box of one line in pixels, cut at the photo's edges."""
    try:
        index, *numbers = (float(word) for word in line.split())
        corners = _corners(numbers)
        if index < 0 or index != int(index):
            raise ValueError
    except UNREADABLE as error:
        raise InputError(f"{where}: write 'class x y w h', numbers from 0 to 1.") from error
    if not all(-0.5 <= v <= 1.5 for v in corners):
        raise InputError(f"{where}: YOLO's numbers are parts of the photo, from 0 to 1.")
    height, width = size
    across, down = (
        [min(max(v, 0), 1) * n for v in corners[i::2]] for i, n in ((0, width), (1, height))
    )
    number = int(index)
    name = names[number] if number < len(names) else ""
    return labelled(name or number, (across[0], down[0], across[1], down[1]), where)


def _corners(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of `x y w h [confidence]`, or of a polygon `x y x y x y ...`."""
    if len(numbers) in (4, 5):
        x, y, w, h = numbers[:4]
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)
