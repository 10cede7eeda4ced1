"""CAM against the weights as they lie in a file or a module, and against Grad-CAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.demo import MODEL
from cam_core.errors import InputError, LayerError
from tests.core.linear import Linear

pytest.importorskip("onnxruntime")
Array = np.ndarray


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


def head_of_the_demo() -> Array:
    """The one weight of a Gemm in the file, a row a class."""
    graph = onnx.load_from_string(MODEL.read_bytes()).graph
    (gemm,) = [node for node in graph.node if node.op_type == "Gemm"]
    held = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    turned = any(a.name == "transB" and a.i for a in gemm.attribute)
    return held[gemm.input[1]] if turned else held[gemm.input[1]].T


def test_alpha_is_the_row_of_the_class(x: Array) -> None:
    backend = OnnxBackend(MODEL.read_bytes())
    found = explain(backend, x, [1, 4], "cam")
    (A,) = backend.look(x).activations.values()
    for row, c in enumerate((1, 4)):
        w = head_of_the_demo()[c]
        np.testing.assert_allclose(found.alpha[row, :, 0, 0], w, rtol=1e-6)
        expected = sum(w[k] * A[row, k].astype(float) for k in range(len(w)))
        np.testing.assert_allclose(found.signed[row], expected, atol=1e-4)


@pytest.mark.parametrize("target", [2, "1-3"])
def test_it_is_grad_cam_times_the_number_of_places(x: Array, target: str | int) -> None:
    backend = OnnxBackend(MODEL.read_bytes())
    found, grad = (explain(backend, x, target, name) for name in ("cam", "gradcam"))
    Z = np.prod(grad.map.shape[1:])
    scale = np.abs(found.signed).max()
    np.testing.assert_allclose(found.signed, Z * grad.signed, atol=1e-5 * scale)


def test_no_backward_pass_is_made(x: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = OnnxBackend(MODEL.read_bytes())
    pulls: list[int] = []
    kind = type(backend.look(x))
    pull = kind.pull
    monkeypatch.setattr(kind, "pull", lambda look, target: pulls.append(1) or pull(look, target))
    explain(backend, x, 1, "cam")
    assert not pulls
    explain(backend, x, 1, "gradcam")
    assert pulls == [1]


def test_an_earlier_layer_has_another_head(x: Array) -> None:
    with pytest.raises(LayerError, match="layer 'relu_1' has no head of a mean over space"):
        explain(OnnxBackend(MODEL.read_bytes()), x, 1, "cam", layer="relu_1")


def test_who_does_not_know_its_weights_says_so() -> None:
    linear = Linear(np.ones((2, 3), np.float32))
    with pytest.raises(InputError, match="this backend does not tell the weights of its head"):
        explain(linear, np.ones((1, 3, 2, 2), np.float32), 0, "cam")


@pytest.mark.parametrize("name", ["resnet basic", "mobilenet v2", "densenet"])
@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
def test_of_an_export_it_is_the_weight_of_the_last_module(
    exporter: Any, name: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    if exporter == "dynamo":
        pytest.importorskip("onnxscript", reason="torch.onnx.export with dynamo needs it")
    from converters.torch import to_onnx
    from tests.models.networks import NETS, randomise

    net = randomise(NETS[name].build(), 3)
    size = NETS[name].size
    x = np.random.default_rng(7).normal(size=(2, 3, size, size)).astype(np.float32)
    backend = OnnxBackend(to_onnx(net, x, tmp_path / "net.onnx", exporter=exporter)[0])
    *_, last = (module for module in net.modules() if isinstance(module, torch.nn.Linear))
    found, grad = (explain(backend, x, [1, 2], method) for method in ("cam", "gradcam"))
    w = last.weight.detach().numpy()[[1, 2]]
    np.testing.assert_allclose(found.alpha[..., 0, 0], w, rtol=1e-6)
    Z = np.prod(grad.map.shape[1:])
    scale = np.abs(found.signed).max()
    np.testing.assert_allclose(found.signed, Z * grad.signed, atol=1e-5 * scale)


def test_a_head_with_a_hidden_layer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from converters.torch import to_onnx
    from tests.models.networks import NETS, randomise

    net, x = randomise(NETS["mobilenet v3"].build(), 3), np.ones((1, 3, 32, 32), np.float32)
    path, _ = to_onnx(net, x, tmp_path / "net.onnx", exporter="torchscript")
    with pytest.raises(LayerError, match=r"HardSwish.* follows the linear layer; take gradcam"):
        explain(OnnxBackend(path), x, 1, "cam")
