"""The QOperator form as pairs: the same numbers, and what is kept in float is the float model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import helper, numpy_helper

from backends.onnx.blaming.net import Net
from backends.onnx.blaming.pairs import find_pairs
from backends.onnx.blaming.qoperator import QUANTISED, as_pairs
from backends.onnx.blaming.rewrite import kept_in_float
from backends.onnx.reading.load import Source
from tests.blaming.test_onnxruntime import SHAPES, TEXT, Photos
from tests.commands.calls import call
from tests.sessions import run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the quantiser's imports
OFF = "ORT_DISABLE_ALL"


def written(folder: Path, rng: np.random.Generator, **options: Any) -> tuple[Any, Any, Any]:
    """(float model, its QOperator form by onnxruntime, an input beyond its ranges)."""
    name = "onnxruntime.quantization"
    quantization = pytest.importorskip(name, reason="this runtime has no quantiser")
    plain = onnx.parser.parse_model(TEXT)
    held = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    held |= {"zero": np.float32(0), "six": np.float32(6)}
    plain.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in held.items()
    )
    onnx.save(plain, folder / "float.onnx")
    x = rng.normal(size=(8, 3, 8, 8)).astype(np.float32)
    quantization.quantize_static(
        *(str(folder / "float.onnx"), str(folder / "int8.onnx"), Photos(x)),
        quant_format=quantization.QuantFormat.QOperator,
        **options,
    )
    return plain, onnx.load(folder / "int8.onnx"), 3 * x[:1]


@pytest.mark.parametrize("per_channel", [False, True])
def test_it_is_the_same_and_in_float_the_float_model(
    per_channel: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    plain, model, x = written(tmp_path, rng, per_channel=per_channel)
    assert any(node.op_type == "QLinearConv" for node in model.graph.node)
    pairs = as_pairs(Source(model)).model
    onnx.checker.check_model(pairs)
    assert not any(n.op_type.startswith(("QLinear", "QGemm")) for n in pairs.graph.node)
    every = find_pairs(Net(pairs), Net(plain))
    assert every.unrated == ()
    named = {name for s in every.found for name in s.nodes}
    assert named <= {node.name for node in plain.graph.node}
    whole = kept_in_float(pairs, every, every.found)
    was, now, back, right = (run(m, x=x, level=OFF)["y"] for m in (model, pairs, whole, plain))
    step = numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == "y_scale"))
    np.testing.assert_allclose(now, was, atol=1.01 * step)  # a tie may be rounded otherwise
    np.testing.assert_allclose(back, right, rtol=1e-3, atol=1e-3)  # what the biases lack
    assert np.abs(was - right).max() > 2 * step


UNITS = ("s", "z")
CASES: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "QLinearMul": (("x", *UNITS, "x", *UNITS, "t", "z"), {}, "com.microsoft"),
    "QLinearSigmoid": (("x", *UNITS, "t", "z"), {}, "com.microsoft"),
    "QLinearLeakyRelu": (("x", *UNITS, "t", "z"), {"alpha": 0.3}, "com.microsoft"),
    "QLinearSoftmax": (("x", *UNITS, "t", "z"), {"axis": 1, "opset": 13}, "com.microsoft"),
    "QLinearAveragePool": (("x", *UNITS, "t", "z"), {"kernel_shape": [2, 2]}, "com.microsoft"),
    "QLinearConcat": (("t", "z", "x", *UNITS, "x", "t", "z"), {"axis": 1}, "com.microsoft"),
    "QLinearWhere": (("c", "x", *UNITS, "x", "t", "z", "s", "z"), {}, "com.microsoft"),
    "QLinearMatMul": (("x", *UNITS, "x", *UNITS, "t", "z"), {}, ""),
}
"""Operators that stand in no network above: inputs, attributes, domain."""
ABOVE = {"QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "QGemm"}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_gives_the_same(name: str, rng: np.random.Generator) -> None:
    inputs, attributes, domain = CASES[name]
    node = helper.make_node(name, inputs, ["q"], name, domain=domain, **attributes)
    values = {"s": np.float32(0.04), "t": np.float32(0.07), "z": np.uint8(90)}
    values["c"] = rng.random((1, 2, 4, 4)) < 0.5
    graph = helper.make_graph(
        [node, helper.make_node("DequantizeLinear", ["q", "t", "z"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, [1, 2, 4, 4])],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in values.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    pairs = as_pairs(Source(model)).model
    assert name not in {n.op_type for n in pairs.graph.node}
    x = rng.integers(0, 256, (1, 2, 4, 4)).astype(np.uint8)
    was, now = (run(m, x=x, level=OFF)["y"] for m in (model, pairs))
    np.testing.assert_allclose(now, was, atol=0.071)  # one step: a tie may be rounded otherwise
    assert np.ptp(was) > 0.2


def test_every_operator_has_its_case() -> None:
    assert set(CASES) | ABOVE == {*QUANTISED, "QLinearConcat"}


def test_another_file_is_itself() -> None:
    source = Source(onnx.parser.parse_model(TEXT))
    assert as_pairs(source) is source


def test_the_command_says_so_and_repairs(tmp_path: Path, rng: np.random.Generator) -> None:
    written(tmp_path, rng)
    np.save(tmp_path / "x.npy", rng.normal(size=(6, 1, 3, 8, 8)).astype(np.float32)[:, 0])
    files = [tmp_path / name for name in ("float.onnx", "int8.onnx", "x.npy")]
    done = call("blame", *files, "--keep", 6, "--repair", tmp_path / "out.onnx", "--json")
    assert done.exit_code == 0, done.output
    assert "int8.onnx is blamed, and written, with pairs for its QLinear operators" in done.stderr
    found = json.loads(done.stdout)
    assert "w" in [tensor["name"] for tensor in found["tensors"]]
    assert found["verified"]["rms"] < found["before"]["rms"]
    nodes = onnx.load(tmp_path / "out.onnx").graph.node
    assert not any(node.op_type == "QLinearConv" for node in nodes)


def test_dynamic_scales_are_refused_in_a_line(tmp_path: Path, rng: np.random.Generator) -> None:
    written(tmp_path, rng)
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(str(tmp_path / "float.onnx"), str(tmp_path / "dynamic.onnx"))
    np.save(tmp_path / "x.npy", rng.normal(size=(2, 3, 8, 8)).astype(np.float32))
    files = [tmp_path / name for name in ("float.onnx", "dynamic.onnx", "x.npy")]
    done = call("blame", *files)
    assert done.exit_code == 2, done.output
    assert "'dynamic.onnx' has DynamicQuantizeLinear" in done.stderr
    assert "quant_format=QuantFormat.QDQ" in done.stderr
    assert len(done.stderr.splitlines()) == 1
