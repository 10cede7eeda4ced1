"""What the model attends to under one target: the gradients of its blocks."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cam_core.backend import Array, Target
from cam_core.captures import cotangent
from cam_core.errors import InputError
from cam_core.methods.attention import read_by_gradient
from cam_core.region import Region

from ..finding.token_places import Sight, in_order, in_own_order
from ..reading.graph import Tensor
from ..running.ort_values import Joined, array_of, device_of, run_values, value_of
from .halves import COTANGENT


class AttentionUnder:
    """The `Attention` of one target; `seen` is the `AttentionPass` that it is asked of."""

    def __init__(self, seen: Any, target: Target) -> None:
        self._seen, self._target = seen, target
        self._sight: Sight = seen.attended.sight

    @property
    def name(self) -> str:
        """The last block's weights by their name in the model."""
        return str(self._sight.blocks[-1].weights.tensor.name)

    @property
    def region(self) -> Region | None:
        """What of the input the places cover."""
        return self._sight.region

    @functools.cached_property
    def P(self) -> list[Array]:
        """Each block's weights [N, heads, queries, keys]."""
        return [self._seen.array(block.weights) for block in self._sight.blocks]

    @functools.cached_property
    def G(self) -> list[Array]:
        """dY/dP of each block."""
        return [self._pulled(block.weights) for block in self._sight.blocks]

    @functools.cached_property
    def read(self) -> Array:
        """1 for each query of the last block that the score reads [1 or N, queries]."""
        known = self._sight.read(self.P[-1].shape[2])
        return read_by_gradient(self.G[-1]) if known is None else known

    @property
    def whole(self) -> list[bool]:
        """Of each block whether nothing is left out of its rows."""
        return [block.whole for block in self._sight.blocks]

    def shown(self, values: Array) -> Array:
        """[N, places] as [N, *S]."""
        return np.reshape(values, (-1, *self._seen.places.shape))

    def placed(self, keys: Array) -> Array:
        """[N, keys] at the places [N, *S]."""
        there = self._seen.places
        return np.reshape(np.take(keys, there.ravel(), axis=1), (-1, *there.shape))

    def chained(self) -> None:
        """Refuses blocks that cannot be multiplied."""
        self._sight.require_chain([P.shape for P in self.P])

    @functools.cached_property
    def own(self) -> list[Array]:
        """ds_l/dP_l: what follows the last block is run on the mean token of block l."""
        attended, ends = self._seen.attended, self._sight.ends()
        kept = self._seen.kept_apart
        tensors = Joined(list(kept[0]), kept)
        cotangents = {
            f"{COTANGENT}_{i}": self._of_mean(end, tensors[end.name], tensors[ends[-1].name])
            for i, end in enumerate(ends)
        }
        found = attended.apart.backward_of(kept, cotangents)
        return [
            in_order(found[b.weights.tensor.name], b.weights, self._seen.rows)
            for b in self._sight.blocks
        ]

    def _of_mean(self, end: Tensor, tokens: Array, last: Array) -> Array:
        """ds/dtokens where s is Y of the mean token."""
        axis, of_last = self._sight.token_axis(end), self._sight.token_axis(self._sight.ends()[-1])
        mean = np.mean(tokens, axis=axis, keepdims=True)
        moved = np.broadcast_to(np.moveaxis(mean, axis, of_last), last.shape)
        g = self._gradient_after(self._sight.ends()[-1], np.ascontiguousarray(moved))
        each = np.moveaxis(np.sum(g, axis=of_last, keepdims=True), of_last, axis)
        share = each / tokens.shape[axis]
        return np.ascontiguousarray(np.broadcast_to(share, tokens.shape)).astype(tokens.dtype)

    def _gradient_after(self, tensor: Tensor, values: Array) -> Array:
        """dY/dt of a tensor, where it is `values`."""
        backend, names = self._seen.attended.after(tensor)
        parts = self._seen.beside(names)
        fed = {n: np.concatenate([part[n] for part in parts]) for n in names}
        fed[tensor.name] = values
        look = backend.look(fed, layers=(), inputs=[tensor.name])
        found: Array = look.pull(self._target).inputs[tensor.name]
        return found

    def last(self, *, one_head: bool = False) -> tuple[Array, Array, Array, Array]:
        """dY/do, V, and the projected queries and keys of the last block."""
        block, there = self._sight.blocks[-1], self._seen.places.ravel()
        V, q, k = (self._seen.array(part) for part in (block.values, block.queries, block.keys))
        if q.shape[2] != k.shape[2]:
            raise InputError("gradeclip needs a last block whose tokens attend to one another")
        q, k = q / block.queries.scale, k / block.keys.scale
        g = self._with_one_head(V) if one_head else self._pulled(block.output)
        read = np.flatnonzero(np.any(self.read, axis=0))
        places = V[:, :, there]
        return g[:, :, read], places, self._projected(q, read), self._flat(self._project(k))

    def _with_one_head(self, V: Array) -> Array:
        """dY/do where the last block attends by all heads' q k / sqrt(all their channels).

        The logarithms of the weights are those scores up to a number a query, which falls out.
        """
        part, P = self._sight.blocks[-1].output, self.P[-1]
        with np.errstate(divide="ignore"):
            scores = np.sum(np.log(P), axis=1, keepdims=True) / np.sqrt(P.shape[1])
        shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
        o = (shares / np.sum(shares, axis=-1, keepdims=True)) @ V
        like = self._seen.tensors[part.tensor.name]
        g = self._gradient_after(part.tensor, in_own_order(o, part, like))
        return in_order(g, part, self._seen.rows)

    def _projected(self, x: Array, tokens: Array) -> Array:
        """[N, heads, tokens, D] as [N, C, these tokens], each after the output projection.

        What is seen of the projection are its places: a token that is at none is put at all.
        """
        places = self._seen.places.ravel().tolist()
        every = self._flat(self._project(x)) if not set(places).isdisjoint(tokens) else None
        found = []
        for i in tokens.tolist():
            if every is not None and i in places:
                found.append(every[..., places.index(i)])
            else:
                alone = np.broadcast_to(x[:, :, i : i + 1], x.shape)
                found.append(self._flat(self._project(alone))[..., 0])
        return np.stack(found, axis=-1)

    def _flat(self, x: Array) -> Array:
        return x.reshape(*x.shape[:2], -1)

    def _project(self, x: Array) -> Array:
        """[N, C, *S] of [N, heads, queries, D]."""
        session, part = self._seen.attended.projecting, self._sight.blocks[-1].output
        like = self._seen.tensors[part.tensor.name]
        size = like.shape[0] // len(self._seen.kept)
        own = in_own_order(x, part, like)
        names = [i.name for i in session.get_inputs() if i.name != part.tensor.name]
        device, found = device_of(session), []
        for i, more in enumerate(self._seen.beside(names)):
            given = more | {part.tensor.name: own[i * size : (i + 1) * size]}
            values = {name: value_of(array, device) for name, array in given.items()}
            found.append(array_of(next(iter(run_values(session, values).values()))))
        layout = self._sight.projected_layout()
        return np.concatenate([layout.apply(one) for one in found])

    def _pulled(self, part: Any) -> Array:
        return in_order(self._gradients[part.tensor.name], part, self._seen.rows)

    @functools.cached_property
    def _gradients(self) -> dict[str, Array]:
        plan = self._seen.attended.passes.plan
        if plan.refused is not None:
            raise plan.refused
        look: Any = self._seen
        kept = self._seen.kept
        found: dict[str, Array] = self._seen.attended.passes.backward(
            kept, cotangent(look, self._target)
        )
        return found
