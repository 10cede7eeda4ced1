"""A number of another output than the score: its own gradient, from a look of its own."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from cam_core import explain, explain_all
from cam_core.answers import explained
from cam_core.errors import LayerError, TargetError, UnsupportedOpError
from cam_core.looking import Looks
from cam_core.targets import ClassTarget
from cam_core.targets.detection.anchor import AnchorTarget
from tests.core.linear import Linear

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from torch import nn  # noqa: E402

from backends.onnx import OnnxBackend, instrument  # noqa: E402
from backends.onnx.capturing.sessions import Passes  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from tests.core.methods import rectified  # noqa: E402
from tests.scaled_detector import scaled_detector  # noqa: E402

TWO = """<ir_version: 8, opset_import: ["" : 17]>
two (float[N, 3, 8, 12] x) => (float[N, 4] output, float[N, 2] pose, float[N, 5, 6, 10] late) {
    a = Conv(x, w)
    late = Tanh(a)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    logits = Gemm<transB = 1>(flat, v)
    output = Softmax<axis = 1>(logits)
    u1 = Conv(late, u)
    branch = Tanh(u1)
    gap2 = GlobalAveragePool(branch)
    pose = Flatten(gap2)
}"""
SHAPES = {"w": (5, 3, 3, 3), "v": (4, 5), "u": (2, 5, 1, 1)}


class Two(nn.Module):
    """The same, a class head that ends in a softmax and a branch with a map of its own."""

    def __init__(self, weights: dict[str, Any]) -> None:
        super().__init__()
        self.conv, self.late = nn.Conv2d(3, 5, 3, bias=False), nn.Tanh()
        self.head, self.u = nn.Linear(5, 4, bias=False), nn.Conv2d(5, 2, 1, bias=False)
        for part, name in ((self.conv, "w"), (self.head, "v"), (self.u, "u")):
            part.weight = nn.Parameter(torch.from_numpy(weights[name].copy()))

    def forward(self, x: Any) -> Any:
        late = self.late(self.conv(x))
        p = torch.softmax(self.head(late.mean((2, 3))), 1)
        return {"output": p, "pose": torch.tanh(self.u(late)).mean((2, 3)), "late": late}


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, Any]:
    return {n: rng.normal(scale=0.4, size=s).astype(np.float32) for n, s in SHAPES.items()}


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.normal(size=(2, 3, 8, 12)).astype(np.float32)


def written(weights: dict[str, Any]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(TWO)
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in weights.items())
    return model


ASKED = [
    ("out:output[1]", lambda out: out["output"][:, 1]),
    ("-out:output[1]", lambda out: -out["output"][:, 1]),
    ("out:pose[0]", lambda out: out["pose"][:, 0]),
    ("out:pose[:]", lambda out: out["pose"].sum(1)),
]


@pytest.mark.parametrize(("text", "number"), ASKED, ids=[t for t, _ in ASKED])
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_the_gradient_is_autograds(
    kind: str, text: str, number: Any, weights: dict[str, Any], x: Any
) -> None:
    """Of the output itself: a probability, not the logits behind it."""
    net = Two(weights)
    backend = OnnxBackend(written(weights)) if kind == "onnx" else TorchBackend(net, example=x)
    (found,) = explain_all(backend, x, [text], ["hirescam"], layers=["late"])
    A = torch.tanh(net.conv(torch.from_numpy(x))).detach().requires_grad_()
    p = torch.softmax(net.head(A.mean((2, 3))), 1)
    Y = number({"output": p, "pose": torch.tanh(net.u(A)).mean((2, 3))})
    (G,) = torch.autograd.grad(Y.sum(), A)
    np.testing.assert_allclose(found.score, Y.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.signed, (A * G).sum(1).detach(), rtol=1e-4, atol=1e-6)
    assert found.target == text.replace("-out", "against:out")


def test_an_output_on_a_branch_is_seen_at_a_layer_of_the_score(
    weights: dict[str, Any], x: Any
) -> None:
    backend = OnnxBackend(written(weights))
    classes, pose = explain(backend, x), explain(backend, x, "out:pose[1]")
    assert (classes.layer, pose.layer) == ("late", "late")
    with pytest.raises(LayerError):
        explain(backend, x, "out:output[1]", layer="branch")
    assert explain(backend, x, "out:pose[1]", layer="branch").layer == "branch"


def test_passes_are_scored_by_the_output_asked_about(weights: dict[str, Any], x: Any) -> None:
    """What the branch loses as all of the picture turns grey, and without each place of a map."""
    net, grey = Two(weights), np.broadcast_to(x.mean((2, 3), keepdims=True), x.shape).copy()
    backend = OnnxBackend(written(weights))
    found = explain(backend, x, "out:pose[0]", "occlusion", window=99)
    with torch.no_grad():
        own, less = (net(torch.from_numpy(a))["pose"][:, 0] for a in (x, grey))
    expected = np.broadcast_to((own - less).numpy()[:, None, None], (2, 8, 12))
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-6)
    found = explain(backend, x, "out:pose[0]", "occlusion", layer="late", window=99)
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-6)


def test_one_look_a_tensor(weights: dict[str, Any], x: Any) -> None:
    looks = Looks(OnnxBackend(written(weights)), x)
    of_pose = looks.of("pose")
    assert looks.of("pose") is of_pose
    assert looks.of("") is looks.first


class Several:
    """A look that is asked for more than one target at once."""

    def __init__(self, look: Any, told: list[list[str]]) -> None:
        self._look, self._told = look, told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._look, name)

    def pull_first(self, targets: Any) -> Any:
        self._told.append([target.label for target in targets])
        return [self._look.pull(target) for target in targets[:2]]


def test_targets_are_pulled_as_many_as_a_look_takes(
    weights: dict[str, Any], x: Any, monkeypatch: Any
) -> None:
    """Here two; those of another output are not among them."""
    backend, told = OnnxBackend(written(weights)), []  # type: ignore[var-annotated]
    asked = ["0", "out:pose[0]", "1", "2", "3"]
    alone = [explain(backend, x, text).signed for text in asked]
    own = OnnxBackend.look
    monkeypatch.setattr(OnnxBackend, "look", lambda *a, **k: Several(own(*a, **k), told))
    found = explain_all(backend, x, asked, ["gradcam"])
    assert told == [["0", "1", "2", "3"], ["2", "3"]]
    for one, signed in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one.signed, signed)


@dataclass(frozen=True)
class Both(AnchorTarget):
    """A number of the fine scale, and one that reaches its layer by way of another output."""

    beside: Any = None


@dataclass(frozen=True)
class OfOutput(AnchorTarget):
    """The same number of an output that is named."""

    tensor: str = "y"


def test_what_another_output_adds_lies_outside_the_window_of_the_score() -> None:
    """Hirescam, which is linear in G: the map of both is the sum of the two maps."""
    backend = OnnxBackend(scaled_detector(), score="=y")
    x = np.random.default_rng(7).normal(size=(1, 3, 32, 32)).astype(np.float32)
    known: dict[str, Any] = {"method": "hirescam", "layer": ["nf", "nc"], "fuse": "max"}
    one, other = (AnchorTarget(0, at, 2) for at in (0, 63))  # opposite corners of the fine scale
    both = explain(backend, x, Both(0, 0, 2, beside=OfOutput(0, 63, 2)), **known)
    alone = [explain(backend, x, target, **known) for target in (one, other)]
    for part, *each in zip(both.parts, *(found.parts for found in alone), strict=True):
        expected = sum(found.signed for found in each)
        np.testing.assert_allclose(part.signed, expected, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_seen_is_said(weights: dict[str, Any], x: Any) -> None:
    with pytest.raises(TargetError, match="this backend cannot explain output 'y'"):
        explain(Linear(np.eye(3)), x, "out:y[0]")  # type: ignore[arg-type]
    with pytest.raises(TargetError, match=r"out:pse\[0\]: no such output; .*'output', 'pose'"):
        explain(OnnxBackend(written(weights)), x, "out:pse[0]")
    with pytest.raises(TargetError, match=r"score='out:pose'"):
        instrument(written(weights), target="out:pose[0]")


def test_rows_that_are_not_those_of_the_input(weights: dict[str, Any], x: Any) -> None:
    looks = Looks(OnnxBackend(written(weights)), x)
    looks.first = SimpleNamespace(score=np.zeros((3, 4)), layers=["late"])  # type: ignore[assignment]
    with pytest.raises(TargetError, match="output 'pose' has 2 rows for 3 of the input"):
        looks.of("pose")


WHOLE = """<ir_version: 8, opset_import: ["" : 17]>
whole (float[1, 3, 4, 4] x) => (float[1, 3] y, float[4, 2] best) <int64[2] rows = {-1, 2}> {
    a = Tanh(x)
    gap = GlobalAveragePool(a)
    y = Flatten(gap)
    t = Transpose<perm = [2, 3, 1, 0]>(a)
    best_all = Reshape(t, rows)
    best = Slice(best_all, zero, four)
}"""


def test_an_output_that_counts_no_rows_is_one(rng: np.random.Generator) -> None:
    """Its first axis is part of the index, as that of boxes after suppression is."""
    model = onnx.parser.parse_model(WHOLE)
    for name, value in (("zero", 0), ("four", 4)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value]), name))
    x = rng.normal(size=(1, 3, 4, 4)).astype(np.float32)
    found = explain(OnnxBackend(model), x, "out:best[3,1]", "hirescam", layer="a")
    flat = np.tanh(x[0]).transpose(1, 2, 0).reshape(-1)
    expected = np.zeros(48, np.float32)
    expected[7] = flat[7]
    np.testing.assert_allclose(found.score, [flat[7]], rtol=1e-6)
    np.testing.assert_allclose(found.signed[0], expected.reshape(4, 4, 3).sum(2), rtol=1e-6)


ONCE = [("gradient", 1), ("gradientxinput", 1), ("guided", 1), ("fullgrad", 2)]
"""Passes forward of each alone: the look, and of fullgrad one more at all layers with a bias."""


def opened(kind: str, runs: list[int]) -> Any:
    """The rectified network, each of whose runs is counted where it happens."""
    if kind == "torch":
        net = rectified.net()
        net.register_forward_hook(lambda *seen: runs.append(1))
        return TorchBackend(net, example=rectified.pictures(), layer="late")
    return OnnxBackend(rectified.model())


def counted(kind: str, monkeypatch: pytest.MonkeyPatch, runs: list[int]) -> Any:
    """A backend, and from now on nothing else in `runs` but its passes forward."""
    backend, forward = opened(kind, runs), Passes.forward
    monkeypatch.setattr(Passes, "forward", lambda *given: runs.append(1) or forward(*given))
    explain(backend, rectified.pictures(), 1, "eigencam")  # what is run to open it
    runs.clear()
    return backend


@pytest.mark.parametrize("kind", ["onnx", "torch"])
@pytest.mark.parametrize(("method", "count"), ONCE)
def test_one_pass_forward_gives_the_gradient_of_the_picture(
    kind: str, method: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (kind, method) == ("torch", "fullgrad"):
        pytest.skip("a live module tells no biases")
    runs: list[int] = []
    backend = counted(kind, monkeypatch, runs)
    explain(backend, rectified.pictures(), 1, method)
    assert len(runs) == count


def test_one_pass_serves_methods_of_a_layer_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    backend, x = counted("onnx", monkeypatch, runs), rectified.pictures()
    names = ["gradient", "gradcam", "gradientxinput"]
    found = explain_all(backend, x, ["top:2"], names)
    assert len(runs) == 1
    again = [explain(backend, x, [int(c) for c in one.classes], one.method) for one in found]
    for one, other in zip(found, again, strict=True):  # two plans of one gradient: float32
        np.testing.assert_allclose(one.signed, other.signed, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_a_guided_look_is_never_taken_for_the_plain_gradient(kind: str) -> None:
    backend, x = opened(kind, []), rectified.pictures()
    (question,) = Looks(backend, x, ["late"], methods=["guided"]).questions(
        ClassTarget(rectified.CLASSES)
    )
    expected = rectified.slope(rectified.net(), x)
    np.testing.assert_allclose(question.GX, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(question.R - expected).max() > 1e-3
    (capture,) = backend.capture(x, ClassTarget(rectified.CLASSES), layers=["late"])
    np.testing.assert_allclose(question.G, capture.gradients, rtol=1e-5, atol=1e-7)


def test_the_gradient_of_another_output_is_that_of_its_own_look(
    weights: dict[str, Any], x: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = torch.tensor(x, requires_grad=True)
    (expected,) = torch.autograd.grad(Two(weights)(leaf)["pose"][:, 0].sum(), leaf)
    runs, forward = [], Passes.forward
    monkeypatch.setattr(Passes, "forward", lambda *given: runs.append(1) or forward(*given))
    found = explain(OnnxBackend(written(weights)), x, "out:pose[0]", "gradientxinput")
    np.testing.assert_allclose(found.alpha, expected.numpy(), rtol=1e-4, atol=1e-6)
    assert len(runs) == 2  # the score, and the other output


NO_DERIVATIVE = """<ir_version: 8, opset_import: ["" : 17]>
stopped (float[N, 3, 4, 4] x) => (float[N, 3] y) {
    lost = GlobalLpPool<p = 3>(x)
    b = Add(x, lost)
    a = Tanh(b)
    gap = GlobalAveragePool(a)
    y = Flatten(gap)
}"""


@pytest.mark.usefixtures("no_norm_pools")
def test_a_layer_behind_what_has_no_derivative_keeps_its_map(rng: np.random.Generator) -> None:
    """The picture's gradient is refused; what is asked for beside it is not."""
    backend = OnnxBackend(onnx.parser.parse_model(NO_DERIVATIVE))
    x = rng.normal(size=(1, 3, 4, 4)).astype(np.float32)
    target, names = ClassTarget(1), ["gradient", "gradcam"]
    (question,) = Looks(backend, x, methods=names).questions(target)
    own = explain(backend, x, 1, "gradcam")
    np.testing.assert_array_equal(explained([question], "gradcam").map, own.map)
    with pytest.raises(UnsupportedOpError):
        explained([question], "gradient")
