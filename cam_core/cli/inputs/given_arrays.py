"""Which input the pictures are for, and what the others get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError

from . import given_files
from .fitting import fit, only


def assign(
    backend: Backend, images: Sequence[Path], given: Sequence[str]
) -> tuple[list[Path], InputInfo | None, dict[str, Array]]:
    """Files to explain, the input they are for, and the arrays of the other inputs.

    Args:
        images: files, folders and globs, as typed.
        given: NAME=FILE of --input; a picture there counts as one of `images`.

    Raises:
        InputError: an unknown input, one that nothing is given for, or more files than inputs.
    """
    infos = list(backend.inputs())
    named = given_files.pairs(given)
    pictures = {n: p for n, p in named.items() if p.suffix.lower() not in given_files.ARRAYS}
    check_names(pictures, infos)
    if len(pictures) > 1 or (pictures and images):
        raise InputError("--input: one of the inputs may be a picture; give the others as .npy.")
    extras = read_arrays(infos, [f"{n}={p}" for n, p in named.items() if n not in pictures])
    open_inputs = [info for info in infos if info.name not in extras]
    files = given_files.find_files([*images, *pictures.values()])
    if not open_inputs:
        if files:
            raise InputError(f"'{files[0]}': --input gives every input already. Leave one out.")
        return [], None, extras
    if len(open_inputs) > 1 and not _archives(files):
        missing = ", ".join(f"'{info.name}'" for info in open_inputs)
        raise InputError(
            f"the model takes {len(infos)} inputs, nothing is given for {missing}: "
            "add --input NAME=FILE.npy for all but the image."
        )
    return files, _main(open_inputs, pictures), extras


def _main(infos: Sequence[InputInfo], pictures: Mapping[str, Path]) -> InputInfo:
    """The one with a picture, else the first that looks like an image."""
    ranked = sorted(infos, key=lambda i: (i.name not in pictures, len(i.shape) != 4))
    return ranked[0]


def _archives(files: Sequence[Path]) -> bool:
    """Do they hold an array for each input?"""
    return bool(files) and all(path.suffix.lower() == ".npz" for path in files)


def read_arrays(infos: Sequence[InputInfo], given: Sequence[str]) -> dict[str, Array]:
    """The arrays of --input by name, each a batch [N, ...] of its input.

    Raises:
        InputError: an unknown input, or an array that does not fit it.
    """
    named = given_files.pairs(given)
    check_names(named, infos)
    return {info.name: _array(named[info.name], info) for info in infos if info.name in named}


def check_names(named: Mapping[str, Path], infos: Sequence[InputInfo]) -> None:
    """Refuse an input that the model has not."""
    known = [info.name for info in infos]
    for name in named:
        if name not in known:
            raise InputError(f"--input '{name}': the model takes {', '.join(known)}.")


def _array(path: Path, info: InputInfo) -> Array:
    """The array of one input; of an archive the one of its name, else the only fitting one."""
    found = given_files.load(path)
    if isinstance(found, Mapping):
        found = found[info.name] if info.name in found else only(found, info, path)
    return fit(found, info, path)
