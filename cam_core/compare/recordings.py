"""Recordings on a side of a comparison: which picture is which, by the hash of the input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..errors import InputError
from ..recording import Recorded
from ..region import Region


@runtime_checkable
class Recording(Protocol):
    """What a backend has that is recorded outputs, and no other."""

    folder: Path
    pictures: dict[str, Recorded]
    """By name."""
    by_hash: Mapping[str, Recorded]
    """The same by the hash of the input, made once: it is asked for each photo."""
    facts: dict[str, Any]


def recording_of(backend: object) -> Recording | None:
    """The same as a recording; None of a model."""
    return backend if isinstance(backend, Recording) else None


def hashes(recording: Recording) -> dict[str, str]:
    """Hash of the input -> name of the picture."""
    return {one.input_sha256: name for name, one in recording.pictures.items()}


def map_shapes(recording: Recording) -> set[tuple[int, ...]]:
    """Of its maps: several where photos were fed at several sizes."""
    return {one.cam_map.shape for one in recording.pictures.values()}


def told(recording: Recording, key: str) -> str:
    """What it says of its model; '' of nothing."""
    said = recording.facts.get("metadata")
    found = said.get(key) if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""


def region_of(recording: Recording) -> Region | None:
    """What of the input its maps cover, where it says so; None: all of it, or nobody knows."""
    said = recording.facts.get("region")
    try:
        return None if said is None else Region(**{n: as_tuples(v) for n, v in said.items()})
    except (TypeError, AttributeError):
        return None


def as_tuples(value: Any) -> Any:
    """JSON's lists as tuples."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def find(recording: Recording, name: str, stem: str, sha256: str) -> Recorded | None:
    """The recording of these bytes; None where the picture is not among those recorded.

    Raises:
        InputError: a picture of that name was recorded, of other bytes.
    """
    known = recording.by_hash.get(sha256)
    if known is not None:
        return known
    other = recording.pictures.get(stem) if stem else None
    if other is None:
        return None
    raise InputError(
        f"'{recording.folder}' is a recording of other pictures: its '{stem}.npz' is of an input "
        f"{other.input_sha256[:12]}..., and '{name}' makes {sha256[:12]}...: prepare the photos as "
        "they were when they were recorded, or record them again"
    )


def shared(a: Recording, b: Recording) -> tuple[list[tuple[str, str]], list[str]]:
    """(name in A, hash) of what both have, in A's order, and a line for each that one lacks.

    Raises:
        InputError: a name that both have is of two inputs, or they have nothing in common.
    """
    ours, theirs = hashes(a), hashes(b)
    for name in a.pictures:
        if name in b.pictures:
            find(b, name, name, a.pictures[name].input_sha256)
    both = [(name, sha) for sha, name in ours.items() if sha in theirs]
    if not both:
        raise InputError(
            f"'{a.folder}' and '{b.folder}' are recordings of other pictures: no input of "
            f"'{next(iter(a.pictures))}.npz' and the others of A is in B"
        )
    lacking = [_lacking(name, b) for sha, name in ours.items() if sha not in theirs]
    return both, lacking + [_lacking(name, a) for sha, name in theirs.items() if sha not in ours]


def _lacking(name: str, recording: Recording) -> str:
    return f"{name}: not in the recording '{recording.folder}', left out"


def missing(name: str, recording: Recording, sha256: str) -> str:
    """That a photo was not recorded, in a line."""
    return f"{name}: no input of its hash {sha256[:12]}... is in '{recording.folder}', left out"


Held = tuple[Recorded | None, Recorded | None]
"""What was recorded of one photo, of A and of B; None of a model."""


def asked_class(held: Recorded, ranked: bool) -> int | None:
    """The class of a recorded map, the top one where it is not said; None where none is likely."""
    if held.cam_class_used is not None or not ranked:
        return held.cam_class_used
    y = held.logits
    return int(y[0].argmax()) if y.ndim == 2 and y.shape[1] > 1 else None


def methods_said(recordings: Mapping[str, Recording | None], how: str) -> list[str]:
    """That a side was recorded by another method than the model is explained by, or the other side.

    Args:
        recordings: by the name of their side.
        how: the method of the model.
    """
    said = {side: told(one, "cam.method") for side, one in recordings.items() if one is not None}
    known = {side: name for side, name in said.items() if name}
    if len(said) == len(recordings):
        apart = len(set(known.values())) > 1
        names = [f"{side} was recorded by {name}" for side, name in known.items()]
        return [f"{', '.join(names)}: maps of two methods"] if apart else []
    return [
        f"{side} was recorded by {name}, and the model is explained by {how}: maps of two methods"
        for side, name in known.items()
        if name != how
    ]


def facts_said(recordings: Mapping[str, Recording | None]) -> list[str]:
    """What recordings lack, and what is done without it, by the name of their side."""
    known = {side: one for side, one in recordings.items() if one is not None}
    lines = []
    if len(known) < len(recordings):
        (side,) = known
        other = next(name for name in recordings if name != side)
        lines.append(
            f"{side} is a recording: its finished maps are compared with {other}'s of the same "
            f"class; it has no other class and no layer to match, noise and other classes are "
            f"{other}'s"
        )
    else:
        lines.append(
            "A and B are recordings: their finished maps are compared; neither has a noise floor, "
            "another class, or a layer to match"
        )
    for side, one in known.items():
        held = one.pictures.values()
        if any(picture.cam_class_used is None for picture in held):
            lines.append(f"{side} does not say of which class its maps are: the top one is taken")
        if any(picture.cam_signed is None for picture in held):
            lines.append(f"{side} has no cam_signed: all maps are compared after their ReLU")
    return lines
