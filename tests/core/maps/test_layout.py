"""A layer's tensor -> [N, K, *S] and back."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import CamError, InputError, LayerError
from cam_core.maps.layout import Layout

# text, layout, shape of the tensor, where element (n, k, *s) of [N, K, *S] is found in it
CASES = [
    ("NCHW", Layout("NCHW"), (2, 5, 3, 4), lambda n, k, y, x: (n, k, y, x)),
    ("NHWC", Layout("NHWC"), (2, 3, 4, 5), lambda n, k, y, x: (n, y, x, k)),
    ("NLC", Layout("NLC"), (2, 6, 5), lambda n, k, i: (n, i, k)),
    ("NDHWC", Layout("NDHWC"), (2, 2, 3, 4, 5), lambda n, k, z, y, x: (n, z, y, x, k)),
    ("HWNC", Layout("HWNC"), (3, 4, 2, 5), lambda n, k, y, x: (y, x, n, k)),
    ("NC", Layout("NC"), (2, 5), lambda n, k: (n, k)),
    (
        "N(1+3*4)C",
        Layout("NTC", grid=(3, 4), skip=1),
        (2, 13, 5),
        lambda n, k, y, x: (n, 1 + 4 * y + x, k),
    ),
    (
        "NC(0+3*4+2)",
        Layout("NCT", grid=(3, 4), drop=2),
        (2, 5, 14),
        lambda n, k, y, x: (n, k, 4 * y + x),
    ),
    (
        "(5+2*3*2+1)NC",
        Layout("TNC", grid=(2, 3, 2), skip=5, drop=1),
        (18, 2, 5),
        lambda n, k, z, y, x: (5 + 6 * z + 2 * y + x, n, k),
    ),
    ("N(1+L)C", Layout("NTC", skip=1), (2, 7, 5), lambda n, k, i: (n, 1 + i, k)),
    ("N(6)C", Layout("NTC", grid=(6,)), (2, 6, 5), lambda n, k, i: (n, i, k)),
    (
        "(N*2*3)(4*2)C",
        Layout("NTC", grid=(4, 2), windows=(2, 3)),
        (12, 8, 5),
        lambda n, k, y, x: (6 * n + 3 * (y // 4) + x // 2, 2 * (y % 4) + x % 2, k),
    ),
    (
        "(N*2*3)C(4*2)",
        Layout("NCT", grid=(4, 2), windows=(2, 3)),
        (12, 5, 8),
        lambda n, k, y, x: (6 * n + 3 * (y // 4) + x // 2, k, 2 * (y % 4) + x % 2),
    ),
]
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("text", "layout", "shape", "where"), CASES, ids=IDS)
def test_apply_puts_each_element_in_place(text, layout, shape, where, rng) -> None:
    t = rng.normal(size=shape)
    A = layout.apply(t)
    assert A.shape[:2] == (2, 5)
    for index in np.ndindex(A.shape):
        assert A[index] == t[where(*index)]


@pytest.mark.parametrize(("text", "layout", "shape", "where"), CASES, ids=IDS)
def test_invert_undoes_apply(text, layout, shape, where, rng) -> None:
    t, other = rng.normal(size=(2, *shape))
    back = layout.invert(layout.apply(t), other)
    expected = other.copy()
    for index in np.ndindex(layout.apply(t).shape):
        expected[where(*index)] = t[where(*index)]
    np.testing.assert_array_equal(back, expected)


@pytest.mark.parametrize(("text", "layout", "shape", "where"), CASES, ids=IDS)
def test_text_round_trip(text, layout, shape, where) -> None:
    assert layout.text() == text
    assert Layout.parse(text) == layout


def test_identity_returns_the_tensor_itself(rng: np.random.Generator) -> None:
    t = rng.normal(size=(2, 3, 4, 4))
    assert Layout("NCHW").identity
    assert Layout("NCHW").apply(t) is t
    assert not Layout("NHWC").identity


@pytest.mark.parametrize(
    "text", ["", "HWC", "NHW", "NCHH", "nchw", "N(1+7*7)HC", "N(1+)C", "(N*2)(3*3)C", "N C;"]
)
def test_bad_layout_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="layout"):
        Layout.parse(text)


def test_tokens_must_fit_the_grid() -> None:
    with pytest.raises(LayerError, match="needs 50 tokens, the layer has 49"):
        Layout.parse("N(1+7*7)C").apply(np.zeros((1, 49, 8)))
    with pytest.raises(LayerError, match="needs rank 4, not 3"):
        Layout("NCHW").apply(np.zeros((1, 49, 8)))


def test_summary_tokens_are_needed_to_invert() -> None:
    with pytest.raises(CamError, match="summary tokens"):
        Layout.parse("N(1+2*2)C").invert(np.zeros((1, 8, 2, 2)))
