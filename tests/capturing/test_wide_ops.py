"""Operators spelled for float64, against torch in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx.capturing.wide_ops import LOWERINGS, Part

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
F = torch.nn.functional

PLANE, LINE, SOLID = (2, 4, 9, 8), (2, 4, 11), (1, 2, 5, 6, 4)


def conv(x: Any, w: Any, b: Any = None, **attrs: Any) -> Any:
    kinds = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
    pads = attrs.pop("pads", None)
    if pads is not None:
        before, after = np.split(np.array(pads), 2)
        x = F.pad(x, [int(p) for pair in zip(before[::-1], after[::-1], strict=True) for p in pair])
    named = {{"strides": "stride", "dilations": "dilation", "group": "groups"}[k]: v
             for k, v in attrs.items()}  # fmt: skip
    return kinds[x.ndim](x, w, b, **named)


def mean(x: Any, kernel_shape: Any, strides: Any, pads: Any = 0, **_: Any) -> Any:
    return F.avg_pool2d(x, kernel_shape, strides, pads[0] if pads else 0)


def grown(x: Any, *_: Any, **__: Any) -> Any:
    return F.interpolate(x, scale_factor=(2, 3), mode="nearest")


SCALES, SIZES = np.array([1, 1, 2, 3], np.float32), np.array([2, 4, 18, 24])

CASES = {  # (operator, x, weights, attributes, what it is)
    "plain": ("Conv", PLANE, [(5, 4, 3, 3)], {}, conv),
    "a bias": ("Conv", PLANE, [(5, 4, 1, 1), (5,)], {}, conv),
    "pads that differ": ("Conv", PLANE, [(5, 4, 3, 2)], {"pads": [1, 0, 2, 1]}, conv),
    "strides": ("Conv", PLANE, [(5, 4, 3, 3), (5,)], {"strides": [2, 3], "pads": [1] * 4}, conv),
    "a point in strides": ("Conv", PLANE, [(5, 4, 1, 1)], {"strides": [2, 2]}, conv),
    "dilations": ("Conv", PLANE, [(5, 4, 3, 3)], {"dilations": [2, 3], "pads": [2, 3] * 2}, conv),
    "groups": ("Conv", PLANE, [(6, 2, 3, 3), (6,)], {"group": 2, "pads": [1] * 4}, conv),
    "a channel each": ("Conv", PLANE, [(8, 1, 3, 3)], {"group": 4, "strides": [2, 2]}, conv),
    "a line": ("Conv", LINE, [(3, 4, 5), (3,)], {"strides": [2], "pads": [2, 2]}, conv),
    "a solid": ("Conv", SOLID, [(3, 2, 2, 3, 2)], {"pads": [0, 1, 0, 0, 1, 1]}, conv),
    "means": ("AveragePool", PLANE, [], {"kernel_shape": [3, 2], "strides": [2, 1]}, mean),
    "means of zeros too": (
        "AveragePool",
        PLANE,
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4, "count_include_pad": 1},
        mean,
    ),
    "all places": ("GlobalAveragePool", PLANE, [], {}, lambda x: x.mean((2, 3), keepdim=True)),
    "all places of a line": ("GlobalAveragePool", LINE, [], {}, lambda x: x.mean(2, keepdim=True)),
    "a hard gate": (
        "HardSigmoid",
        PLANE,
        [],
        {"alpha": 0.25, "beta": 0.375},
        lambda x, alpha, beta: (alpha * x + beta).clip(0, 1),
    ),
    "the usual gate": ("HardSigmoid", PLANE, [], {}, lambda x: (0.2 * x + 0.5).clip(0, 1)),
    "twice and three times": ("Resize", PLANE, [(0,), SCALES], {}, grown),
    "up to sizes": ("Resize", PLANE, [(0,), (0,), SIZES], {"mode": "nearest"}, grown),
    "hard swish": ("HardSwish", PLANE, [], {}, F.hardswish),
}


def lowered(operator: str, x: Any, weights: Any, attrs: Any) -> Part | None:
    node = onnx.helper.make_node(operator, ["x", *(f"w{i}" for i in range(len(weights)))], ["y"])
    node.attribute.extend(onnx.helper.make_attribute(k, v) for k, v in attrs.items())
    part = Part({f"w{i}": w for i, w in enumerate(weights)}, {"x": np.shape(x)})
    return part if LOWERINGS[operator](part, node) else None


def run(part: Part, x: Any) -> Any:
    kind = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        part.nodes,
        "part",
        [onnx.helper.make_tensor_value_info("x", kind, [None] * x.ndim)],
        [onnx.helper.make_tensor_value_info("y", kind, [None] * x.ndim)],
        [onnx.numpy_helper.from_array(a, n) for n, a in (part.values | part.made).items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("name", CASES)
def test_what_it_computes(name: str, rng: np.random.Generator) -> None:
    operator, shape, weights, attrs, formula = CASES[name]
    x = 3 * rng.normal(size=shape)
    given = [w if isinstance(w, np.ndarray) else rng.normal(size=w) for w in weights]
    part = lowered(operator, x, given, attrs)
    assert part is not None
    expected = formula(torch.tensor(x), *map(torch.tensor, given), **attrs)
    found = run(part, x)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-12)


def test_every_row_has_a_case() -> None:
    assert {case[0] for case in CASES.values()} == set(LOWERINGS)


@pytest.mark.parametrize(
    ("operator", "attrs"),
    [
        ("Conv", {"auto_pad": "SAME_UPPER"}),
        ("Conv", {"pads": [-1, 0, 0, 0]}),
        ("AveragePool", {"kernel_shape": [2, 2], "ceil_mode": 1}),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [1] * 4}),
        ("Resize", {}),
        ("Resize", {"mode": "linear"}),
    ],
)
def test_other_forms_are_left(operator: str, attrs: Any, rng: np.random.Generator) -> None:
    half = np.array([1, 1, 2, 1.5 if "mode" not in attrs else 2], np.float32)
    weights = {"Conv": [rng.normal(size=(3, 4, 2, 2))], "Resize": [np.zeros(0), half]}.get(
        operator, []
    )
    assert lowered(operator, np.zeros(PLANE), weights, attrs) is None


def test_weights_that_are_computed_are_left() -> None:
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    assert not LOWERINGS["Conv"](Part({}, {}), node)
    pool = onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])
    assert not LOWERINGS["GlobalAveragePool"](Part({}, {}), pool)
