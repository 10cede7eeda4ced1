"""The NumPy core runs on symbolic tensors too: only functions that a graph can hold are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.maps.combine import combine, fuse, heatmap, positive
from cam_core.maps.layout import Layout
from cam_core.methods import METHODS

UFUNCS = {
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.matmul),
    *(np.maximum, np.minimum, np.absolute, np.sqrt, np.exp, np.equal, np.greater, np.less),
}
REDUCTIONS = {np.sum, np.mean, np.max, np.min}
FUNCTIONS = {np.where, np.transpose, np.reshape, np.concatenate, np.expand_dims, np.squeeze}


class Symbol(np.lib.mixins.NDArrayOperatorsMixin):
    """A tensor of unknown batch that never becomes an array, and allows what a graph allows."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value
        self.ndim = value.ndim
        self.dtype = value.dtype
        self.shape = ("N", *value.shape[1:])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Symbol:
        assert ufunc in UFUNCS, f"{ufunc} cannot be traced"
        assert method == "__call__"
        assert not options
        return Symbol(ufunc(*(x.value if isinstance(x, Symbol) else x for x in inputs)))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Symbol:
        assert function in FUNCTIONS | REDUCTIONS, f"{function} cannot be traced"
        if function in REDUCTIONS:
            assert set(options) <= {"axis", "keepdims"}
            assert isinstance(options["axis"], tuple)
            assert options["axis"], "ONNX reads an empty tuple of axes as all of them"
        if function is np.reshape:
            assert args[1][0] == -1, "the batch is not a number"
        plain = [_plain(a) for a in args]
        return Symbol(function(*plain, **options))

    def __getitem__(self, index: Any) -> Symbol:
        assert all(isinstance(i, slice) for i in index)
        return Symbol(self.value[index])

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise AssertionError("a symbolic tensor was turned into an array")

    def __bool__(self) -> bool:
        raise AssertionError("a symbolic tensor was asked for its truth")


def _plain(value: Any) -> Any:
    if isinstance(value, Symbol):
        return value.value
    return [_plain(v) for v in value] if isinstance(value, list) else value


SPACES = [(4,), (3, 4), (2, 3, 4), ()]


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if m.traceable and m.captured])
def test_method_is_traceable(name: str, space: tuple[int, ...], rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 3, *space)).astype(np.float32)
    traced = combine(Symbol(A), METHODS[name](Symbol(A), Symbol(G)))
    expected = combine(A, METHODS[name](A, G))
    assert traced.value.dtype == np.float32
    np.testing.assert_array_equal(traced.value, expected)


def test_plus_plus_with_eps_is_traceable(rng: np.random.Generator) -> None:
    A, G = rng.normal(size=(2, 2, 3, 4)).astype(np.float32)
    traced = METHODS["gradcam++"](Symbol(A), Symbol(G), eps=1e-6)
    np.testing.assert_array_equal(traced.value, METHODS["gradcam++"](A, G, eps=1e-6))


@pytest.mark.parametrize("space", SPACES[:3], ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_heatmap_is_traceable(
    dtype: type, space: tuple[int, ...], rng: np.random.Generator
) -> None:
    maps, size = rng.normal(size=(2, *space)).astype(dtype), [2 * n for n in space]
    traced = heatmap(positive(Symbol(maps)), size)
    assert traced.value.dtype == dtype
    np.testing.assert_array_equal(traced.value, heatmap(positive(maps), size))


def test_fuse_is_traceable(rng: np.random.Generator) -> None:
    one, two = rng.random((2, 2, 3, 3)).astype(np.float32)
    traced = fuse([Symbol(one), Symbol(two)], (6, 6))
    np.testing.assert_array_equal(traced.value, fuse([one, two], (6, 6)))


LAYOUTS = [
    ("NCHW", (2, 5, 3, 4)),
    ("NDHWC", (2, 2, 3, 4, 5)),
    ("N(1+3*4)C", (2, 13, 5)),
    ("NC(2+3*4+1)", (2, 5, 15)),
    ("(N*2*3)(2*2)C", (12, 4, 5)),
    ("NC", (2, 5)),
]


@pytest.mark.parametrize(("text", "shape"), LAYOUTS, ids=[t for t, _ in LAYOUTS])
def test_layout_is_traceable(text: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    layout, t = Layout.parse(text), rng.normal(size=shape)
    A = layout.apply(Symbol(t))
    np.testing.assert_array_equal(A.value, layout.apply(t))
    np.testing.assert_array_equal(layout.invert(A, Symbol(t)).value, t)
