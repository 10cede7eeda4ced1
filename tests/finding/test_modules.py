"""Layers by the path of a module, as either exporter of torch names its nodes."""

from __future__ import annotations

import onnx
import pytest

from backends.onnx import OnnxBackend
from cam_core.errors import LayerError
from tests.finding.nets import found

pytest.importorskip("onnxruntime")


MODULES = {  # a call of `stage.0` and one of `stage.1`, and the same ReLU after each and the stem
    "c1": "conv1", "r1": "relu", "c2": "stage.0.conv", "sum": "stage.0", "r2": "relu_1",
    "c3": "stage.1.conv", "b3": "stage.1.bn", "sum2": "stage.1", "last": "relu_2",
}  # fmt: skip


def traced(model: onnx.ModelProto, exporter: str) -> onnx.ModelProto:
    """The model with the module paths that an exporter leaves behind."""
    for node in model.graph.node:
        path = MODULES.get(node.output[0])
        if path is None:
            continue
        parts = path.split(".")
        scopes = ["", *(".".join(parts[: i + 1]) for i in range(len(parts))), "node"]
        if exporter == "dynamo":
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(scopes))
        else:
            node.name = "/".join([*scopes[:-1], node.op_type])
    return model


PATHS = [  # what is asked for, what is found
    ("stage", "sum2"),
    ("stage.0", "sum"),
    ("stage.0.conv", "c2"),
    ("stage.1.bn", "b3"),
    ("relu", "last"),
    ("relu#1", "r1"),
    ("relu#2", "r2"),
    ("relu#3", "last"),
    ("conv1", "c1"),
]


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
@pytest.mark.parametrize(("path", "expected"), PATHS, ids=[p for p, _ in PATHS])
def test_by_module_path(residual: onnx.ModelProto, exporter: str, path: str, expected: str) -> None:
    assert found(traced(residual, exporter), path) == expected


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
def test_modules_that_cannot_be_found(residual: onnx.ModelProto, exporter: str) -> None:
    model = traced(residual, exporter)
    with pytest.raises(LayerError, match=r"called 3 times: there is no .*#1' is the first"):
        found(model, "relu#4")
    with pytest.raises(LayerError, match=r"'stage.0.bn'.*folded.*'stage.0.conv'"):
        found(model, "stage.0.bn")
    with pytest.raises(LayerError, match=r"did you mean .*stage"):
        found(model, "stages.0.conv")


def test_layers_say_their_modules(residual: onnx.ModelProto) -> None:
    for exporter in ("dynamo", "torchscript"):
        listed = OnnxBackend(traced(residual, exporter)).layers()
        assert {layer.name: layer.module for layer in listed} == MODULES
