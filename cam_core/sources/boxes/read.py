"""The one door to labelled boxes: the format is told by the files themselves."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from .coco import read_coco
from .imagenet import read_imagenet
from .labelled import BoxesByPhoto, Sizes
from .voc import read_voc
from .yolo import YAML, is_label, read_yolo

FORMATS = {".json": "coco", ".xml": "voc", ".csv": "imagenet", ".txt": "yolo"}
TAKEN = "COCO's .json, Pascal VOC's .xml, ImageNet's .csv or YOLO's .txt"


def read_boxes(path: str | Path, sizes: Sizes | None = None) -> BoxesByPhoto:
    """The boxes of photos, in their pixels at the edges, by the photo's name without its suffix.

    Args:
        path: COCO's .json; an .xml of Pascal VOC, or a folder of them; ImageNet's .csv; a .txt of
            YOLO, a folder of them, or the .yaml that names the classes.
        sizes: height and width of the photos that are asked for, by name; None: all that have
            labels, which YOLO's do not allow.

    Returns:
        By photo its boxes; of none without labels, [] of one whose labels hold no box.

    Raises:
        InputError: no such file, none of these formats, or a file that does not hold to its own.
    """
    path = Path(path)
    kind = format_of(path)
    if kind == "coco":
        return read_coco(_only(path, kind), sizes)
    if kind == "imagenet":
        return read_imagenet(_only(path, kind), sizes)
    files = _files(path)[kind]
    return read_voc(files, sizes) if kind == "voc" else read_yolo(path, files, sizes)


def format_of(path: str | Path) -> str:
    """`coco`, `voc`, `imagenet` or `yolo`.

    Raises:
        InputError: no such file, or none or several of these.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"boxes '{path}': no such file or folder. Check the path.")
    found = {kind: files for kind, files in _files(path).items() if files}
    if len(found) > 1:
        raise InputError(
            f"boxes '{path}': labels of {' and '.join(sorted(found))} in it. Name one of them."
        )
    if not found:
        raise InputError(f"boxes '{path}': no labels there. Give {TAKEN}, or their folder.")
    return next(iter(found))


def _files(path: Path) -> dict[str, list[Path]]:
    """The files of each format; a .yaml stands for the labels of its folder."""
    if path.is_file() and path.suffix not in YAML:
        kind = FORMATS.get(path.suffix.lower())
        return {kind: [path]} if kind else {}
    folder = path.parent if path.is_file() else path
    suffixes = (".txt",) if path.is_file() else tuple(FORMATS)
    found: dict[str, list[Path]] = {FORMATS[suffix]: [] for suffix in suffixes}
    for file in sorted(folder.rglob("*")):
        if file.suffix in suffixes and (file.suffix != ".txt" or is_label(file)):
            found[FORMATS[file.suffix]].append(file)
    return found


def _only(path: Path, kind: str) -> Path:
    """The one file of a format that has all photos in one."""
    files = _files(path)[kind]
    if len(files) > 1:
        raise InputError(
            f"boxes '{path}': {len(files)} files, such as '{files[0].name}' and "
            f"'{files[1].name}'. Name one of them."
        )
    return files[0]
