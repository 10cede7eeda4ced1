"""The methods of attention inside the file: the NumPy core, traced over weights and gradients."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.maps import positive
from cam_core.methods import Method
from cam_core.methods.attention import read_by_gradient

from ..finding.analysis import Analysis
from ..finding.attention_factors import Part
from ..finding.axes.walk import extent_at, shape_at
from ..finding.token_places import Sight, in_order_at, sight_of
from ..reading.graph import Tensor
from ..rules.microsoft.attention_in_full import attention_in_full
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .trace import Traced


@dataclass(frozen=True)
class Attended:
    """What a model attends to, and which gradients a method reads of it."""

    analysis: Analysis
    sight: Sight
    wanted: Sequence[str]

    def maps(
        self, op: Op, method: Method, gradients: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The signed map and its positive part [N, *S], in float32."""
        signed: Any = method.formula(Written(op, self, gradients))
        lit: Any = positive(signed)
        return signed.tensor, lit.tensor


def attended(analysis: Analysis, method: Method) -> Attended:
    """The blocks of a model, for a method that a file can hold.

    Raises:
        InputError: it has none whose weights are tensors of the file.
    """
    if attention_in_full(analysis.graph) is not None:
        raise InputError(
            "attention is fused in this file, its weights are not there; use `explain`"
        )
    choice = analysis.choices[0] if analysis.choices else None
    over = "" if choice is None or choice.region is None else choice.region.input
    sight = sight_of(analysis, over)
    names = [str(block.weights.tensor.name) for block in sight.blocks]
    return Attended(analysis, sight, names if "gradients" in method.needs else [])


class Written:
    """Stands for a question and its attention, of tensors of the file."""

    def __init__(self, op: Op, attended: Attended, gradients: Mapping[str, Tensor]) -> None:
        self._op, self._attended, self._gradients = op, attended, gradients
        self._sight = attended.sight

    @property
    def attention(self) -> Any:
        return self

    @functools.cached_property
    def P(self) -> list[Any]:
        """Each block's weights [N, heads, queries, keys]."""
        return [self._seen(block.weights, block.weights.tensor) for block in self._sight.blocks]

    @functools.cached_property
    def G(self) -> list[Any]:
        """dY/dP of each block."""
        parts = [block.weights for block in self._sight.blocks]
        return [self._seen(part, self._gradients[part.tensor.name]) for part in parts]

    @functools.cached_property
    def read(self) -> Any:
        """1 for each query of the last block that the score reads [1 or N, queries].

        Raises:
            InputError: only the gradient tells, and the method has none.
        """
        known = self._sight.read(self.P[-1].shape[2])
        if known is not None:
            return known
        if not self._gradients:
            raise InputError(
                "which tokens the head reads is told by the gradient alone in this model, and "
                "rollout has none in a file; use `explain`, or gradrollout"
            )
        return read_by_gradient(self.G[-1])

    def chained(self) -> None:
        """Refuses blocks that cannot be multiplied."""
        self._sight.require_chain([P.shape for P in self.P])

    def placed(self, keys: Any) -> Any:
        """[N, keys] at the places [N, *S]."""
        there = self._places
        return np.reshape(np.take(keys, there.ravel(), axis=1), (-1, *there.shape))

    @functools.cached_property
    def _places(self) -> Array:
        """Found at one of the numbers that stand for the open extents."""
        part = self._sight.blocks[-1].values
        return self._sight.places(part, np.zeros(self._shape(part.tensor)), self._rows)

    @property
    def _rows(self) -> int:
        rows = extent_at(self._attended.analysis.graph, self._score.shape[0], 0)
        return rows or 1

    @property
    def _score(self) -> Tensor:
        return self._attended.analysis.score.tensor

    def _shape(self, tensor: Tensor) -> tuple[int, ...]:
        found = shape_at(self._attended.analysis.graph, tensor, 0)
        if found is None:
            raise InputError(f"the shape of attention '{tensor.name}' is open; use `explain`")
        return found

    def _seen(self, part: Part, tensor: Tensor) -> Any:
        traced = Traced(self._op, as_float32(self._op, tensor))
        shape = self._shape(part.tensor)
        return in_order_at(traced, part, shape, self._rows)
