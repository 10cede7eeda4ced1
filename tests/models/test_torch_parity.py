"""Exports of small torchvision-like networks explain as autograd does, by either exporter.

The networks stand in `networks.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.torch import TorchBackend
from converters.torch import to_onnx

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from tests.cotangents import one_hot  # noqa: E402
from tests.differences import assert_near  # noqa: E402
from tests.models.networks import NETS, Row, randomise  # noqa: E402

WRITTEN = {
    "resnet basic": "9 100, 9 100",
    "resnet bottleneck": "9 104, 9 104",
    "vgg": "16 76, 16 76",
    "densenet": "9 111, 9 111",
    "inception": "9 207, 9 207",
    "mobilenet v2": "9 70, 9 70",
    "mobilenet v3": "20 159, 20 159, 20 159",
    "efficientnet": "9 140, 9 140",
    "convnext": "32 208, 30 206, 30 206",
    "vit": "113 214, 113 214",
    "vit sdpa": "115 220, 114 216",
    "vit multihead": "122 243, 121 239",
    "vit rotary": "128 262",
    "vit rotary halves": "123 244",
    "swin": "37 487, 35 485, 35 485",
    "squeezenet": "13 95, 13 95",
}
"""Nodes added to each export: for the map of any cotangent, and for the input's gradient."""
CASES = [(name, export) for name, row in NETS.items() for export in row.exports.split()]


class Export(NamedTuple):
    """An exported network beside its original, and two images."""

    name: str
    form: str
    row: Row
    net: torch.nn.Module
    path: Path
    x: Any


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case).replace(" ", "_"))
def export(request, tmp_path_factory) -> Export:
    name, form = request.param
    row, (exporter, opset) = NETS[name], form.split("-")
    torch.set_num_threads(1)
    net = randomise(row.build(), sum(map(ord, name)))
    x = np.random.default_rng(7).normal(size=(2, 3, row.size, row.size)).astype(np.float32)
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    to_onnx(net, x, path, exporter=exporter, opset=int(opset))
    return Export(name, form, row, net, path, x)


def optimised(model: bytes, feed: dict[str, Any], file: Path) -> tuple[list[Any], Counter[str]]:
    """What onnxruntime computes at full optimisation, and how many fused nodes it made."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(file)
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    written = {node.op_type for node in onnx.load_from_string(model).graph.node}
    nodes = onnx.load(str(file)).graph.node
    made = [node for node in nodes if node.domain or node.op_type not in written]
    return session.run(["output"], feed), Counter(map(kind, made))


def kind(node: Any) -> str:
    """Operator, activation and number of inputs: a convolution takes a ReLU and a sum in."""
    if node.op_type.startswith("Reorder"):  # a change of layout, not a fusion
        return "Reorder"
    activation = [a.s.decode() for a in node.attribute if a.name == "activation"]
    return " ".join([node.domain, node.op_type, *activation, str(len(node.input))])


def test_the_default_layer_and_its_gradients_are_torchs(export):
    backend = OnnxBackend(export.path)
    reference = TorchBackend(export.net, layer=export.row.default)
    for classes in ((1, 4), (5, 0)):
        (got,) = backend.capture(export.x, one_hot(*classes))
        (expected,) = reference.capture(export.x, one_hot(*classes))
        assert_near(got.logits, expected.logits, "y")
        assert_near(got.activations, expected.activations, f"A at {got.layer}")
        assert_near(got.gradients, expected.gradients, f"G at {got.layer}")


def test_an_earlier_module_by_its_path(export):
    layers, target = [export.row.earlier], one_hot(2, 3)
    (got,) = OnnxBackend(export.path).capture(export.x, target, layers=layers)
    (expected,) = TorchBackend(export.net).capture(export.x, target, layers=layers)
    assert_near(got.activations, expected.activations, f"A at {got.layer}")
    assert_near(got.gradients, expected.gradients, f"G at {got.layer}")


@pytest.mark.parametrize("layer", ["default", "earlier"])
def test_the_weights_in_the_file_are_the_means_of_torchs_gradients(export, layer):
    """The file takes the mean early, so it may never hold the gradient of each place."""
    module = getattr(export.row, layer)
    asked = None if layer == "default" else module
    written = instrument(export.path, layer=asked, outputs="alpha")
    feed = {"x": export.x, "cam_class": np.array([1, 4], np.int64)}
    session = ort.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(["cam_alpha"], feed)
    (expected,) = TorchBackend(export.net).capture(export.x, one_hot(1, 4), layers=[module])
    means = expected.gradients.mean(axis=tuple(range(2, expected.gradients.ndim)))
    assert_near(got, means, f"alpha at {expected.layer}")


def test_instrumenting_changes_no_output_and_loses_no_fused_node(export, tmp_path):
    feed = {"x": export.x}
    (plain,), before = optimised(export.path.read_bytes(), feed, tmp_path / "plain.onnx")
    model = instrument(export.path).SerializeToString()
    feed["cam_class"] = np.array([1, 4], np.int64)
    (got,), after = optimised(model, feed, tmp_path / "cam.onnx")
    np.testing.assert_allclose(
        got, plain, rtol=0, atol=export.row.tolerance * float(np.abs(plain).max())
    )
    gone = before - after
    del gone["Reorder"]
    assert not gone, "fused nodes are gone"


def test_as_many_nodes_are_added_as_there_were(export):
    before = len(onnx.load(export.path).graph.node)
    counts = [
        len(instrument(export.path, target="cotangent", outputs=name).graph.node) - before
        for name in ("map", "input_gradients")
    ]
    place = export.row.exports.split().index(export.form)
    assert counts == [int(n) for n in WRITTEN[export.name].split(", ")[place].split()]


@pytest.mark.parametrize("row", NETS.values(), ids=NETS)
def test_torch_finds_the_same_default_layer(row, rng):
    x = rng.normal(size=(2, 3, row.size, row.size)).astype(np.float32)
    assert TorchBackend(randomise(row.build(), 5), example=x).default_layer == row.default
