"""Rotary transformers: what one token's explanation leaves of their rotations, by two exporters.

The tokens that are not read have no cotangent of a query to be turned back, and the mean over
places of the keys' is found before they are. Nodes are counted, no seconds.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.torch import TorchBackend
from converters.torch import to_onnx

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.models import networks_transformer as networks  # noqa: E402

TOKENS, WIDTH, HEADS, LAYER = 17, 32, 2, "blocks.1.norm1"
ROTATIONS = {
    "neighbours": {"half": False, "apart": 1},
    "halves": {"half": True, "apart": 1},
    "neighbours of all tokens": {"half": False, "apart": 0},
    "halves of all tokens": {"half": True, "apart": 0},
}
EXPORTS = {"dynamo": 20, "torchscript": 17}
PICTURE = np.random.default_rng(7).normal(size=(2, 3, 32, 32)).astype(np.float32)


def network(rotation: dict[str, Any] | None) -> nn.Module:
    """A ViT with seeded weights; without a rotation it is an ordinary one."""
    torch.manual_seed(5)

    def mixer(c: int) -> nn.Module:
        if rotation is None:
            return networks.Attention(c, HEADS, fused=False)
        return networks.Rotary(c, HEADS, TOKENS, **rotation)

    net = networks.ViT(mixer).eval()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn(p.shape))
    return net


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(rotation, exporter) -> the module and its file, for two pictures; made once."""
    made: dict[Any, tuple[nn.Module, Path]] = {}

    def export(name: str | None, exporter: Any) -> tuple[nn.Module, Path]:
        if (name, exporter) not in made:
            net = network(None if name is None else ROTATIONS[name])
            path = tmp_path_factory.mktemp("net") / "net.onnx"
            options = {"exporter": exporter, "opset": EXPORTS[exporter], "dynamic_batch": False}
            to_onnx(net, PICTURE, path, **options)
            made[name, exporter] = net, path
        return made[name, exporter]

    return export


def whole(path: Path, **options: Any) -> Counter[str]:
    """Added operators whose result has a number for each token and channel of a head, or more.

    What only reads a tensor of the forward pass, or moves one, is not counted.
    """
    source = onnx.load(path)
    written = instrument(source, layer=LAYER, target=1, **options)
    known = onnx.shape_inference.infer_shapes(written, data_prop=True).graph
    size = {
        info.name: np.prod([d.dim_value for d in info.type.tensor_type.shape.dim])
        for info in (*known.value_info, *known.output)
    }
    forward = {name for node in source.graph.node for name in node.output}
    forward |= {t.name for t in source.graph.initializer}
    found: Counter[str] = Counter()
    for node in list(written.graph.node)[len(source.graph.node) :]:
        if set(node.input) <= forward:
            forward.update(node.output if node.op_type == "Transpose" else ())
        elif size[node.output[0]] >= len(PICTURE) * (TOKENS - 1) * WIDTH // 2:
            found[node.op_type] += 1
    return found


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", ROTATIONS)
@pytest.mark.parametrize("layer", [LAYER, "blocks.0.norm1"])
def test_the_gradient_is_torchs(exported: Any, name: str, exporter: str, layer: str) -> None:
    net, path = exported(name, exporter)

    def target(y: Any, outputs: Any) -> Any:
        return np.eye(y.shape[1], dtype=y.dtype)[[1, 4]]

    (got,) = OnnxBackend(path).capture(PICTURE, target, layers=[layer])
    (expected,) = TorchBackend(net).capture(PICTURE, target, layers=[layer])
    gap = np.linalg.norm(got.gradients - expected.gradients)
    assert gap < 1e-5 * np.linalg.norm(expected.gradients)
    assert np.linalg.norm(expected.gradients[:, 1:]) > 1e-4


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", ROTATIONS)
def test_alpha_is_the_mean_of_the_gradient(exported: Any, name: str, exporter: str) -> None:
    ort = pytest.importorskip("onnxruntime")
    written = instrument(exported(name, exporter)[1], layer=LAYER, outputs=["alpha", "gradients"])
    session = ort.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: PICTURE, "cam_class": np.array([3, 0])}
    alpha, G = session.run(["cam_alpha", "cam_gradients"], feed)
    expected = G[:, 1:].astype(np.float64).mean(axis=1)
    np.testing.assert_allclose(alpha.reshape(expected.shape), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", ROTATIONS)
def test_a_rotation_adds_nothing_for_all_tokens(exported: Any, name: str, exporter: str) -> None:
    """To a map of class activation: as many whole tensors as where nothing is turned."""
    rotary = whole(exported(name, exporter)[1])
    assert rotary == whole(exported(None, exporter)[1])


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", ROTATIONS)
def test_only_keys_are_turned_back_for_all_tokens(exported: Any, name: str, exporter: str) -> None:
    """Where the gradient of each token is asked for: by the sine and by the cosine, once each."""
    more = whole(exported(name, exporter)[1], outputs="gradients")
    more.subtract(whole(exported(None, exporter)[1], outputs="gradients"))
    assert more["Mul"] == 2
    assert more["Add"] <= 2
    assert more["Pad"] <= 1
