"""One network by one set of weights on every runtime: the same A, G and map, heads and layers.

What is expected is computed by torch in double precision through the formulas of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from cam_core import explain, open_backend
from cam_core.backend import Backend

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from torch import nn  # noqa: E402

from backends.torch import TorchBackend  # noqa: E402
from tests.core.framework_networks import convolved, kernels  # noqa: E402
from tests.core.two_networks import CNN, MODELS, network  # noqa: E402

TOLERANCE = 1e-4
"""Of the largest value: float32 against double precision, sums in any order."""
NCHW = np.random.default_rng(7).normal(size=(2, 3, 8, 12)).astype(np.float32)
NHWC = np.ascontiguousarray(NCHW.transpose(0, 2, 3, 1))
TEXT = CNN.replace("y = Gemm", "z = Gemm").replace("weight)\n}", "weight)\n y = Softmax(z)\n}")
Opened = tuple[Backend, Any, str, str]
"""A backend, its input, and its names of both layers; '' where a converter made them up."""


def weights() -> dict[str, Any]:
    return {n: p.detach().numpy() for n, p in network(MODELS["cnn"]).named_parameters()}


def in_torch(folder: Path) -> Opened:
    module = nn.Sequential(network(MODELS["cnn"]), nn.Softmax(1))
    return TorchBackend(module, example=NCHW), NCHW, "0.early", "0.late"


def file() -> onnx.ModelProto:
    model = onnx.parser.parse_model(TEXT)
    for name, w in weights().items():
        model.graph.initializer.append(numpy_helper.from_array(w, name.replace(".", "_")))
    return model


def in_onnxruntime(folder: Path) -> Opened:
    return open_backend(file()), NCHW, "early", "late"


def in_openvino(folder: Path) -> Opened:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    return open_backend(file(), backend="openvino"), NCHW, "early", "late"


def keras_model() -> Any:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    from keras import layers

    x = layers.Input((8, 12, 3), name="x")
    h = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv1")(x)
    h = layers.Activation("tanh", name="early")(h)
    h = layers.Conv2D(6, 3, strides=2, use_bias=False, name="conv2")(h)
    h = layers.Activation("tanh", name="late")(h)
    h = layers.GlobalAveragePooling2D(name="pool")(h)
    model = keras.Model(x, layers.Dense(5, "softmax", use_bias=False, name="head")(h))
    own = kernels(weights())
    for variable in model.weights:
        variable.assign(own[variable.path.split("/")[0]])
    return model


def in_keras(folder: Path) -> Opened:
    return open_backend(keras_model()), NHWC, "early", "late"


def in_jax(folder: Path) -> Opened:
    jax = pytest.importorskip("jax", reason="JAX is not installed")

    def apply(params: Any, x: Any, tap: Any) -> Any:
        early = tap("early", jax.numpy.tanh(convolved(x, params["conv1"], 1, 1)))
        late = tap("late", jax.numpy.tanh(convolved(early, params["conv2"], 2, 0)))
        return jax.nn.softmax(tap("logits", late.mean((1, 2)) @ params["head"]))

    options = {"score": "logits", "activation": "Softmax", "example": NHWC}
    backend = open_backend(apply, backend="jax", params=kernels(weights()), **options)
    return backend, NHWC, "early", "late"


def in_tflite(folder: Path) -> Opened:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    model = keras_model()
    if not _on_tensorflow():
        pytest.skip("TFLite is written by TensorFlow, and Keras runs on another framework")
    from converters.tflite import to_onnx

    (folder / "net.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    path, parity = to_onnx(folder / "net.tflite", folder / "net.onnx")
    assert parity is not None
    assert parity.same
    return open_backend(path), NHWC, "", ""


def _on_tensorflow() -> bool:
    import keras

    return bool(keras.backend.backend() == "tensorflow")


RUNTIMES: dict[str, Callable[[Path], Opened]] = {
    "torch": in_torch,
    "onnxruntime": in_onnxruntime,
    "openvino": in_openvino,
    "keras": in_keras,
    "jax": in_jax,
    "tflite": in_tflite,
}


@pytest.fixture(params=RUNTIMES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    return RUNTIMES[request.param](tmp_path)


def expected(layer: str, classes: list[int]) -> tuple[Any, Any, Any]:
    """A, G and the signed map of Grad-CAM, by the formulas."""
    net, x = network(MODELS["cnn"]).double(), torch.from_numpy(NCHW).double()
    A = MODELS["cnn"].activations(net, x, layer).detach().requires_grad_()
    y = MODELS["cnn"].score(net, x, layer, A)
    y[torch.arange(2), classes].sum().backward()
    G = A.grad
    signed = (G.mean((2, 3), keepdim=True) * A).sum(1)
    return A.detach().numpy(), G.numpy(), signed.detach().numpy()


def close(found: Any, wanted: Any) -> None:
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


@pytest.mark.parametrize("layer", ["early", "late"])
def test_activations_gradients_and_maps(opened: Opened, layer: str) -> None:
    backend, x, *names = opened
    A, G, signed = expected(layer, [3, 3])
    own = names[layer == "late"] or by_values(backend, x, A)
    look = backend.look(x, layers=[own])
    close(look.activations[own], A)
    one_hot = np.zeros((2, 5), np.float32)
    one_hot[:, 3] = 1
    close(look.pull(lambda y, _: one_hot).layers[own], G)
    found = explain(backend, x, 3, layer=own)
    close(found.signed, signed)
    close(found.map, np.maximum(signed, 0))


def by_values(backend: Backend, x: Any, A: Any) -> str:
    """The layer whose activations these are, where its name is a converter's."""
    for layer in backend.layers():
        found = backend.look(x, layers=[layer.name]).activations[layer.name]
        if found.shape == A.shape and np.abs(found - A).max() < TOLERANCE:
            return layer.name
    raise AssertionError(f"none of {[layer.name for layer in backend.layers()]} is it")


def test_the_default_layer_is_the_same(opened: Opened) -> None:
    backend, x, *_ = opened
    A, _, signed = expected("late", [1, 1])
    look = backend.look(x)
    (name,) = look.layers
    close(look.activations[name], A)
    close(explain(backend, x, 1).signed, signed)


def test_heads_are_found_alike(opened: Opened) -> None:
    backend, x, *_ = opened
    net = network(MODELS["cnn"]).double()
    y = net(torch.from_numpy(NCHW).double()).detach()
    close(backend.look(x, layers=()).score, y.numpy())
    head = backend.heads()[0]
    assert (head.kind, head.probability, head.class_axis) == ("classes", "softmax", 1)
    close(backend.forward(x)[head.output], torch.softmax(y, 1).numpy())


def test_layers_are_found_alike(opened: Opened) -> None:
    backend, _, *names = opened
    listed = {layer.name: layer for layer in backend.layers()}
    assert len([layer for layer in listed.values() if layer.default]) == 1
    for name, shape in zip(names, ({4, 8, 12}, {6, 3, 5}), strict=True):
        if name:
            assert {n for n in listed[name].shape if isinstance(n, int)} == shape
