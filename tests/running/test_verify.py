"""The outputs of a model and of its twin: what counts as the same, and what does not."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.reading.load import Source
from backends.onnx.running.runner import Runner
from backends.onnx.running.verify import require_same, signed_cure, verify
from cam_core.errors import CamError

pytest.importorskip("onnxruntime")


def model(factor: float, kind: str = "float", extra: str = "") -> onnx.ModelProto:
    """y = x times a number, and the place of its largest; `extra` is read and adds nothing."""
    inputs = f"{kind}[N, 4] x" + (f", {extra}" if extra else "")
    found = onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 17]>
    net ({inputs}) => ({kind}[N, 4] y, int64[N] best) {{
        y = Mul(x, w)
        best = ArgMax<axis = 1, keepdims = 0>(y)
    }}""")
    dtype = {"float": np.float32, "float16": np.float16}[kind]
    found.graph.initializer.append(numpy_helper.from_array(np.full(1, factor, dtype), "w"))
    return found


def test_the_same_is_identical() -> None:
    found = verify(model(3.0, extra="int64[M] cam_class"), model(3.0), Runner())
    assert (found.identical, found.largest, found.output) == (True, 0.0, "")


def test_how_far_an_output_moved() -> None:
    found = verify(model(3.3), model(3.0), Runner())
    assert not found.identical
    assert found.output == "y"
    assert found.largest == pytest.approx(0.3 / 3.0, rel=1e-4)  # of the source's largest


def test_an_integer_that_differs_is_infinitely_far() -> None:
    x = np.array([[1.0, 2.0, 3.0, 4.0]], np.float32)
    found = verify(model(-3.0), model(3.0), Runner(), given={"x": x})
    assert (found.output, found.largest) == ("best", np.inf)


@pytest.mark.parametrize(
    ("kind", "off", "fits"),
    [("float", 1e-5, False), ("float", 2e-7, True), ("float16", 1e-2, False)],
)
def test_rounding_alone_is_let_through(kind: str, off: float, fits: bool) -> None:
    made, source = model(1.0 + off, kind), Source(model(1.0, kind))
    if fits:
        require_same(made, source)
    else:
        with pytest.raises(CamError, match=r"output 'y' moved by \d.\de-0\d relative$"):
            require_same(made, source)


def test_pairs_of_int8_have_a_cure() -> None:
    pair = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    net (float[2] x) => (float[2] y) <float s = {1}, int8 z = {0}> {
        q = QuantizeLinear(x, s, z)
        y = DequantizeLinear(q, s, z)
    }""")
    assert "session.qdqisint8allowed=1" in signed_cure(pair)
    assert signed_cure(model(1.0)) == ""


def test_an_extent_that_is_known_elsewhere_is_kept_to() -> None:
    """H and W are open in the file, and the weights after Flatten fit one size only."""
    made = onnx.parser.parse_model("""<ir_version: 10, opset_import: ["" : 17]>
    net (float[N, 1, H, W] x) => (float[N, 2] y) { f = Flatten(x) y = MatMul(f, w) }""")
    made.graph.initializer.append(numpy_helper.from_array(np.ones((12, 2), np.float32), "w"))
    with pytest.raises(CamError):
        verify(made, made, Runner())
    assert verify(made, made, Runner(), shapes={"x": ("N", 1, 3, 4)}).identical
    require_same(made, Source(made), {"x": ("N", 1, 3, 4)})
