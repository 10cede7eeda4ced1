"""The torch backend against gradients taken by hand, and what it leaves behind."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend
from backends.torch.layout import find_layout
from cam_core.backend import Backend
from cam_core.errors import InputError, LayerError, ModelError

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


class Small(nn.Module):
    """conv, in-place ReLU called twice, pool, conv, functional in-place ReLU, head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.body = nn.Conv2d(4, 5, 3)
        self.head = nn.Linear(5, 3)
        self.unused = nn.Linear(2, 2)

    def tail(self, y: Any) -> Any:
        """From the second convolution's output on."""
        return self.head(torch.relu(y).mean(dim=(2, 3)))

    def forward(self, image: Any) -> Any:
        y = self.pool(self.relu(self.stem(image)))
        y = self.relu(self.body(y))
        return self.head(y.mean(dim=(2, 3)))


def small() -> Small:
    torch.manual_seed(3)
    net = Small()
    net.stem[1].running_mean.normal_()
    net.stem[1].running_var.uniform_(0.5, 2.0)
    return net


@pytest.fixture
def image(rng) -> Any:
    return rng.normal(size=(2, 2, 12, 10)).astype(np.float32)


def one_hot(*classes: int) -> Any:
    return lambda y, outputs: np.eye(y.shape[1], dtype=y.dtype)[list(classes)]


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b.detach().numpy() if hasattr(b, "detach") else b, atol=1e-6)


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
        up, down = (backend.tail(layer, capture.activations + s, image) for s in (step, -step))
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


@pytest.mark.parametrize("layer", ["body", "unused"])
def test_the_module_is_as_it_was(layer, image):
    net = small().train()
    net.body.eval()
    for parameter in net.stem.parameters():
        parameter.requires_grad_(False)
    net.head.bias.grad = torch.ones(3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    given = image.copy()
    if layer == "unused":
        with pytest.raises(LayerError, match="not called"):
            TorchBackend(net).capture(image, one_hot(0, 0), layers=[layer])
    else:
        TorchBackend(net).capture(image, one_hot(0, 0), layers=[layer])
    assert [net.training, net.stem[1].training, net.body.training] == [True, True, False]
    assert [p.requires_grad for p in net.stem.parameters()] == [False] * 4
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["head.bias"]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(part._forward_hooks for part in net.modules())
    np.testing.assert_array_equal(image, given)


def test_a_frozen_module_under_no_grad(image):
    net = small().requires_grad_(False)
    expected = TorchBackend(small()).capture(image, one_hot(0, 0))[0]
    with torch.no_grad():
        got = TorchBackend(net).capture(image, one_hot(0, 0))[0]
    close(got.gradients, expected.gradients)


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


@dataclass
class Result:
    loss: Any
    logits: Any


class Closing(nn.Module):
    """Every kind of result, from two inputs, behind a softmax."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv, self.head = nn.Conv1d(3, 4, 3), nn.Linear(4, 3)
        self.softmax = nn.Softmax(1)

    def forward(self, left: Any, right: Any) -> Any:
        logits = self.head(self.conv(left * right).relu().mean(2))
        p = self.softmax(logits)
        kinds = {
            "tensor": p,
            "tuple": (p, [logits]),
            "nested": (p, {"inner": logits}),
            "dict": {"logits": logits, "p": p},
            "dataclass": Result(None, logits),
        }
        return kinds[self.kind]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tensor", ["output"]),
        ("tuple", ["output", "output_1"]),
        ("nested", ["output", "inner"]),
        ("dict", ["logits", "p"]),
        ("dataclass", ["logits"]),
    ],
)
def test_several_inputs_and_every_kind_of_result(kind, names, rng):
    torch.manual_seed(1)
    net = Closing(kind)
    x = {key: rng.normal(size=(2, 3, 7)).astype(np.float32) for key in ("left", "right")}
    backend = TorchBackend(net, layer="conv")
    (capture,) = backend.capture(x, one_hot(1, 2), input_gradients=True)
    A = net.conv(torch.from_numpy(x["left"] * x["right"])).detach().requires_grad_()
    y = net.head(A.relu().mean(2))
    (y[0, 1] + y[1, 2]).backward()
    assert capture.activations.shape == (2, 4, 5)
    close(capture.logits, y)
    close(capture.gradients, A.grad)
    assert list(capture.input_gradients) == ["left", "right"]
    assert list(backend.forward(x)) == names


def test_the_score_may_be_named(rng):
    x = {key: rng.normal(size=(2, 3, 7)).astype(np.float32) for key in ("left", "right")}
    net = Closing("dict")
    p = TorchBackend(net, layer="conv", score="p").capture(x, one_hot(0, 0))[0].logits
    close(p.sum(1), np.ones(2))
    named = TorchBackend(net, layer="conv", score="head").capture(x, one_hot(0, 0))[0]
    close(named.logits, TorchBackend(net).forward(x)["logits"])
    with pytest.raises(ModelError, match="outputs are logits, p"):
        TorchBackend(net, layer="conv", score="q").capture(x, one_hot(0, 0))


def test_wrong_input_and_cotangent(image):
    backend = TorchBackend(small())
    with pytest.raises(InputError, match="forward takes image"):
        backend.forward({"pixels": image})
    with pytest.raises(InputError, match="cotangent"):
        backend.capture(image, lambda y, outputs: np.ones((2, 4), np.float32))
    with pytest.raises(InputError, match="example="):
        backend.layers()


LAYOUTS = [  # module, input shape, the channels' place in the module's own output
    ("conv", nn.Conv2d(2, 5, 1), (1, 2, 4, 3), "NCHW"),
    ("conv1d", nn.Conv1d(2, 5, 1), (1, 2, 4), "NCL"),
    ("conv3d", nn.Conv3d(2, 5, 1), (1, 2, 4, 3, 2), "NCDHW"),
    ("linear", nn.Linear(2, 5), (1, 4, 3, 2), "NHWC"),
    ("layer norm", nn.LayerNorm(2), (1, 4, 3, 2), "NHWC"),
    ("tokens", nn.Linear(2, 5), (1, 9, 2), "N(3*3)C"),
    ("class token", nn.Linear(2, 5), (1, 10, 2), "N(1+3*3)C"),
    ("registers", nn.Linear(2, 5), (1, 21, 2), "N(5+4*4)C"),
    ("sequence", nn.Linear(2, 5), (1, 7, 2), "N(L)C"),
    ("head", nn.Linear(2, 5), (3, 2), "NC"),
]


@pytest.mark.parametrize(
    ("module", "shape", "text"), [r[1:] for r in LAYOUTS], ids=[r[0] for r in LAYOUTS]
)
def test_the_layout_is_read_from_the_operators(module, shape, text):
    assert find_layout(module(torch.ones(shape))).text() == text


def test_the_layout_follows_transpositions_and_reshapes():
    x = nn.Conv2d(2, 5, 1)(torch.ones(1, 2, 3, 3))
    assert find_layout(x.permute(0, 2, 3, 1).relu()).text() == "NHWC"
    assert find_layout(x.permute(0, -2, -1, 1)).text() == "NHWC"
    assert find_layout(x.flatten(2).transpose(1, 2) * 2).text() == "N(3*3)C"
    assert find_layout(nn.LayerNorm(5)(x.movedim(1, -1)).permute(0, 3, 1, 2)).text() == "NCHW"
    assert find_layout(x.flatten(2)).text() == "NCL"


def test_a_layout_may_be_given(image):
    backend = TorchBackend(small(), layout="NHWC")
    (capture,) = backend.capture(image, one_hot(0, 0), layers=["body"])
    assert capture.activations.shape == (2, 2, 5, 3)


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
    with pytest.raises(LayerError, match=r"takes activations \[2, 5, 3, 2\]"):
        TorchBackend(small()).tail("body", np.zeros((2, 5, 1, 1), np.float32), image)


def test_claims_a_module_and_nothing_else(monkeypatch):
    assert TorchBackend.claims(small())
    assert not TorchBackend.claims("model.onnx")
    net = small()
    monkeypatch.delitem(sys.modules, "torch")
    assert not TorchBackend.claims(net)
    assert "torch" not in sys.modules
