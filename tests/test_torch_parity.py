"""Exports of small torchvision-like networks explain as autograd does, by either exporter.

The networks stand in `networks_*.py`.
"""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.torch import TorchBackend
from converters.torch import to_onnx

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

FOLDER = Path(__file__).parent
cnn = SimpleNamespace(**runpy.run_path(str(FOLDER / "networks_cnn.py")))
attention = SimpleNamespace(**runpy.run_path(str(FOLDER / "networks_transformer.py")))


def randomise(net: nn.Module, seed: int) -> nn.Module:
    """Seeded weights at a lively scale, with batch statistics that are not the identity."""
    rng = torch.Generator().manual_seed(seed)

    def draw(tensor: Any, low: float, high: float) -> None:
        tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=rng))

    with torch.no_grad():
        for name, tensor in sorted({**dict(net.named_parameters()), **net.state_dict()}.items()):
            if not tensor.is_floating_point():
                continue
            if name.endswith(("running_var", "layer_scale")):
                draw(tensor, 0.5, 1.5)
            elif tensor.ndim > 1 and not name.endswith(("_token", "_embed", "_table")):
                spread = (6.0 / tensor[0].numel()) ** 0.5
                draw(tensor, -spread, spread)
            elif name.endswith("weight"):
                draw(tensor, 0.5, 1.5)
            else:
                draw(tensor, -0.3, 0.3)
    return net.eval()


class Row(NamedTuple):
    """A network, where its default layer is, an earlier layer, and the exports to try."""

    build: Callable[[], nn.Module]
    default: str
    earlier: str
    exports: str
    size: int = 32
    tolerance: float = 0.0
    """Of the original outputs, relative: a transformer's additions may be fused another way."""


def vit(mixer: Callable[[int], nn.Module], exports: str) -> Row:
    return Row(lambda: attention.ViT(mixer), "blocks.1.norm1", "blocks.0.norm1", exports, 32, 1e-6)


def mobile(exports: str, *options: Any) -> Row:
    return Row(lambda: cnn.MobileNet(*options), "features", "features.2", exports)


NETS = {
    "resnet basic": Row(
        lambda: cnn.ResNet(bottleneck=False), "layer2", "layer1", "dynamo-18 torchscript-13", 48
    ),
    "resnet bottleneck": Row(
        lambda: cnn.ResNet(bottleneck=True), "layer2", "layer1", "dynamo-20 torchscript-11", 48
    ),
    "vgg": Row(cnn.VGG, "features.6", "features.1", "dynamo-18 torchscript-11"),
    "densenet": Row(cnn.DenseNet, "relu", "features.denseblock1", "dynamo-20 torchscript-17"),
    "inception": Row(cnn.Inception, "mixed2", "mixed1", "dynamo-18 torchscript-13", 48),
    "mobilenet v2": mobile("dynamo-20 torchscript-11", nn.ReLU6),
    "mobilenet v3": mobile(
        "dynamo-18 torchscript-13 torchscript-17",
        nn.Hardswish,
        (nn.ReLU, nn.Hardsigmoid),
        nn.Hardswish,
    ),
    "efficientnet": mobile("dynamo-20 torchscript-17", nn.SiLU, (nn.SiLU, nn.Sigmoid)),
    "convnext": Row(
        attention.ConvNeXt, "features", "features.1", "dynamo-18 torchscript-13 torchscript-17"
    ),
    "vit": vit(lambda c: attention.Attention(c, 2, fused=False), "dynamo-20 torchscript-13"),
    "vit sdpa": vit(lambda c: attention.Attention(c, 2, fused=True), "dynamo-18 torchscript-17"),
    "vit multihead": vit(
        lambda c: attention.Multihead(c, 2, batch_first=True), "dynamo-20 torchscript-17"
    ),
    "vit rotary": vit(lambda c: attention.Rotary(c, 2, 17, half=False, apart=1), "dynamo-20"),
    "vit rotary halves": vit(
        lambda c: attention.Rotary(c, 2, 17, half=True, apart=1), "torchscript-17"
    ),
    "swin": Row(
        *(attention.Swin, "features", "features.1"),
        *("dynamo-18 torchscript-13 torchscript-17", 32, 1e-6),
    ),
    "squeezenet": Row(cnn.SqueezeNet, "features", "features.3", "dynamo-20 torchscript-11"),
}
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
    net: nn.Module
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


def one_hot(*classes: int) -> Any:
    return lambda y, outputs: np.eye(y.shape[1], dtype=y.dtype)[list(classes)]


def assert_near(got: Any, expected: Any, what: str) -> None:
    """Relative L2 below 1e-4: float32 in another order of summation."""
    assert got.shape == expected.shape, what
    scale = np.linalg.norm(expected)
    assert scale > 0, what
    assert np.linalg.norm(got - expected) < 1e-4 * scale, what


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
