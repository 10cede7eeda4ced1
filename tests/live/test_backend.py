"""The torch backend against gradients taken by hand, and what it leaves behind."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend
from cam_core.backend import Backend
from cam_core.errors import InputError, LayerError, TargetError
from tests.cotangents import one_hot
from tests.live.modules import Small, close, small

torch = pytest.importorskip("torch")


def test_it_is_a_backend():
    assert isinstance(TorchBackend(small()), Backend)


def test_A_and_G_of_a_layer_that_is_changed_in_place(image):
    net = small()
    (capture,) = TorchBackend(net).capture(image, one_hot(2, 0), layers=["body"])
    net.eval()
    with torch.no_grad():
        A = net.body(net.pool(torch.relu(net.stem(torch.from_numpy(image)))))
    A.requires_grad_()
    y = net.tail(A)
    (y[0, 2] + y[1, 0]).backward()
    close(capture.activations, A)
    close(capture.gradients, A.grad)
    close(capture.logits, y)
    assert (capture.activations < 0).any()


def test_G_is_the_derivative_of_the_score_along_a_direction(image, rng):
    backend = TorchBackend(small().double())
    for layer in ("stem", "pool", "body", "relu"):  # relu#1 has ties under the pool
        (capture,) = backend.capture(image, one_hot(1, 1), layers=[layer])
        step = rng.normal(size=capture.activations.shape)
        step /= np.linalg.norm(step) * 1e6
        tail = backend.look(image, layers=[layer]).tail(layer)
        up, down = (tail(capture.activations + s) for s in (step, -step))
        slope = (up - down)[:, 1].sum() / 2
        assert slope == pytest.approx((capture.gradients * step).sum(), rel=1e-5)


def test_several_layers_from_one_pass(image):
    backend = TorchBackend(small())
    together = backend.capture(image, one_hot(0, 1), layers=["stem.0", "relu", "relu#1", "pool"])
    for capture in together:
        (alone,) = backend.capture(image, one_hot(0, 1), layers=[capture.layer])
        np.testing.assert_array_equal(capture.activations, alone.activations)
        close(capture.gradients, alone.gradients)
    assert together[1].activations.shape == (2, 5, 3, 2)
    assert together[2].activations.shape == (2, 4, 10, 8)


def test_input_gradients(image):
    net = small()
    (capture,) = TorchBackend(net).capture(image, one_hot(2, 2), input_gradients=True)
    x = torch.from_numpy(image).requires_grad_()
    net.eval()(x)[:, 2].sum().backward()
    close(capture.input_gradients["image"], x.grad)


def test_layers_inputs_and_the_default_one(image):
    backend = TorchBackend(small(), example=image)
    layers = backend.layers()
    names = [layer.name for layer in layers]
    assert names == ["stem.0", "stem.1", "stem", "relu#1", "pool", "body", "relu", "head"]
    assert [layer.name for layer in layers if layer.default] == ["relu"]
    assert layers[0].operator == "Conv2d"
    assert layers[0].shape == (None, 4, 10, 8)
    (info,) = backend.inputs()
    assert (info.name, info.shape, info.dtype) == ("image", (None, 2, 12, 10), np.float32)


@pytest.mark.parametrize(
    ("name", "match"),
    [("bodi", "did you mean body"), ("relu#3", "called 2 times"), ("relu#x", "no module")],
)
def test_a_wrong_layer(name, match, image):
    with pytest.raises(LayerError, match=match):
        TorchBackend(small()).capture(image, one_hot(0, 0), layers=[name])


class Detached(Small):
    def forward(self, image: Any) -> Any:
        return super().forward(image).detach() + self.head.bias


def test_a_layer_that_does_not_reach_the_score(image):
    with pytest.raises(LayerError, match="'body' does not reach the score"):
        TorchBackend(Detached()).capture(image, one_hot(0, 0), layers=["body"])


def test_wrong_input_and_cotangent(image):
    backend = TorchBackend(small())
    with pytest.raises(InputError, match="forward takes image"):
        backend.forward({"pixels": image})
    with pytest.raises(TargetError, match="cotangent"):
        backend.capture(image, lambda y, outputs: np.ones((2, 4), np.float32))
    with pytest.raises(InputError, match="example="):
        backend.layers()


def test_with_weights_is_another_model(image):
    net = small()
    backend = TorchBackend(net, layer="body")
    seen: list[str] = []

    def change(name: str, weight: Any) -> Any:
        seen.append(name)
        return weight * 0 if name == "head.weight" else weight

    other = backend.with_weights(change)
    assert seen == [name for name, _ in net.named_parameters()]
    np.testing.assert_array_equal(
        other.forward(image)["output"], net.head.bias.tolist() * np.ones((2, 1), np.float32)
    )
    assert (net.head.weight != 0).all()


def test_tail_refuses_another_shape(image):
    tail = TorchBackend(small()).look(image, layers=["body"]).tail("body")
    with pytest.raises(LayerError, match=r"takes activations \[2, 5, 3, 2\]"):
        tail(np.zeros((2, 5, 1, 1), np.float32))


def test_claims_a_module_and_nothing_else(monkeypatch):
    assert TorchBackend.claims(small())
    assert not TorchBackend.claims("model.onnx")
    net = small()
    monkeypatch.delitem(sys.modules, "torch")
    assert not TorchBackend.claims(net)
    assert "torch" not in sys.modules
