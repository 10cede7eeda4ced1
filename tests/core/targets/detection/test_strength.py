"""How strong scores are: few of them as all of them, against formulas of the standard library."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.targets.detection.strength import Strengths

Y = np.random.default_rng(3).normal(-3, 2, size=(3, 40)).astype(np.float32)


def probability(how: str, scores: list[float], channel: int) -> float:
    if how == "softmax":
        return math.exp(scores[channel]) / sum(map(math.exp, scores))
    y = scores[channel]
    return {"sigmoid": 1 / (1 + math.exp(-y)), "exp": math.exp(y), "": y}[how]


@pytest.mark.parametrize("how", ["sigmoid", "exp", "softmax", ""])
def test_one_is_as_among_all_and_as_the_formula(how: str) -> None:
    none = np.zeros(Y.shape, bool)
    none[1, 7] = True
    made = Strengths(Y, how, none)
    for channel, anchor in np.ndindex(Y.shape):
        expected = probability(how, Y[:, anchor].astype(float).tolist(), channel)
        assert made.value(channel, anchor) == pytest.approx(expected, rel=1e-5)
        at = -np.inf if none[channel, anchor] else expected
        assert made.of(channel, anchor) == pytest.approx(at, rel=1e-5)
        assert made.every[channel, anchor] == pytest.approx(at, rel=1e-5)


@pytest.mark.parametrize("how", ["sigmoid", "exp", "softmax", ""])
@pytest.mark.parametrize("least", [0.0, 0.02, 0.25, 1.0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_those_above(how: str, least: float, dtype: type) -> None:
    """The threshold itself is enough, and what was not asked about or is no box is left out."""
    scores = np.concatenate([Y, np.full((3, 1), 50)], axis=1).astype(dtype)
    scores = np.minimum(scores, 0) if how == "exp" else scores
    rng = np.random.default_rng(0)
    about, none = rng.random(scores.shape) < 0.7, rng.random(scores.shape) < 0.1
    made = Strengths(scores, how, none)
    for limit in (least, *made.every[np.isfinite(made.every) & about][:5].tolist()):
        channels, anchors, strengths = made.above(limit, about)
        found = dict(
            zip(zip(channels.tolist(), anchors.tolist(), strict=True), strengths, strict=True)
        )
        expected = [
            (c, a) for c, a in np.ndindex(scores.shape)
            if about[c, a] and made.every[c, a] >= limit
        ]  # fmt: skip
        assert sorted(found) == expected
        assert all(found[at] == made.every[at] for at in expected)
