"""Rarer operators against torch.autograd in float64: what onnxruntime computes forward, and what
our gradient is. Every float input of a row is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.append import append
from backends.onnx.emit import Emitter
from backends.onnx.prepare import prepare
from backends.onnx.reverse import reverse

torch = pytest.importorskip("torch")
F = torch.nn.functional

Row = tuple[str, int, str, dict[str, Any], dict[str, Any], Callable[..., Any]]
"""(note, opset, body, float inputs by name, constants by name, the same in torch)."""


def draw(*shape: int, seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape)


def _norm_pool(
    kernel: tuple[int, int],
    p: int,
    pads: tuple[int, ...] = (0, 0, 0, 0),
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
) -> Callable[[Any], Any]:
    """(sum |x|^p)^(1/p) over every window; torch's own takes odd powers of negative numbers."""

    def pooled(x: Any) -> Any:
        x = F.pad(x, pads).abs() ** p
        space = zip(x.shape[2:], kernel, dilations, strict=True)
        high, wide = (n - d * (k - 1) for n, k, d in space)
        total = 0
        for i in range(0, kernel[0] * dilations[0], dilations[0]):
            for j in range(0, kernel[1] * dilations[1], dilations[1]):
                total = total + x[:, :, i : i + high : strides[0], j : j + wide : strides[1]]
        return total ** (1 / p)

    return pooled


def _lp(note: str, opset: int, attributes: str, shape: tuple[int, ...], *pool: Any) -> Row:
    function = _norm_pool(*pool)
    return f"Lp, {note}", opset, f"y = LpPool<{attributes}>(x)", {"x": draw(*shape)}, {}, function


IMAGE = (2, 2, 6, 5)
LP_POOLS: list[Row] = [
    _lp(
        "padded",
        11,
        "kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1], p=3",
        IMAGE,
        *((3, 2), 3, (0, 1, 1, 1), (2, 1)),
    ),
    _lp(
        "same",
        11,
        'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER"',
        IMAGE,
        *((3, 3), 2, (1, 1, 0, 1), (2, 2)),
    ),
    _lp(
        "ceil",
        18,
        "kernel_shape=[3,3], strides=[2,2], ceil_mode=1, p=1",
        (2, 2, 6, 6),
        *((3, 3), 1, (0, 1, 0, 1), (2, 2)),
    ),
    _lp(
        "dilated",
        18,
        "kernel_shape=[2,3], dilations=[3,2], p=4",
        (2, 2, 6, 7),
        *((2, 3), 4, (0, 0, 0, 0), (1, 1), (3, 2)),
    ),
    *(
        (
            f"global Lp, {p}",
            17,
            f"y = GlobalLpPool<p={p}>(x)",
            {"x": draw(2, 3, 4, 5)},
            {},
            lambda x, p=p: x.abs().pow(p).sum((2, 3), keepdim=True).pow(1 / p),
        )
        for p in (1, 2, 3, 5)
    ),
]

ROWS = [*LP_POOLS]


def _gradient(row: Row, dynamic: bool) -> tuple[onnx.ModelProto, list[str]]:
    """The one-operator model with the input `cot`, and its inputs' cotangents' names."""
    _, opset, body, inputs, constants, _ = row
    declared = ", ".join(
        f"float[{','.join(f'{name}{i}' if dynamic else str(n) for i, n in enumerate(x.shape))}] "
        f"{name}"
        for name, x in inputs.items()
    )
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {opset}]> g ({declared}) => (float y) {{ {body} }}'
    )
    for name, value in constants.items():
        kept = value.astype(np.float32) if value.dtype == np.float64 else value
        model.graph.initializer.append(onnx.numpy_helper.from_array(kept, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    graph = prepare(model)
    op = Emitter(graph)
    y = graph.tensors["y"]
    shape = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, y.shape)
    model.graph.output[0].CopyFrom(shape)
    cot = gs.Variable("cot", y.dtype, y.shape)
    outputs = [op.Identity(g) for g in reverse(op, y, cot, list(inputs)).values()]
    return append(op, inputs=[cot], outputs=outputs), [t.name for t in outputs]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_equals_torch(row: Row, dynamic: bool, rng: np.random.Generator) -> None:
    import onnxruntime as ort

    inputs, function = row[3], row[5]
    single = {name: x.astype(np.float32) for name, x in inputs.items()}
    leaves = {n: torch.tensor(x.astype(float), requires_grad=True) for n, x in single.items()}
    y = function(**leaves)
    cot = rng.normal(size=tuple(y.shape)).astype(np.float32)
    expected = torch.autograd.grad(y, list(leaves.values()), torch.tensor(cot.astype(float)))
    model, names = _gradient(row, dynamic)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    forward, *found = session.run(["y", *names], single | {"cot": cot})
    _close(forward, y.detach().numpy(), "y")
    for name, g, wanted in zip(inputs, found, expected, strict=True):
        _close(g, wanted.numpy(), name)


def _close(found: Any, expected: Any, name: str) -> None:
    """Equal to within float32's rounding of the largest."""
    assert found.shape == expected.shape, name
    largest = float(np.abs(expected).max())
    assert largest > 0, f"{name}: nothing is compared"
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * largest, err_msg=name)
