"""Which of several inputs of B is which of A: by name, else by shape and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..backend import Array, Backend, InputInfo, Inputs
from ..errors import InputError
from ..plural import counted
from ..rows import all_filled, refilled


def match_inputs(a: Sequence[InputInfo], b: Sequence[InputInfo]) -> dict[str, str]:
    """A's name of each input of B.

    Equal names first. Of the others a pair has one shape and a type of one kind; that pairing is
    taken which has the most inputs at the same position (Kuhn 1955).

    Raises:
        InputError: there is no such pairing.
    """
    if len(a) != len(b):
        raise InputError(
            f"A takes {counted(len(a), 'input')} and B {len(b)}: these are not compared"
        )
    known = {info.name for info in a} & {info.name for info in b}
    ours = [(i, info) for i, info in enumerate(a) if info.name not in known]
    theirs = [(i, info) for i, info in enumerate(b) if info.name not in known]
    found = {info.name: info.name for info in b if info.name in known}
    if not ours:
        return found
    from scipy.optimize import linear_sum_assignment

    never = len(a) + 1.0
    costs = np.array(
        [[(i != j) if _alike(one, other) else never for j, other in theirs] for i, one in ours],
        float,
    )
    rows, columns = linear_sum_assignment(costs)
    if costs[rows, columns].max() >= never:
        raise InputError(
            f"inputs have other names and shapes: {_listed(a)} of A, {_listed(b)} of B"
        )
    pairs = zip(rows, columns, strict=True)
    found |= {theirs[j][1].name: ours[i][1].name for i, j in pairs}
    return {info.name: found[info.name] for info in b}


def renamed(x: Inputs, names: Mapping[str, str], b: Sequence[InputInfo]) -> Inputs:
    """A's inputs by B's names, in B's types."""
    if not isinstance(x, Mapping):
        return x
    found = {
        info.name: np.asarray(x[names[info.name]]).astype(info.dtype, copy=False) for info in b
    }
    return refilled(found, b, b)


def same_numbers(x: Inputs, other: Inputs) -> bool:
    """Are they the same arrays, whatever they are called, and however often a row is repeated?"""
    if x is other:
        return True
    ours, theirs = (list(of.values()) if isinstance(of, Mapping) else [of] for of in (x, other))
    for array in map(np.asarray, ours):
        found = next(
            (i for i, one in enumerate(theirs) if _same_rows(array, np.asarray(one))), None
        )
        if found is None:
            return False
        del theirs[found]
    return not theirs


def _same_rows(a: Array, b: Array) -> bool:
    """Of one type, and alike as far as both have rows."""
    rows = min(len(a), len(b)) if a.ndim and b.ndim else None
    a, b = (x if rows is None else x[:rows] for x in (a, b))
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def pairing_said(names: Mapping[str, str]) -> str:
    """The pairing in a line; '' where all names are equal."""
    apart = [f"'{a}' of A is '{b}' of B" for b, a in names.items() if a != b]
    if not apart:
        return ""
    return f"inputs have other names, taken by shape and position: {', '.join(apart)}"


def rows_of_b(a: Backend, b: Backend, rows: Sequence[Inputs]) -> tuple[Sequence[Inputs], str]:
    """The same rows; of several inputs by B's names, with what is said of that.

    Raises:
        InputError: they take other numbers of inputs, or no pairing is found.
    """
    ours, theirs = a.inputs(), b.inputs()
    named = isinstance(rows[0] if rows else None, Mapping) or len(ours) + len(theirs) > 2
    names = match_inputs(ours, theirs) if named and ours and theirs else {}
    said = pairing_said(names)
    if said:
        return [renamed(row, names, theirs) for row in rows], said
    return [refilled(row, ours, theirs) for row in rows], said


def rows_of(x: Array | Sequence[Inputs], backend: Backend) -> list[Inputs]:
    """One input of one row after another, as often as the model's fixed batch has rows.

    Raises:
        InputError: several inputs by name, which are one photo.
    """
    if isinstance(x, np.ndarray):
        infos = backend.inputs()
        return [all_filled(x[i : i + 1], infos) for i in range(len(x))]
    if isinstance(x, Mapping):
        raise InputError("several inputs by name are one photo: give a list of them")
    rows = list(x)
    for i, one in enumerate(rows):
        _require_one_row(i, one, backend.inputs())
    return rows


def _require_one_row(i: int, x: Inputs, infos: Sequence[InputInfo]) -> None:
    """Refuses several photos in one place of a list, as far as the model takes any number."""
    known = {info.name: info for info in infos}
    if not isinstance(x, Mapping):
        x = dict.fromkeys(known, x) if len(known) == 1 else {}
    for name, array in x.items():
        info = known.get(name)
        if info is None or not info.batched or isinstance(info.shape[0], int):
            continue
        if np.ndim(array) == len(info.shape) and len(array) != 1:
            raise InputError(
                f"x[{i}] has {len(array)} rows: give one array of all photos, or a list of inputs "
                "of one row each"
            )


def _alike(one: InputInfo, other: InputInfo) -> bool:
    """May every extent be the same, of numbers of one kind?"""
    if len(one.shape) != len(other.shape) or one.dtype.kind != other.dtype.kind:
        return False
    pairs = zip(one.shape[1:], other.shape[1:], strict=True)
    return all(n == m or not (isinstance(n, int) and isinstance(m, int)) for n, m in pairs)


def _listed(infos: Sequence[InputInfo]) -> str:
    shapes = ("x".join(str(n) if isinstance(n, int) else "?" for n in i.shape) for i in infos)
    return ", ".join(f"'{i.name}' {shape}" for i, shape in zip(infos, shapes, strict=True))
