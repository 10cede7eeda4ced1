"""Which input the pictures are for, and what the others get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError
from cam_core.sources.vocabulary import Vocabulary

from . import given_files
from .fitting import fit, only
from .picture_sizes import told
from .texts import Writer, encoded, reads_words


@dataclass(frozen=True)
class Assigned:
    """What each input gets."""

    files: list[Path]
    """To explain, one after another."""
    main: InputInfo | None
    """The input they are for; None where --input gives them all as arrays."""
    extras: dict[str, Array]
    """Arrays of other inputs."""
    photos: dict[str, Path]
    """Pictures of other inputs."""
    written: Writer | None = None
    """What writes the words of an input that nothing is given for."""


def assign(backend: Backend, images: Sequence[Path], given: Sequence[str]) -> Assigned:
    """Files to explain, the input they are for, and what the other inputs get.

    Args:
        images: files, folders and globs, as typed.
        given: NAME=FILE of --input; the first picture there is explained where `images` is empty.

    Raises:
        InputError: an unknown input, one that nothing is given for, or more files than inputs.
    """
    infos = list(backend.inputs())
    named = given_files.pairs(given)
    photos = {n: p for n, p in named.items() if p.suffix.lower() not in given_files.ARRAYS}
    check_names(photos, infos)
    extras = read_arrays(infos, [f"{n}={p}" for n, p in named.items() if n not in photos])
    extras = (
        {n: v for n, v in told(infos).items() if n not in named}
        | extras
        | _texts(backend, infos, photos)
    )
    first = next((i for i in infos if i.name in photos), None) if not images else None
    if first is not None:
        images = [photos.pop(first.name)]
    open_inputs = [i for i in infos if i.name not in extras and i.name not in photos]
    writers = [w for w in (Writer.of(backend, info) for info in open_inputs[1:]) if w is not None]
    written = writers[0] if writers else None
    open_inputs = [i for i in open_inputs if written is None or i is not written.info]
    files = given_files.find_files(images)
    if not open_inputs:
        if files:
            raise InputError(f"'{files[0]}': --input gives every input already. Leave one out.")
        return Assigned([], None, extras, photos, written)
    if len(open_inputs) > 1 and not _archives(files):
        lacking = [i for i in open_inputs if i is not first]
        raise InputError(f"the model takes {len(infos)} inputs, {_lacking(backend, lacking)}")
    return Assigned(files, first or _main(open_inputs), extras, photos, written)


def _lacking(backend: Backend, infos: Sequence[InputInfo]) -> str:
    """What nothing is given for, and how to give it: texts first, pictures are there already."""
    if not _takes_inputs():
        missing = ", ".join(f"'{i.name}'" for i in infos)
        return (
            f"nothing is given for {missing}: in place of pictures name .npz files that hold an "
            "array for each input, by its name."
        )
    vocabulary = Vocabulary.of(backend.metadata)
    text = next((i.name for i in infos if reads_words(i)), None)
    if vocabulary is None or text is None:
        missing = ", ".join(f"'{i.name}'" for i in infos)
        return (
            f"nothing is given for {missing}: add --input NAME=FILE, a picture or .npy, for all "
            "but the one that is explained."
        )
    return (
        f"nothing is given for '{text}', a text: add --input {text}=\"...\", in words of these: "
        f"{vocabulary.shown}"
    )


def _takes_inputs() -> bool:
    """Has the command that runs an --input? From Python none runs, and one is supposed."""
    context = click.get_current_context(silent=True)
    return context is None or any(one.name == "inputs" for one in context.command.params)


def _texts(
    backend: Backend, infos: Sequence[InputInfo], given: dict[str, Path]
) -> dict[str, Array]:
    """The inputs that read words and are given no file; they are taken out of `given`."""
    reading = [i for i in infos if i.name in given and reads_words(i)]
    texts = {i.name: i for i in reading if not given[i.name].exists()}
    return {name: encoded(str(given.pop(name)), info, backend) for name, info in texts.items()}


def _main(infos: Sequence[InputInfo]) -> InputInfo:
    """The first that looks like an image."""
    return min(infos, key=lambda info: not info.pictured)


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
