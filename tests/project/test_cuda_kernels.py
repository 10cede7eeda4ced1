"""What a fixed file adds runs on a GPU from end to end: each node has a CUDA kernel for its types.

A node without one goes to the CPU, with a copy either way, and no CUDA graph can hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from backends.onnx import instrument
from backends.onnx.reading.static import DATA_DEPENDENT
from backends.onnx.writing.portable import PORTABLE
from converters.torch import to_onnx

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.models import networks_cnn as cnn  # noqa: E402
from tests.models import networks_transformer as attention  # noqa: E402
from tests.project import cuda_kernels as cuda  # noqa: E402

NETS: dict[str, Callable[[], nn.Module]] = {
    "resnet": lambda: cnn.ResNet(bottleneck=True),
    "mobilenet": lambda: cnn.MobileNet(nn.Hardswish, (nn.ReLU, nn.Hardsigmoid), nn.Hardswish),
    "convnext": attention.ConvNeXt,
    "vit": lambda: attention.ViT(lambda c: attention.Attention(c, 2, fused=False)),
    "swin": attention.Swin,
}
CONTROL = {"If", "Loop", "Scan", "SequenceMap"}
SHAPE = (2, 3, 32, 32)


@pytest.fixture(scope="module", params=[(n, k) for n in NETS for k in ("float32", "float16")])
def source(request: Any, tmp_path_factory: Any) -> onnx.ModelProto:
    name, kind = request.param
    torch.manual_seed(0)
    net = NETS[name]().eval().to(getattr(torch, kind))
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    to_onnx(net, np.zeros(SHAPE, kind), path, exporter="torchscript", opset=17)
    return onnx.load(path)


def complaints(model: onnx.ModelProto, source: onnx.ModelProto) -> list[str]:
    """Of the nodes that `model` has more than `source`."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {t.name: t.data_type for t in inferred.initializer}
    infos = (*inferred.input, *inferred.output, *inferred.value_info)
    types |= {i.name: i.type.tensor_type.elem_type for i in infos}
    opset = next(o.version for o in model.opset_import if o.domain == "")
    added = list(model.graph.node)[len(source.graph.node) :]
    assert added
    assert not [n.op_type for n in added if n.domain not in ("", "ai.onnx")]
    for node in added:
        if node.op_type == "Constant":
            types[node.output[0]] = node.attribute[0].t.data_type
    computed = [n for n in added if n.op_type != "Constant"]
    found = [n.op_type for n in computed if n.op_type in CONTROL.union(DATA_DEPENDENT)]
    return [*found, *filter(None, (cuda.lacking(n, opset, types) for n in computed))]


@pytest.mark.parametrize(
    "asked",
    [
        {"outputs": ["map", "score", "class_used"]},
        {"target": "top:3", "outputs": ["heatmap", "alpha"]},
        {"target": "cotangent", "outputs": ["map", "input_gradients"]},
        {"target": 1, "guided": True, "outputs": ["input_gradients"]},
    ],
    ids=["class", "top", "input", "guided"],
)
def test_every_added_node_has_a_kernel(source: onnx.ModelProto, asked: dict[str, Any]) -> None:
    assert complaints(instrument(source, static=SHAPE, **asked), source) == []


def test_an_open_or_gated_file_does_not_pass() -> None:
    """Else the test above could not fail."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 1, H, W] x) => (float[N, 1] y) {
            a = AveragePool<kernel_shape = [2, 2]>(x)
            b = Tanh(a)
            gap = GlobalAveragePool(b)
            y = Flatten(gap)
        }"""
    )
    open_one = instrument(model, layer="a", outputs=["map", "gradients"], target=0)
    assert set(complaints(open_one, model)) & set(DATA_DEPENDENT)
    assert "If" in complaints(instrument(model, layer="a", target=0, gate=True), model)


@pytest.mark.parametrize(
    ("node", "types", "why"),
    [
        (helper.make_node("Asin", ["x"], ["y"]), {"x": TensorProto.FLOAT}, "Asin-7"),
        (helper.make_node("Not", ["x"], ["y"]), {"x": TensorProto.BOOL}, ""),
        (
            helper.make_node("Pad", ["x", "p"], ["y"]),
            {"x": TensorProto.INT64, "p": TensorProto.INT64},
            "Pad-13 has no kernel for INT64",
        ),
        (
            helper.make_node("ConvTranspose", ["x", "w"], ["y"], pads=[1, 1, 0, 0]),
            {"x": TensorProto.FLOAT16, "w": TensorProto.FLOAT16},
            "not symmetric",
        ),
        (
            helper.make_node("ArgMax", ["x"], ["y"], select_last_index=1),
            {"x": TensorProto.FLOAT},
            "last index",
        ),
    ],
    ids=lambda value: getattr(value, "op_type", None),
)
def test_the_table_tells(node: onnx.NodeProto, types: dict[str, int], why: str) -> None:
    found = cuda.lacking(node, 17, types)
    assert why in found
    assert bool(found) == bool(why)


def test_the_table_has_what_may_be_emitted() -> None:
    assert PORTABLE - set(cuda.KERNELS) == {"Shape"}  # a fixed file has none
