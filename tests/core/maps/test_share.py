"""The rows of one input in a batch that several share, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError, LayerError
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout
from cam_core.maps.share import Share

TURNED = "N C3 c6 d8 -> N C d c"
# text, share, shape of the tensor, where element (n, k, *s) of [N, K, *S] is found in it
CASES = [
    (
        "NCHW of rows 1/2",
        Share(Layout("NCHW"), 0, 2),
        (4, 5, 3, 2),
        lambda n, k, y, x: (n, k, y, x),
    ),
    (
        "NHWC of rows 3/3",
        Share(Layout("NHWC"), 2, 3),
        (6, 3, 2, 5),
        lambda n, k, y, x: (4 + n, y, x, k),
    ),
    (
        "NCHW of rows 1::2",
        Share(Layout("NCHW"), 1, 2, turns=True),
        (4, 5, 3, 2),
        lambda n, k, y, x: (2 * n + 1, k, y, x),
    ),
    (
        "(1+2*3)NC of rows 2/2",
        Share(Layout.parse("(1+2*3)NC"), 1, 2),
        (7, 4, 5),
        lambda n, k, y, x: (1 + 3 * y + x, 2 + n, k),
    ),
    (
        "(1+2*3)NC of rows 0::2",
        Share(Layout.parse("(1+2*3)NC"), 0, 2, turns=True),
        (7, 4, 5),
        lambda n, k, y, x: (1 + 3 * y + x, 2 * n, k),
    ),
    (
        f"{TURNED} of rows 2/2",
        Share(Arrangement.parse(TURNED), 1, 2),
        (4, 3, 6, 8),
        lambda n, k, y, x: (2 + n, k, x, y),
    ),
]
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("text", "share", "shape", "where"), CASES, ids=IDS)
def test_each_element_is_taken_from_its_place(
    text: str, share: Share, shape: tuple[int, ...], where: Any, rng: np.random.Generator
) -> None:
    t = rng.normal(size=shape)
    A = share.apply(t)
    assert len(A) == 2
    for place in np.ndindex(A.shape):
        assert A[place] == t[where(*place)]
    assert (share.text(), Share.parse(text), share.identity) == (text, share, False)


@pytest.mark.parametrize(("text", "share", "shape", "where"), CASES, ids=IDS)
def test_other_rows_stay_as_they_were(
    text: str, share: Share, shape: tuple[int, ...], where: Any, rng: np.random.Generator
) -> None:
    t = rng.normal(size=shape)
    A = share.apply(t) + 1
    expected = t.copy()
    for place in np.ndindex(A.shape):
        expected[where(*place)] = A[place]
    np.testing.assert_array_equal(share.invert(A, t), expected)


def test_the_other_rows_must_be_given() -> None:
    with pytest.raises(LayerError, match="NCHW of rows 1/2: the rows beside must be given"):
        Share(Layout("NCHW"), 0, 2).invert(np.zeros((1, 1, 2, 2)))


def test_summary_tokens_and_frames_are_those_inside() -> None:
    assert Share(Layout.parse("N(1+2*3)C"), 0, 2).summary == 1
    assert Share(Layout("NCHW"), 0, 2).maps == ()
    assert Share(Arrangement.parse("(N a4) C3 c6 -> (N a) C c"), 0, 2).maps == (4,)


@pytest.mark.parametrize("text", ["NCHW", "NCHW of rows 1", "NCHW of rows a/b", "of rows"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not understood; write NCHW of rows 1/2"):
        Share.parse(text)
