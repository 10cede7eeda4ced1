"""The length of a vector."""

from __future__ import annotations

import numpy as np

from cam_core.head import Head
from cam_core.targets import NormTarget, as_target, parse_target


def test_of_three_and_four() -> None:
    y = np.array([[3.0, 4], [0, 0]])
    np.testing.assert_allclose(NormTarget().score(y), [5, 0])
    np.testing.assert_allclose(NormTarget()(y), [[0.6, 0.8], [0, 0]])


def test_many_float16_numbers_do_not_overflow() -> None:
    np.testing.assert_allclose(NormTarget().score(np.full((1, 400), 300, np.float16)), [6000])


def test_it_is_what_an_embedding_is_asked() -> None:
    assert as_target(None, head=Head("y", "embedding", "", "y", 1)) == NormTarget()
    assert parse_target("norm", ["norm"])[0].label == "0"
