"""The model from a layer on: opened once, run on any activations, the head left alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.captures import blocks
from cam_core.errors import CamError, ModelError

from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.units import units_of
from ..running.ort_values import HOST, array_of, device_of, run_values, value_of
from ..running.runner import Runner
from .cut import beside, between
from .sessions import Kept
from .wide import widened

Values = Mapping[str, Any]
"""OrtValues by name, of one batch of the model."""
SAME = 1e-3
"""What the score in float64 may differ by, relative to the score or to what it moved by."""


class Tail:
    """What comes after one layer. What bypasses the layer comes from the forward pass, as values.

    Where that pass did not give it out, the model up to there is run once more, once a look.
    """

    def __init__(self, analysis: Analysis, choice: Choice, runner: Runner) -> None:
        self.choice = choice
        self._analysis = analysis
        self._runner = runner
        self._beside = beside(analysis, choice.tensor.name)
        own = {t.name for t in analysis.graph.inputs}
        self._made = [name for name in self._beside if name not in own]
        self.inputs = own if self._made else own.intersection(self._beside)
        """The model's inputs that must be kept as they were."""

    def run_on(self, kept: Kept, A: Array) -> Callable[[Array], Array]:
        """A' -> the score, beside one forward pass and the layer's own activations A."""
        for part in kept:
            if any(name not in part for name in self._made):
                part.update(self._bypassed(part))
        return LookTail(self, kept, A, self.session)

    def run_wide_on(self, kept: Kept, A: Array) -> Callable[[Array], Array] | None:
        """The same in float64; None where the runtime has not the operators in it.

        It must give what the model's own gives, at A and beside it.
        """
        own, session = self.run_on(kept, A), self._wide
        if session is None:
            return None
        wide = LookTail(self, [_wide_values(part) for part in kept], A, session)
        step = np.random.default_rng(0).standard_normal(A.shape)
        moved = (A + 0.1 * np.sqrt(np.mean(np.square(A))) * step).astype(A.dtype)
        try:
            here, there = wide(A), wide(moved)
        except CamError:  # some operators say only when they run that they have no float64
            return None
        return wide if _alike((own(A), own(moved)), (here, there)) else None

    def _bypassed(self, part: Values) -> dict[str, Any]:
        wanted = {i.name for i in self._bypass.get_inputs()}
        return run_values(self._bypass, {n: v for n, v in part.items() if n in wanted})

    @functools.cached_property
    def _bypass(self) -> Any:
        inputs = [t.name for t in self._analysis.graph.inputs]
        return self._runner.open(between(self._analysis, inputs, self._made))

    @functools.cached_property
    def session(self) -> Any:
        """From the layer, and what lies beside it, to the score."""
        given = [self.choice.tensor.name, *self._beside]
        return self._runner.open(between(self._analysis, given, [self._analysis.score.name]))

    @functools.cached_property
    def _wide(self) -> Any | None:
        """The same session in float64, None where there is none."""
        graph = self._analysis.graph
        if self._runner.opener is not None or units_of(graph, self.choice.tensor) is not None:
            return None
        given = [self.choice.tensor.name, *self._beside]
        part = between(self._analysis, given, [self._analysis.score.name])
        model = widened(part, {name: t.shape for name, t in graph.tensors.items()})
        try:
            return None if model is None else self._runner.open(model)
        except ModelError:  # an operator that the runtime has in float32 alone
            return None

    @functools.cached_property
    def by_rows(self) -> bool:
        """Does it take any number of rows, all that it reads being a row each?"""
        tensors = self._analysis.graph.tensors
        batch = self.choice.tensor.shape[0]
        shapes = [tensors[name].shape for name in self._beside]
        shapes.append(self._analysis.score.tensor.shape)
        return isinstance(batch, str) and all(shape and shape[0] == batch for shape in shapes)

    def tensor(self, A: Array, own: Array) -> Array:
        """The layer's tensor when its activations are A; in all else it is like its `own`."""
        layout = self.choice.layout
        units = units_of(self._analysis.graph, self.choice.tensor)
        if units is None:
            return layout.invert(A.astype(own.dtype, copy=False), own)
        real = units.real(own)
        return units.quantised(layout.invert(A.astype(real.dtype, copy=False), real), own.dtype)


class LookTail:
    """A tail beside one forward pass.

    A model of a fixed batch, and one whose extents do not tell which of them are rows, takes A'
    in pieces of its own batch.
    """

    def __init__(self, tail: Tail, kept: Kept, A: Array, session: Any) -> None:
        self._tail, self._A, self._session = tail, A, session
        name = tail.choice.tensor.name
        self._own = [array_of(part[name]) for part in kept]
        read = [i.name for i in session.get_inputs() if i.name != name]
        self._given = [{n: part[n] for n in read} for part in kept]
        self._rows = len(A) // len(kept)
        self._device = device_of(session)
        arrays = [array_of(v) for v in self._given[0].values()]
        self._last: tuple[int, Array, Values] = 1, self._own[0], self._given[0]
        self._at_once = len(kept) == 1 and tail.by_rows and all(len(a) == len(A) for a in arrays)

    def __call__(self, A: Array) -> Array:
        """The score of each row of A' [k N, K, *S]: row i of each block of N beside row i of x."""
        A = np.asarray(A)
        count = blocks(self._tail.choice.name, A, self._A)
        if self._at_once:
            return self._score(A, *self._repeated(count))
        pieces = range(0, max(len(A), 1), max(self._rows, 1))
        parts = list(zip(self._own, self._given, strict=True))
        found = [
            self._score(A[start : start + self._rows], *parts[i % len(parts)])
            for i, start in enumerate(pieces)
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _score(self, A: Array, own: Array, given: Values) -> Array:
        session, name = self._session, self._tail.choice.tensor.name
        value = value_of(self._tail.tensor(A, own), self._device)
        (score,) = run_values(session, {**given, name: value}).values()
        return array_of(score)

    def _repeated(self, count: int) -> tuple[Array, Values]:
        """What belongs to the rows of one block, once for each block; kept for the next call."""
        if self._last[0] != count:
            own, given = self._own[0], self._given[0]
            if self._tail.choice.layout.summary:
                own = np.concatenate([own] * count)
            self._last = count, own, {n: self._again(v, count) for n, v in given.items()}
        return self._last[1:]

    def _again(self, value: Any, count: int) -> Any:
        return value_of(np.concatenate([array_of(value)] * count), self._device)


def _alike(own: tuple[Array, Array], wide: tuple[Array, Array]) -> bool:
    """Are both scores the same, up to SAME of the larger of the score and what it moved by?"""
    at, beside = own
    largest = max(float(np.max(np.abs(a), initial=0)) for a in (at, beside - at))
    return all(
        np.allclose(a, b, rtol=0, atol=SAME * largest) for a, b in zip(own, wide, strict=True)
    )


def _wide_values(part: Values) -> dict[str, Any]:
    """Those in float32 in float64."""
    return {name: _wide_value(value) for name, value in part.items()}


def _wide_value(value: Any) -> Any:
    if isinstance(value, np.ndarray) or value.data_type() != "tensor(float)":
        return value
    return value_of(array_of(value).astype(np.float64), HOST)
