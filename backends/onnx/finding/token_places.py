"""Which tokens of a model's attention are places of the picture, read off its axes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.maps.combine import widened
from cam_core.maps.layout import Layout
from cam_core.region import Region

from ..reading.graph import Tensor
from .analysis import Analysis
from .attention import Block, blocks_of, others
from .attention_ends import block_ends, projection
from .attention_factors import Part
from .tokens import needed_tokens

INSTEAD = "`hirescam` and `gradcam` explain it"


@dataclass(frozen=True)
class Sight:
    """The blocks over one picture, and where it lies in them."""

    analysis: Analysis
    blocks: tuple[Block, ...]
    layout: Any
    """How the last block's values are read as [N, K, *S]."""
    region: Region | None

    @property
    def _route(self) -> Any:
        return self.analysis.layers.route

    def places(self, part: Part, values: Array, rows: int) -> Array:
        """The key of each place [*S].

        Raises:
            InputError: they attend within windows, or each frame for itself.
        """
        heads = in_order(values, part, rows)
        keys = heads.shape[2]
        numbers = np.arange(rows)[:, None] * keys + np.arange(keys)
        every = np.broadcast_to(numbers[:, None, :, None], heads.shape)
        found = self.layout.apply(in_own_order(every, part, values))
        found = found.reshape(rows, -1, *found.shape[2:])  # heads may be rows of their own
        first = found[0, 0]
        each = first + keys * np.arange(rows).reshape(-1, *[1] * (found.ndim - 1))
        apart = np.unique(first).size == first.size and first.max() < keys
        if not apart or not np.array_equal(found, np.broadcast_to(each, found.shape)):
            raise _windowed(part.tensor)
        return np.asarray(first)

    def read(self, queries: int) -> Array | None:
        """1 for each query of the last block that the score reads [1, queries]; None: unknown."""
        part = self.blocks[-1].output
        found = needed_tokens(self._route).get(part.tensor.name)
        if found is None or found.axis != part.labels.index(part.order[-2]):
            return None
        read = np.zeros((1, queries), np.float32)
        read[:, sorted(i for i in found.at if i < queries)] = 1
        return read if read.any() else None

    def require_chain(self, shapes: list[tuple[int, ...]]) -> None:
        """Refuses blocks that do not lead from all tokens to all, the last one apart."""
        missed = others(self._route, self.blocks)
        crossed = [
            block.weights.tensor.name
            for block, shape in zip(self.blocks[:-1], shapes, strict=False)
            if shape[2] != shape[3]
        ]
        sizes = {shape[3] for shape in shapes}
        if missed or crossed or len(sizes) > 1:
            name = (missed or crossed or [self.blocks[-1].weights.tensor.name])[0]
            raise InputError(
                f"attention weights cannot be multiplied through this model: '{name}' does not "
                f"lead from all tokens to the same; use legrad-final"
            )

    def ends(self) -> list[Tensor]:
        """The tokens after each block.

        Raises:
            InputError: there are none with all tokens, so that no head takes their mean.
        """
        found = self._ends
        for block, end in zip(self.blocks, found, strict=True):
            if end is None:
                raise InputError(
                    f"legrad: no sum of tokens follows the attention '{block.weights.tensor.name}' "
                    f"whose mean the head could take; legrad-final needs none"
                )
        return [end for end in found if end is not None]

    @functools.cached_property
    def _ends(self) -> list[Tensor | None]:
        return block_ends(self._route, self.blocks)

    def token_axis(self, tensor: Tensor) -> int:
        """Where the tokens of [N, T, C] are."""
        layout = self._route.maps.layout(tensor)
        assert isinstance(layout, Layout)
        return layout.axes.index("T")

    def projected(self) -> Tensor:
        """What the last block's heads are projected to.

        Raises:
            InputError: there is no such product, or it has no places.
        """
        found = projection(self._route, self.blocks[-1].output.tensor)
        if found is None or self._route.maps.layout(found) is None:
            raise InputError("gradeclip: the output projection of the last block is not recognised")
        return found

    def projected_layout(self) -> Any:
        """How that is read as [N, C, *S]."""
        return self._route.maps.layout(self.projected())


def sight_of(analysis: Analysis, over: str) -> Sight:
    """The blocks whose keys are places of an input; '' is the first that has some.

    Raises:
        InputError: no attention is recognised, or blocks have other grids.
    """
    route, maps = analysis.layers.route, analysis.layers.maps
    found = [b for b in blocks_of(route) if prod_of(maps.space(b.values.tensor)) != 1]
    over = over or next((maps.input(b.values.tensor) for b in found), "")
    blocks = [b for b in found if maps.input(b.values.tensor) == over and over]
    if not blocks:
        raise InputError(
            f"no attention over places of the picture is recognised in this model (a MatMul, a "
            f"Softmax and a MatMul); {INSTEAD}"
        )
    parts = [p for b in blocks for p in (b.weights, b.values, b.output, b.queries, b.keys)]
    hidden = next((p for p in parts if p.tensor.name not in analysis.graph.tensors), None)
    if hidden is not None:
        raise InputError(f"attention is made inside a fused operator here; {INSTEAD}")
    spaces = {maps.space(b.values.tensor) for b in blocks}
    if len(spaces) > 1:
        raise InputError(
            f"the model attends over several grids, whose weights are no one map; {INSTEAD}"
        )
    values = blocks[-1].values.tensor
    layout = maps.layout(values)
    if layout is None or layout.maps:
        raise _windowed(values)
    return Sight(analysis, tuple(blocks), layout, maps.region(values))


def _windowed(values: Tensor) -> InputError:
    return InputError(
        f"the tokens of '{values.name}' attend within windows or frames of their own: such weights "
        f"are no map of the picture; {INSTEAD}"
    )


def prod_of(space: tuple[Any, ...]) -> int:
    """How many places; 0 where that is open."""
    return prod(d if isinstance(d, int) else 0 for d in space)


def in_order(tensor: Array, part: Part, rows: int) -> Array:
    """A block's tensor as [rows, heads, ., .], at least float32."""
    found = np.transpose(tensor, [part.labels.index(letter) for letter in part.order])
    return widened(found.reshape(rows, -1, *found.shape[-2:]))


def in_order_at(tensor: Any, part: Part, shape: tuple[int, ...], rows: int) -> Any:
    """The same of a tensor of a graph, whose shape is this one where there are so many rows."""
    order = [part.labels.index(letter) for letter in part.order]
    found = np.transpose(tensor, order)
    sizes = [shape[i] for i in order]
    if len(sizes) == 4 and sizes[0] == rows:
        return found
    return np.reshape(found, (-1, prod(sizes[:-2]) // rows, *sizes[-2:]))


def in_own_order(values: Array, part: Part, like: Array) -> Array:
    """[N, heads, ., .] as the block's tensor lies, which is `like` this one."""
    shape = [like.shape[part.labels.index(letter)] for letter in part.order]
    back = [part.order.index(letter) for letter in part.labels]
    found = np.transpose(np.reshape(values, shape), back)
    return np.ascontiguousarray(found).astype(like.dtype if values.dtype.kind == "f" else int)
