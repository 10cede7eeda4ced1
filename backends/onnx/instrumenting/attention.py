"""The methods of attention inside the file: the NumPy core, traced over weights and gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.maps import positive
from cam_core.methods import Method
from cam_core.methods.attention import read_by_gradient

from ..finding.analysis import Analysis
from ..finding.attention import Block, blocks_of
from ..finding.attention_factors import Part
from ..finding.axes.walk import extent_at, shape_at
from ..finding.token_places import Sight, in_order_at, sight_of
from ..reading.graph import Graph, Tensor
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .last_block import Last
from .own_scores import own_gradients
from .trace import Traced

Pull = Callable[[Tensor, Sequence[str]], dict[str, Tensor]]
"""(a cotangent of the score, names) -> gradients there."""


def seen(analysis: Analysis) -> Sight:
    """The blocks of a model, over the picture of its layer.

    Raises:
        InputError: it has none, or how many tokens there are is known at run time only.
    """
    choice = analysis.choices[0] if analysis.choices else None
    over = "" if choice is None or choice.region is None else choice.region.input
    try:
        sight = sight_of(analysis, over)
    except InputError:  # where nothing is known of the tokens, that is why
        _require_counted(blocks_of(analysis.layers.route))
        raise
    _require_counted(sight.blocks)
    return sight


def _require_counted(blocks: Sequence[Block]) -> None:
    """Refuses a number of tokens that is known at run time only: which are places is not, then."""
    for part in (block.weights for block in blocks):
        counts = [part.tensor.shape[part.labels.index(letter)] for letter in part.order[-2:]]
        if not all(isinstance(count, int) for count in counts):
            raise InputError(
                f"attention '{part.tensor.name}' has a number of tokens that is known at run time "
                f"only, and a file shows known places: fix the input's size by --size or --static"
            )


def attention_maps(
    op: Op, sight: Sight, method: Method, cotangent: Tensor | None, pull: Pull
) -> tuple[Tensor, Tensor]:
    """The signed map and its positive part [N, *S], in float32."""
    signed: Any = method.formula(Written(op, sight, cotangent, pull))
    lit: Any = positive(signed)
    return signed.tensor, lit.tensor


class Written:
    """Stands for a question and its attention, of tensors of the file."""

    def __init__(self, op: Op, sight: Sight, cotangent: Tensor | None, pull: Pull) -> None:
        """`cotangent`: that of what is explained; None for a method that knows of none."""
        self._op, self._sight, self._cotangent, self._pull = op, sight, cotangent, pull
        self._analysis = sight.analysis

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
        found = self._pull(self._explained, [part.tensor.name for part in parts])
        return [self._seen(part, found[part.tensor.name]) for part in parts]

    @functools.cached_property
    def own(self) -> list[Any]:
        """ds_l/dP_l of each block, s_l = Y of the block's mean token."""
        parts = [block.weights for block in self._sight.blocks]
        found = own_gradients(self._op, self._sight, self._explained)
        return [self._seen(part, g) for part, g in zip(parts, found, strict=True)]

    @property
    def whole(self) -> list[bool]:
        """Of each block whether nothing is left out of its rows."""
        return [block.whole for block in self._sight.blocks]

    @functools.cached_property
    def read(self) -> Any:
        """1 for each query of the last block that the score reads [1 or N, queries].

        Where structure does not tell, the gradient of any mixture of all scores does.
        """
        known = self._sight.read(self.P[-1].shape[2])
        if known is not None:
            return known
        if self._cotangent is not None:
            return read_by_gradient(self.G[-1])
        part, score = self._sight.blocks[-1].weights, self._analysis.score
        weights = np.linspace(1, 2, score.classes or 1)
        shape = [-1 if i == score.class_axis else 1 for i in range(len(score.tensor.shape))]
        mixed = self._op.constant(weights.reshape(shape).astype(score.tensor.dtype))
        found = self._pull(self._op.expand_like(mixed, score.tensor), [part.tensor.name])
        return read_by_gradient(self._seen(part, found[part.tensor.name]))

    def last(self, *, one_head: bool = False) -> tuple[Any, Any, Any, Any]:
        """dY/do, V and the projected queries and keys of the last block."""
        if one_head:
            raise InputError("gradeclip with one_head runs the model again: use `explain`")
        block = self._sight.blocks[-1]
        name = str(block.output.tensor.name)
        g = self._seen(block.output, self._pull(self._explained, [name])[name])
        V, q, k = (self._seen(p, p.tensor) for p in (block.values, block.queries, block.keys))
        q, k = q * (1 / block.queries.scale), k * (1 / block.keys.scale)
        known = self._sight.read(self.P[-1].shape[2])
        return Last(self._op, self._sight, self._places).seen(g, V, q, k, known)

    @property
    def _explained(self) -> Tensor:
        assert self._cotangent is not None
        return self._cotangent

    def chained(self) -> None:
        """Refuses blocks that cannot be multiplied."""
        self._sight.require_chain([P.shape for P in self.P])

    def placed(self, keys: Any) -> Any:
        """[N, keys] at the places [N, *S]."""
        there = self._places
        return np.reshape(np.take(keys, there.ravel(), axis=1), (-1, *there.shape))

    @functools.cached_property
    def _places(self) -> Array:
        return places_of(self._sight)

    def shown(self, values: Any) -> Any:
        """[N, places] as [N, *S]."""
        return np.reshape(values, (-1, *self._places.shape))

    def _seen(self, part: Part, tensor: Tensor) -> Any:
        traced = Traced(self._op, as_float32(self._op, tensor))
        return in_order_at(traced, part, _shape(self._sight, part.tensor), _rows(self._sight))


def places_of(sight: Sight) -> Array:
    """The key of each place [*S], found at one of the numbers that stand for the open extents."""
    part = sight.blocks[-1].values
    return sight.places(part, np.zeros(_shape(sight, part.tensor)), _rows(sight))


def place_of(sight: Sight, graph: Graph) -> tuple[str, str]:
    """The last block's weights by their name, and how they are laid out.

    Where `graph`, the model's own, has them inside a fused operator, it is what that gives.
    """
    block = sight.blocks[-1]
    name, layout = str(block.weights.tensor.name), layout_of(sight)
    if name in graph.tensors:
        return name, layout
    whole, tensor = sight.analysis.graph, block.output.tensor
    while tensor.name not in graph.tensors:
        tensor = whole.consumers[tensor.name][0].outputs[0]
    return str(tensor.name), f"{layout} of its weights"


def layout_of(sight: Sight) -> str:
    """How the last block's weights are laid out: NHQ(1+14*14), the keys in brackets."""
    part, places = sight.blocks[-1].weights, places_of(sight)
    keys = _shape(sight, part.tensor)[part.labels.index(part.order[-1])]
    before, after = int(places.min()), keys - 1 - int(places.max())
    ends = (f"{before}+" if before else "", f"+{after}" if after else "")
    letters = dict(zip(part.order[:-2], "NH", strict=False)) | {part.order[-2]: "Q"}
    letters[part.order[-1]] = f"({ends[0]}{'*'.join(map(str, places.shape))}{ends[1]})"
    return "".join(letters[label] for label in part.labels)


def _rows(sight: Sight) -> int:
    score = sight.analysis.score.tensor
    return extent_at(sight.analysis.graph, score.shape[0], 0) or 1


def _shape(sight: Sight, tensor: Tensor) -> tuple[int, ...]:
    found = shape_at(sight.analysis.graph, tensor, 0)
    if found is None:
        raise InputError(f"the shape of attention '{tensor.name}' is open; use `explain`")
    return found
