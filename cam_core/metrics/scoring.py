"""The number that a metric watches while it changes the input: one score, for any batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..asking import seen_by
from ..backend import Array, Backend, Inputs
from ..errors import InputError
from ..explain import Asked, suited
from ..looking import Looks
from ..targets import ScoredTarget

Score = Callable[[Array], Array]
"""A batch of inputs [M, ...] -> Y [M], of one class for all."""
BATCH = 32
"""Inputs that are scored at a time."""


class Counted:
    """A score that counts what was asked of it."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.rows = 0
        """Inputs that were scored: forward passes of one row."""
        self.calls = 0
        """Batches that they came in."""

    def __call__(self, x: Array) -> Array:
        """Y [M] of x [M, ...]."""
        self.rows += len(x)
        self.calls += 1
        return self._score(x)


def backend_score(
    backend: Backend,
    x: Inputs,
    target: Asked = None,
    *,
    labels: Sequence[str] | None = None,
    vary: str | None = None,
) -> Counted:
    """The score of a target as a function of one input, for metrics.

    The target is settled on x, as it stands: the class that is the top one there, the box that is
    found there, is asked for whatever a metric makes of x afterwards.

    Args:
        backend: the model, from `open_backend`.
        x: one row, one array or several by name.
        target: what is explained, as for `explain`; for relative drops take a probability
            (`prob:243`), which is never negative.
        labels: the names of the classes.
        vary: the input that metrics change; the others stay those of x. Needed where x has several.

    Raises:
        InputError: x has several rows, or several inputs of which none is named.
        TargetError: the target is several here, or none.
    """
    name = _varied(x, vary)
    looks = Looks(backend, x, ())
    rows = len(looks.first.score)
    if rows != 1:
        raise InputError(f"a score is settled on one input, not on {rows}: make one for each")
    (question, *more) = suited(backend, [target], labels)
    found = [*question.found_in(seen_by(backend, x, looks.first, labels)), *more]
    if len(found) != 1:
        raise InputError(f"target '{question.label}' is {len(found)} targets here: ask for one")
    held = found[0].held(looks.of(found[0].tensor).score)
    model = backend.scored(held.tensor) if held.tensor else backend
    batched = {info.name: info.batched for info in backend.inputs()}

    def score(varied: Array) -> Array:
        fed = _fed(x, str(name), varied, batched) if isinstance(x, Mapping) else varied
        look = model.look(fed, layers=())
        return row_scores(held, look.score, look.outputs)

    return Counted(score)


def row_scores(target: ScoredTarget, y: Array, outputs: Mapping[str, Array]) -> Array:
    """Y [M], row by row: what was found in one row is asked of each."""
    rows = [slice(i, i + 1) for i in range(len(y))]
    found = [target.score(y[row], _at(outputs, row, len(y))) for row in rows]
    return np.concatenate(found) if found else np.zeros(0)


def scores_of(score: Score, inputs: Iterable[Array], batch: int = BATCH) -> Array:
    """Y [M] of M inputs, made one by one and scored by the batch.

    Raises:
        InputError: the score is not one number an input, or NaN or inf.
    """
    found = [_one_each(score(x), len(x)) for x in _batches(inputs, batch)]
    whole = np.concatenate(found) if found else np.zeros(0)
    if not np.isfinite(whole).all():
        raise InputError("the score is NaN or inf for a changed input: nothing can be measured")
    return whole


def _one_each(scores: Array, rows: int) -> Array:
    found = np.asarray(scores, np.float64)
    if found.shape != (rows,):
        raise InputError(
            f"a score of shape {found.shape} for {rows} inputs is not one number an input, [M]"
        )
    return found


def _batches(inputs: Iterable[Array], batch: int) -> Iterator[Array]:
    if batch < 1:
        raise InputError(f"a batch of {batch} inputs is none: 1 or more")
    rest = iter(inputs)
    while part := list(islice(rest, batch)):
        yield np.stack(part)


def _varied(x: Inputs, vary: str | None) -> str | None:
    if not isinstance(x, Mapping):
        return vary
    name = next(iter(x)) if vary is None and len(x) == 1 else vary
    if name not in x:
        named = "none is named" if vary is None else f"'{vary}' is none of them"
        raise InputError(f"inputs {', '.join(x)}: {named}; vary=NAME says which one is changed")
    return name


def _fed(
    x: Mapping[str, Array], name: str, varied: Array, batched: Mapping[str, bool]
) -> dict[str, Any]:
    """All inputs, those that have rows as often as the varied one."""
    others = {n: np.asarray(v) for n, v in x.items() if n != name}
    repeated = {
        n: np.repeat(v, len(varied), axis=0) if batched.get(n, True) else v
        for n, v in others.items()
    }
    return {**repeated, name: varied}


def _at(outputs: Mapping[str, Array], row: slice, rows: int) -> dict[str, Array]:
    """One row of each output that has rows."""
    return {n: v[row] if v.ndim and len(v) == rows else v for n, v in outputs.items()}
