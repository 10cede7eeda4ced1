"""A tail in float64: it tells steps that float32 does not, or there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from backends.onnx.capturing.wide import widened
from backends.onnx.capturing.wide_ops import LOWERINGS

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")


def net(after: str, opset: int = 17, kind: str = "float", batch: str = "N") -> onnx.ModelProto:
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : {opset}]>
    net ({kind}[{batch}, 3, 6, 6] x) => ({kind}[{batch}, 5] y) {{
        c = Conv<pads = [1, 1, 1, 1]>(x, w)
        a = Relu(c)
        d = Conv<pads = [1, 1, 1, 1]>(a, v)
        {after}
        g = GlobalAveragePool(s)
        f = Flatten(g)
        y = Gemm<transB = 1>(f, h)
    }}""")
    rng = np.random.default_rng(5)
    for name, shape in {"w": (4, 3, 3, 3), "v": (4, 4, 3, 3), "h": (5, 4)}.items():
        value = 0.5 * rng.normal(size=shape)
        if name == "h" and opset < 11:
            model.graph.initializer.append(numpy_helper.from_array(np.zeros(5, np.float32), "b"))
            model.graph.node[-1].input.append("b")
        dtype = np.float16 if kind == "float16" else np.float32
        model.graph.initializer.append(numpy_helper.from_array(value.astype(dtype), name))
    return model


LSTM = """k = Constant<value_ints = [36, -1, 4]>()
    t = Reshape(d, k)
    i = Constant<value_ints = [1, 8, 4]>()
    n0 = ConstantOfShape<value = float[1] {0.1}>(i)
    j = Constant<value_ints = [1, 8, 2]>()
    n1 = ConstantOfShape<value = float[1] {0.1}>(j)
    _, r = LSTM<hidden_size = 2>(t, n0, n1)
    m = ReduceMean(r)
    s = Mul(d, m)"""


def look(model: onnx.ModelProto, layer: str, rows: int = 2) -> Any:
    dtype = onnx.helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    x = np.random.default_rng(2).normal(size=(rows, 3, 6, 6)).astype(dtype)
    return OnnxBackend(model).look(x, layers=[layer])


def slope(model: onnx.ModelProto, A: Any, d: Any, skip: Any = None) -> Any:
    """Of the score along d, by torch in float64."""
    own = {t.name: torch.tensor(numpy_helper.to_array(t)).double() for t in model.graph.initializer}

    def tail(a: Any) -> Any:
        s = torch.tanh(a if skip is not None else torch.conv2d(a, own["v"], padding=1))
        return (s if skip is None else s + skip).mean((2, 3)) @ own["h"].T

    _, found = torch.autograd.functional.jvp(tail, torch.tensor(A).double(), torch.tensor(d))
    return found.numpy()


@pytest.mark.parametrize("opset", [9, 13, 17, 21])
@pytest.mark.parametrize("batch", ["N", "1"])
def test_steps_that_float32_cannot_tell(opset: int, batch: str) -> None:
    model = net("s = Tanh(d)", opset, batch=batch)
    seen = look(model, "a")
    A = seen.activations["a"].astype(np.float64)
    d, tail = np.random.default_rng(6).normal(size=A.shape), seen.wide_tail("a")
    found = (tail(A + 1e-9 * d) - tail(A - 1e-9 * d)) / 2e-9
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, slope(model, A, d), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(tail(A), seen.score, rtol=1e-5, atol=1e-6)


def test_what_bypasses_the_layer_is_wide_as_well() -> None:
    model = net("t = Tanh(d)  s = Add(t, a)")
    seen = look(model, "d")
    A = seen.activations["d"].astype(np.float64)
    d, tail = np.random.default_rng(6).normal(size=A.shape), seen.wide_tail("d")
    found = (tail(A + 1e-9 * d) - tail(A - 1e-9 * d)) / 2e-9
    np.testing.assert_allclose(found, slope(model, A, d, skip=0), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "after",
    [
        "e = Constant<value_floats = [0.5]>()  s = Mul(d, e)",
        "e = Constant<value = float {0.5}>()  s = Mul(d, e)",
        "k = Shape(d)  e = ConstantOfShape<value = float[1] {0.25}>(k)  s = Mul(d, e)",
        "k = Shape(d)  e = ConstantOfShape(k)  s = Sub(d, e)",
        "k = Size(d)  e = Cast<to = 1>(k)  s = Div(d, e)",
    ],
)
def test_constants_in_nodes_are_widened(after: str) -> None:
    seen = look(net(after), "a")
    np.testing.assert_allclose(
        seen.wide_tail("a")(seen.activations["a"].astype(np.float64)), seen.score, 1e-5, 1e-6
    )


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        ("s = Erf(d)", "float"),  # the runtime has it in float32 alone
        (LSTM, "float"),  # and here it says so when it runs
        ("s = Tanh(d)", "float16"),
        ("h0 = Cast<to = 10>(d)  s = Cast<to = 1>(h0)", "float"),
    ],
)
def test_what_has_no_such_form_has_no_such_tail(after: str, kind: str) -> None:
    seen = look(net(after, kind=kind), "a")
    assert seen.wide_tail("a") is None
    seen.tail("a")(seen.activations["a"])


def test_large_weights_are_cast_where_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.onnx.capturing.wide.LARGE", 1)
    model = net("s = Tanh(d)")
    seen = look(model, "a")
    A = seen.activations["a"].astype(np.float64)
    d, tail = np.random.default_rng(6).normal(size=A.shape), seen.wide_tail("a")
    found = (tail(A + 1e-9 * d) - tail(A - 1e-9 * d)) / 2e-9
    np.testing.assert_allclose(found, slope(model, A, d), rtol=1e-5, atol=1e-7)


def test_foreign_operators_are_not_asked_for() -> None:
    model = net("s = Tanh(d)")
    model.graph.node[3].domain = "some.where"
    assert widened(model, {}) is None


def test_another_function_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is the same at A and another beside it: a constant would be at a bound."""
    model = net("s = HardSwish(d)")
    assert look(model, "a").wide_tail("a") is not None

    def wrong(part: Any, node: Any) -> bool:
        gate = part.write("Clip", node.input[0], np.array(-0.01), np.array(1e9))
        part.write("Mul", gate, np.array(1.0), output=node.output[0])
        return True

    monkeypatch.setitem(LOWERINGS, "HardSwish", wrong)
    assert look(model, "a").wide_tail("a") is None
