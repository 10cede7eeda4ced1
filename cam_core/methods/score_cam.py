"""Score-CAM and what was made of it: channels weighted by how well they mask the picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from ..backend import Array
from ..errors import InputError
from .answered import Each
from .masks import alpha_of, by_row, enlarge, laid, size_of, stretched
from .question import Question

Draw = Callable[[int, int], Array]
"""(place in a row's list of channels, sample) -> the masks of all rows [N, *size]."""


def scorecam(
    question: Question,
    *,
    channels: int | None = None,
    align_corners: bool = False,
    eps: float = 0.0,
) -> Array:
    """alpha_k = softmax_k(Y(x * H^k)) [N, K, 1..], H^k = (up(A^k) - min) / (max - min).

    Wang et al. 2020, eq. 3 to 6. The paper's increase Y(x * H^k) - Y(baseline) differs from Y by a
    number that all channels share, which the softmax takes away: no baseline is run. Channels that
    are constant mask everything, and are one pass together. What differs in pytorch-grad-cam are
    masks by `align_corners=True` and `eps=1e-8`.

    Args:
        question: one target at one layer.
        channels: only so many of each row, those of largest standard deviation; all if None.
        align_corners: the first and last places of map and picture coincide, not their edges.
        eps: added to max - min.
    """
    chosen = strongest(question, channels)
    A = maps_of(question, chosen)
    spread = np.ptp(A, axis=tuple(range(2, A.ndim))) if A.ndim > 2 else np.zeros_like(A)

    def mask(i: int, _: int) -> Array:
        return _mask(question, A[:, i], align_corners=align_corners, eps=eps)

    key = ("scorecam", question.layer, channels, align_corners, eps)
    return _weighted(question, chosen, mask, key, dead=np.all(spread == 0, axis=0))


def fast_scorecam(
    question: Question, *, channels: int = 10, align_corners: bool = False, eps: float = 0.0
) -> Array:
    """`scorecam` of the channels of largest standard deviation alone, alpha 0 of all others.

    tf-keras-vis, Faster-ScoreCAM (`max_N=10`): so many passes instead of one a channel.
    """
    return scorecam(question, channels=channels, align_corners=align_corners, eps=eps)


def sscam(
    question: Question,
    *,
    samples: int = 35,
    std: float = 2.0,
    seed: int = 0,
    channels: int | None = None,
) -> Array:
    """alpha_k = softmax_k(mean_i Y(x * H_i^k)), H_i^k from up(A^k) + N(0, std^2) [N, K, 1..].

    Naidu and Michael 2020, SS-CAM, smoothed over the feature maps: `samples` times the passes of
    Score-CAM. The noise is drawn at the size of the picture; what it makes is stretched to 0..1.
    """
    chosen = strongest(question, channels)
    A = maps_of(question, chosen)

    def mask(i: int, sample: int) -> Array:
        rng = np.random.default_rng([seed, i, sample])
        maps = _up(question, A[:, i])
        return stretched(maps + std * rng.standard_normal(maps.shape, np.float32))

    key = ("sscam", question.layer, samples, std, seed, channels)
    return _weighted(question, chosen, mask, key, samples)


def iscam(
    question: Question, *, samples: int = 10, cumulative: bool = False, channels: int | None = None
) -> Array:
    """alpha_k = softmax_k(mean_i Y(i / n x * H^k)), i = 1 .. n [N, K, 1..].

    Naidu et al. 2020, IS-CAM: the masked picture comes up from black in n = `samples` steps, as in
    integrated gradients. `cumulative` is torch-cam's factor i (i + 1) / 2n, brighter than the
    picture from the fifth of ten steps on.
    """
    chosen = strongest(question, channels)
    A = maps_of(question, chosen)

    def mask(i: int, sample: int) -> Array:
        step = sample + 1
        return _mask(question, A[:, i]) * np.float32(
            step * (step + 1) / 2 / samples if cumulative else step / samples
        )

    key = ("iscam", question.layer, samples, cumulative, channels)
    return _weighted(question, chosen, mask, key, samples)


def strongest(question: Question, count: int | None) -> Array:
    """The channels [N, M] of largest standard deviation over space, or all in their order.

    Raises:
        InputError: fewer than one.
    """
    maps = by_channel(question)
    N, K = maps.shape[:2]
    if count is None:
        return np.tile(np.arange(K), (N, 1))
    if count < 1:
        raise InputError(f"channels={count}: Score-CAM needs at least one")
    spread = np.std(maps.reshape(N, K, -1), axis=2)
    return np.argsort(-spread, axis=1, kind="stable")[:, :count]


def by_channel(question: Question) -> Array:
    """A as [N, K, *S], and [N, K, T, *S] where a row has several maps."""
    return np.moveaxis(by_row(question, question.A), 1 - question.A.ndim, 1)


def maps_of(question: Question, chosen: Array) -> Array:
    """Those of the chosen channels of each row [N, M, ...]."""
    return by_channel(question)[np.arange(question.rows)[:, None], chosen]


def _up(question: Question, maps: Array) -> Array:
    return enlarge(maps, size_of(question), question.look.regions.get(question.layer))


def _mask(
    question: Question, maps: Array, *, align_corners: bool = False, eps: float = 0.0
) -> Array:
    """H of one map a row [N, *size]."""
    region = question.look.regions.get(question.layer)
    size = size_of(question)
    large = enlarge(maps, size, region, align_corners=align_corners)
    if region is None or region.whole or align_corners:
        return stretched(large, eps=eps)
    inside = enlarge(np.ones_like(maps[:1]), size, region) > 0
    return stretched(large, inside, eps=eps)


def _weighted(
    question: Question,
    chosen: Array,
    mask: Draw,
    key: Hashable,
    samples: int = 1,
    dead: Array | None = None,
) -> Array:
    """alpha: the softmax over the chosen channels [N, M] of the mean score of their masks.

    Raises:
        InputError: a mean of no samples.
    """
    if samples < 1:
        raise InputError(f"samples={samples}: Score-CAM needs at least one of each mask")
    M = chosen.shape[1]
    live = np.arange(M) if dead is None else np.flatnonzero(~dead)
    black = len(live) < M

    def picture(i: int) -> Array:
        place, sample = divmod(i, samples)
        if place == len(live):
            return np.zeros_like(question.picture)
        return question.picture * laid(question, mask(int(live[place]), sample))

    found = question.passes(Each(len(live) * samples + black, picture), key=key)  # [k, N]
    Y = np.repeat(found[-1:], M, axis=0)  # of those that are dead: the black picture is the last
    Y[live] = found[: len(live) * samples].reshape(len(live), samples, question.rows).mean(axis=1)
    weights = np.zeros((question.rows, question.A.shape[1]))
    np.put_along_axis(weights, chosen, softmax(Y.T), axis=1)
    return alpha_of(question, weights)


def softmax(values: Array) -> Array:
    """Along the last axis."""
    powers = np.exp(values - np.max(values, axis=-1, keepdims=True))
    found: Array = powers / np.sum(powers, axis=-1, keepdims=True)
    return found
