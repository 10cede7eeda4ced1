"""The methods that look at what a transformer attends to.

A block's weights P [N, heads, queries, keys] sum to one over the keys; G is dY/dP. What the keys
amount to, [N, keys], is shown at those of them that are places; class and register tokens are none.
All are traced into a file as well: they use plain functions of arrays. Only some rows of a product
of blocks are shown, so that it is worked out from the last block down, rows times a matrix each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..region import Region
from .from_gradients import divide

MIXED: dict[str, Callable[..., Array]] = {"mean": np.mean, "max": np.max, "min": np.min}
"""How heads are made one."""


class Attention(Protocol):
    """What the blocks of a model attend to, in execution order, and one target's gradients."""

    @property
    def name(self) -> str:
        """The last block's weights by their name in the model."""
        ...

    @property
    def region(self) -> Region | None:
        """What of the input the places cover."""
        ...

    @property
    def P(self) -> Sequence[Array]:
        """Each block's weights [N, heads, queries, keys]."""
        ...

    @property
    def G(self) -> Sequence[Array]:
        """dY/dP of each block."""
        ...

    @property
    def own(self) -> Sequence[Array]:
        """ds_l/dP_l of each block, s_l = Y of the block's mean token (see `legrad`)."""
        ...

    @property
    def read(self) -> Array:
        """1 for each query of the last block that the score reads, else 0 [1 or N, queries]."""
        ...

    @property
    def whole(self) -> Sequence[bool]:
        """Of each block whether every row of its weights sums to 1: nothing is left out of it."""
        ...

    def placed(self, keys: Array) -> Array:
        """[N, keys] at the places [N, *S]."""
        ...

    def shown(self, values: Array) -> Array:
        """One value a place, in their order, [N, places] as [N, *S]."""
        ...

    def chained(self) -> None:
        """Refuses a model whose blocks cannot be multiplied: all tokens must attend to all."""
        ...

    def last(self, *, one_head: bool = False) -> tuple[Array, Array, Array, Array]:
        """(dY/do [N, heads, queries, D], V [N, heads, places, D], queries [N, C, queries] and keys
        [N, C, places] after the output projection) of the last block, o = P V.

        Of the queries that the score reads (others, whose dY/do is 0, may be among them) and of
        the keys at the places, in their order.

        `one_head`: the gradient where the block attends with one head as wide as all of them.
        """
        ...


class Asked(Protocol):
    """A question, or what stands for one in a file."""

    @property
    def attention(self) -> Attention: ...


def rollout(question: Asked, *, heads: str = "mean", discard: float = 0.0) -> Array:
    """The rows that the score reads of A_L ... A_1, A = (P + I) / 2, its rows summing to 1 [N, *S].

    Abnar and Zuidema 2020, Attention rollout. It knows no class. A block of other queries than its
    keys (a pooling probe) has no residual: A = P.

    Args:
        question: with `attention`.
        heads: `mean`, `max` or `min` of the heads (Gildenblat's vit-explain).
        discard: the share of the smallest weights of each block that count as 0 (likewise).
    """
    if heads not in MIXED or not 0 <= discard < 1:
        raise InputError(f"rollout takes heads {', '.join(MIXED)} and discard from 0 to below 1")
    attention = question.attention
    attention.chained()
    rows, halves = _reading(attention.read), 0
    for P, whole in zip(reversed(attention.P), reversed(attention.whole), strict=True):
        plain = heads == "mean" and not discard
        mixed = P if plain else np.expand_dims(_without_lowest(MIXED[heads](P, axis=1), discard), 1)
        rows = _stepped(rows, mixed, whole=whole and plain)
        halves += _square(P)
    return attention.placed(np.squeeze(rows, axis=(1, 2)) * 0.5**halves)


def gradrollout(question: Asked) -> Array:
    """The rows that the score reads of R, R <- R + E R from R = I, E = mean_heads ReLU(G P).

    Chefer et al. 2021, Generic attention-model explainability, eq. 5 and 6 [N, *S].
    """
    attention = question.attention
    attention.chained()
    rows = _reading(attention.read)
    for P, G in zip(reversed(attention.P), reversed(attention.G), strict=True):
        pulled = _through(rows, np.maximum(G * P, 0.0))
        rows = rows + pulled if _square(P) else pulled
    return attention.placed(np.squeeze(rows, axis=(1, 2)))


def legrad(question: Asked, *, blocks: int | None = None) -> Array:
    """sum_l mean over heads and queries of ReLU(ds_l/dP_l) [N, *S].

    Bousselham et al. 2024, LeGrad (2404.03214), eq. 5 to 8. s_l is Y of the mean of all of block
    l's tokens, the summary tokens among them: what comes after the last block (norm, head) is run
    on tokens that all are that mean, so that it is head(norm(mean)) for a head that reads the class
    token, as in the authors' code for CLIP, and for one that takes a mean.

    Args:
        question: with `attention`.
        blocks: how many of the last blocks count; None: all of them.
    """
    attention = question.attention
    return attention.placed(_sensitivity(attention.own, blocks))


def legrad_final(question: Asked, *, blocks: int | None = None) -> Array:
    """As `legrad`, with the model's own Y for each s_l: sum_l mean ReLU(dY/dP_l) [N, *S].

    For models whose head takes no mean token. Of a class token's last block only its own row has a
    gradient.
    """
    attention = question.attention
    return attention.placed(_sensitivity(attention.G, blocks))


def gradeclip(question: Asked, *, one_head: bool = False) -> Array:
    """ReLU(sum_q sum_c dY/do_qc v_ic w_qi) at place i, of the queries q that the score reads.

    Zhao et al. 2025, Grad-ECLIP (2502.18816), eq. 6 to 9, at the last block: o = P V, heads side by
    side, and w_qi the cosine of query and key after the output projection, scaled from 0 to 1 over
    the places [N, *S].

    Args:
        question: with `attention`.
        one_head: as published, the last block attends with one head as wide as all: the gradient is
            that of another function than the model's. By default it is the model's own.
    """
    attention = question.attention
    g, v, q, k = attention.last(one_head=one_head)
    added = np.sum(np.matmul(g, np.transpose(v, (0, 1, 3, 2))), axis=1)
    cosines = np.matmul(np.transpose(_unit(q), (0, 2, 1)), _unit(k))
    low, high = (reduce(cosines, axis=-1, keepdims=True) for reduce in (np.min, np.max))
    w = (cosines - low) / np.where(high > low, high - low, 1.0)
    return np.maximum(attention.shown(np.sum(added * w, axis=1)), 0.0)


def read_by_gradient(G: Array) -> Array:
    """1 for each query whose weights move Y, 0 for the others; 1 for all if none does [N, queries].

    `G`: dY/dP of the last block [N, heads, queries, keys].
    """
    largest = np.max(np.abs(G), axis=(1, 3))
    moved = divide(largest, largest)
    return np.where(np.max(moved, axis=1, keepdims=True) > 0, moved, 1.0)


def _sensitivity(gradients: Sequence[Array], blocks: int | None) -> Array:
    """sum over the last blocks of the mean over heads and queries of ReLU(gradient) [N, keys]."""
    if blocks is not None and not 0 < blocks <= len(gradients):
        raise InputError(f"the model has {len(gradients)} blocks, not {blocks}")
    counted = list(gradients)[-blocks:] if blocks else list(gradients)
    total: Any = None
    for gradient in counted:
        queries = gradient.shape[2]
        even = np.full((1, 1, 1, queries), 1 / queries, gradient.dtype)  # a product, not a mean:
        own = _through(even, np.maximum(gradient, 0.0))  # runtimes are slow at means of columns
        total = own if total is None else total + own
    found: Array = np.squeeze(total, axis=(1, 2))
    return found


def _reading(read: Array) -> Array:
    """What picks the mean of the rows that are read [1 or N, 1, 1, queries]."""
    return np.expand_dims(read / np.sum(read, axis=-1, keepdims=True), (1, 2))


def _through(rows: Array, P: Array) -> Array:
    """rows times the mean over heads of P, [N, 1, 1, keys]."""
    found: Array = np.mean(np.matmul(rows, P), axis=1, keepdims=True)
    return found


def _stepped(rows: Array, P: Array, *, whole: bool) -> Array:
    """rows times P + I with rows that sum to 2; times P where it leads from other tokens.

    `whole`: P has rows that sum to 1 already.
    """
    square = _square(P)
    if not whole:
        sums = np.expand_dims(np.sum(np.mean(P, axis=1, keepdims=True), axis=-1), 1)
        rows = rows / (0.5 * sums + 0.5 if square else sums)
    found = _through(rows, P)
    return found + rows if square else found


def _square(P: Array) -> bool:
    return bool(P.shape[-1] == P.shape[-2])


def _without_lowest(P: Array, share: float) -> Array:
    """[N, queries, keys] with that share of each row of the batch's smallest weights at 0."""
    if not share:
        return P
    if not isinstance(P, np.ndarray):
        raise InputError("rollout with discard sorts, which no file does: use `explain`")
    flat = P.reshape(len(P), -1)
    lowest = np.argsort(flat, axis=1, kind="stable")[:, : int(flat.shape[1] * share)]
    found = flat.copy()
    np.put_along_axis(found, lowest, 0.0, axis=1)
    return found.reshape(P.shape)


def _unit(x: Array) -> Array:
    """Of length 1 along the channels [N, C, ...]; 0 stays 0."""
    length = np.sqrt(np.sum(x * x, axis=1, keepdims=True))
    found: Array = x / np.where(length > 0, length, 1.0)
    return found
