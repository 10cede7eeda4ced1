"""The float weight of a quantised one."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx.blaming.floats import float_of, require_same
from backends.onnx.blaming.net import Net
from cam_core.errors import InputError


def net(**weights: np.ndarray) -> Net:
    held = [numpy_helper.from_array(w, name) for name, w in weights.items()]
    return Net(helper.make_model(helper.make_graph([], "g", [], [], held)))


def test_by_its_name(rng: np.random.Generator) -> None:
    w = rng.normal(size=(3, 4)).astype(np.float32)
    known = net(w=w, w_dequantized=w + 1, other=w)
    for called, expected in (("w_quantized", "w"), ("w_dequantized", "w_dequantized")):
        found = float_of(known, (called,), np.rint(w))
        assert found is not None
        assert found[0] == expected


def test_by_its_numbers(rng: np.random.Generator) -> None:
    """Another name, and one of the same shape that is another weight."""
    w = rng.normal(size=(3, 4)).astype(np.float32)
    known = net(other=rng.normal(size=(3, 4)).astype(np.float32), renamed=w)
    found = float_of(known, ("c",), np.rint(w * 50) / 50)
    assert found is not None
    assert found[0] == "renamed"
    assert float_of(known, ("c",), np.rint(w * 50) / 50, taken=("renamed",)) is None


def test_another_shape_is_none(rng: np.random.Generator) -> None:
    assert float_of(net(w=np.ones((2, 2), np.float32)), ("w",), np.ones((2, 3))) is None


def test_a_doubled_scale_is_the_same_weight(rng: np.random.Generator) -> None:
    w = rng.normal(size=(3, 4))
    require_same([("w", w, 2 * w)])
    with pytest.raises(InputError, match=r"'w' correlates by -?0\.\d\d with its quantised copy"):
        require_same([("w", w, rng.normal(size=(3, 4)))])


def test_a_file_that_holds_none() -> None:
    require_same([])


def test_constants_are_weights_as_well() -> None:
    w = np.ones((2, 2), np.float32)
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(w))
    graph = helper.make_graph([node], "g", [], [onnx.ValueInfoProto(name="c")])
    found = float_of(Net(helper.make_model(graph)), ("c_quantized",), w)
    assert found is not None
    assert found[0] == "c"
