"""The contract of a backend: the same tests for each, on the same weights.

What is expected comes from the formulas of two small networks in double precision: their scores
from given activations row by row, their derivatives by autograd through these formulas.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend
from cam_core.backend import Backend
from cam_core.errors import InputError, LayerError, TargetError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from torch import nn  # noqa: E402

from backends.torch import TorchBackend  # noqa: E402
from tests.core.two_networks import BACKENDS, MODELS, Case, Model, network  # noqa: E402


@pytest.fixture(params=BACKENDS)
def opened(request: pytest.FixtureRequest) -> Callable[[Model], Backend]:
    return BACKENDS[request.param]


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest, opened: Callable[[Model], Backend]) -> Case:
    model = MODELS[request.param]
    x = np.random.default_rng(3).normal(size=(2, *model.size)).astype(np.float32)
    return Case(opened(model), model, x)


def close(found: Any, expected: Any) -> None:
    """Float32 against double precision."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def one_hot(*classes: int) -> Any:
    return np.eye(5, dtype=np.float32)[list(classes)]


def about(*classes: int) -> Any:
    """A target: one class a row."""
    return lambda y, outputs: one_hot(*classes)


def test_it_is_a_backend(case: Case) -> None:
    backend = case.backend
    assert isinstance(backend, Backend)
    assert (backend.class_axis, backend.layer_note, dict(backend.metadata)) == (1, "", {})
    assert backend.classes in (None, 5)
    assert isinstance(backend.score_name, str)
    assert "cpu" in backend.provider.casefold()
    assert backend.settings["provider"] == backend.provider


def test_a_look_is_one_forward_pass(case: Case) -> None:
    look = case.backend.look(case.x, layers=case.model.layers)
    assert list(look.layers) == list(case.model.layers)
    assert list(look.activations) == list(case.model.layers)
    for layer in case.model.layers:
        close(look.activations[layer], case.activations(layer))
    expected = case.net()(torch.from_numpy(case.x).double()).detach().numpy()
    close(look.score, expected)
    plain = case.backend.forward(case.x)
    assert list(look.outputs) == list(plain)
    for name, output in look.outputs.items():
        np.testing.assert_allclose(output, plain[name], rtol=1e-5, atol=1e-6)


def test_the_default_layer_is_looked_at_where_none_is_named(case: Case) -> None:
    assert list(case.backend.look(case.x).layers) == [case.default]


def test_each_target_is_pulled_for_itself(case: Case) -> None:
    look = case.backend.look(case.x, layers=case.model.layers, inputs=["x"])
    for classes in ((0, 4), (3, 3), (0, 4)):
        G = look.pull(about(*classes))
        assert list(G.layers) == list(case.model.layers)
        for layer in case.model.layers:
            close(G.layers[layer], case.gradient(layer, one_hot(*classes)))
        close(G.inputs["x"], case.input_gradient(one_hot(*classes)))


def test_a_target_sees_the_score_and_all_outputs(case: Case) -> None:
    look, met = case.backend.look(case.x), []

    def target(y: Any, outputs: Any) -> Any:
        met.append((y, dict(outputs)))
        return 2.0 * one_hot(1, 2).astype(np.float64)

    close(look.pull(target).layers[case.default], case.gradient(case.default, 2 * one_hot(1, 2)))
    assert met[0][0] is look.score
    assert list(met[0][1]) == list(look.outputs)


def test_a_look_without_layers_has_a_score_and_input_gradients(case: Case) -> None:
    bare = case.backend.look(case.x, layers=())
    close(bare.score, case.net()(torch.from_numpy(case.x).double()).detach().numpy())
    assert (list(bare.layers), dict(bare.activations)) == ([], {})
    nothing = bare.pull(about(0, 1))
    assert (dict(nothing.layers), dict(nothing.inputs)) == ({}, {})
    for inputs in (["x"], None):
        G = case.backend.look(case.x, layers=(), inputs=inputs).pull(about(0, 1))
        assert list(G.inputs) == ["x"]
        close(G.inputs["x"], case.input_gradient(one_hot(0, 1)))


def test_a_tail_gives_back_the_score(case: Case) -> None:
    look = case.backend.look(case.x, layers=case.model.layers)
    for layer in case.model.layers:
        np.testing.assert_allclose(
            look.tail(layer)(look.activations[layer]), look.score, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_tail_takes_blocks_of_rows(case: Case, blocks: int, rng: np.random.Generator) -> None:
    look = case.backend.look(case.x, layers=case.model.layers)
    for layer in case.model.layers:
        tail, shape = look.tail(layer), look.activations[layer].shape
        for _ in range(3):  # the first run of a live module is not like those after it
            A = rng.normal(size=(blocks * 2, *shape[1:])).astype(np.float32)
            rows = [(i, i % 2) for i in range(2 * blocks)]
            close(tail(A), case.score(layer, A, rows))


def test_gradients_are_the_slopes_of_the_tail(case: Case, rng: np.random.Generator) -> None:
    look = case.backend.look(case.x, layers=case.model.layers)
    G, h = look.pull(about(4, 1)).layers, 1e-2
    for layer in case.model.layers:
        A, tail = look.activations[layer].astype(np.float64), look.tail(layer)
        d = rng.normal(size=A.shape)
        up, down = (np.sum(tail(A + step * d) * one_hot(4, 1)) for step in (h, -h))
        assert (up - down) / (2 * h) == pytest.approx(np.sum(G[layer] * d), rel=1e-2)


def test_tails_of_several_looks_do_not_mix(case: Case, rng: np.random.Generator) -> None:
    other = Case(case.backend, case.model, case.x[::-1] + np.float32(0.5))
    looks = [(c, c.backend.look(c.x)) for c in (case, other)]
    tails = [(c, look.tail(c.default)) for c, look in looks]
    A = rng.normal(size=looks[0][1].activations[case.default].shape).astype(np.float32)
    for c, tail in tails * 3:
        close(tail(A), c.score(c.default, A, [(0, 0), (1, 1)]))


def test_a_tail_refuses_what_is_no_block(case: Case) -> None:
    look = case.backend.look(case.x)
    tail, A = look.tail(case.default), look.activations[case.default]
    shown = r"\[" + ", ".join(map(str, A.shape)) + r"\]"
    for wrong in (A[:1], np.concatenate([A, A[:1]]), A[:, :-1], A[..., :1], A[:0], A[0], A.sum()):
        with pytest.raises(LayerError, match=f"'{case.default}' takes activations {shown}"):
            tail(wrong)


def test_what_was_not_looked_at_has_no_tail(case: Case) -> None:
    with pytest.raises(LayerError, match=f"'head' was not looked at; there are {case.default}"):
        case.backend.look(case.x).tail("head")
    with pytest.raises(LayerError, match="there are none"):
        case.backend.look(case.x, layers=()).tail(case.default)


def test_captures_go_over_a_look(case: Case) -> None:
    asked = [(0, 4), (2, 2)]
    layers = [*case.model.layers, case.model.layers[0]]
    targets = [about(*classes) for classes in asked]
    found = list(case.backend.captures(case.x, iter(targets), layers=layers, input_gradients=True))
    look = case.backend.look(case.x, layers=layers, inputs=None)
    for target, seen in zip(targets, found, strict=True):
        G = look.pull(target)
        assert [c.layer for c in seen] == layers
        for c in seen:
            np.testing.assert_array_equal(c.logits, look.score)
            np.testing.assert_array_equal(c.activations, look.activations[c.layer])
            np.testing.assert_array_equal(c.gradients, G.layers[c.layer])
            np.testing.assert_array_equal(c.input_gradients["x"], G.inputs["x"])
            assert list(c.outputs) == list(look.outputs)
    (alone,) = case.backend.capture(case.x, targets[0])
    assert (alone.layer, alone.input_gradients) == (case.default, None)
    close(alone.gradients, case.gradient(case.default, one_hot(0, 4)))


def test_targets_are_asked_one_by_one(case: Case) -> None:
    asked = []

    def targets() -> Any:
        for c in (0, 1):
            asked.append(c)
            yield about(c, c)

    found = case.backend.captures(case.x, targets())
    assert not asked
    next(found)
    assert asked == [0]


def test_what_a_look_shows_cannot_be_written(case: Case) -> None:
    look = case.backend.look(case.x)
    for array in (look.score, look.activations[case.default], *look.outputs.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_is_written_into_x_later_changes_nothing(case: Case, rng: np.random.Generator) -> None:
    x = case.x.copy()
    look = case.backend.look(x, layers=case.model.layers, inputs=["x"])
    x[:] = 7
    G = look.pull(about(1, 2))
    close(G.inputs["x"], case.input_gradient(one_hot(1, 2)))
    for layer in case.model.layers:
        close(G.layers[layer], case.gradient(layer, one_hot(1, 2)))
        A = rng.normal(size=look.activations[layer].shape).astype(np.float32)
        close(look.tail(layer)(A), case.score(layer, A, [(0, 0), (1, 1)]))


def test_other_weights_make_another_model(case: Case) -> None:
    doubled = case.backend.with_weights(lambda name, w: 2 * w if name.startswith("head") else w)
    mine, other = (b.look(case.x) for b in (case.backend, doubled))
    close(other.score, 2 * mine.score)
    close(
        other.pull(about(1, 2)).layers[case.default],
        2 * case.gradient(case.default, one_hot(1, 2)),
    )


READ = {
    "cnn": ["conv1", "conv2", "head"],
    "tokens": ["patch", "norm1", "mix", "norm2", "head"],
}
"""The weights in the order in which they are read; a token beside the patches may be anywhere."""


def test_weights_are_changed_in_the_order_in_which_they_are_read(case: Case) -> None:
    names: list[str] = []

    def note(name: str, weight: Any) -> Any:
        names.append(name)
        return weight

    for _ in range(2):
        case.backend.with_weights(note)
    (expected,) = (order for order in READ.values() if any(n.startswith(order[0]) for n in names))
    found = [re.split(r"[._/](?=weight|kernel|gamma)", n)[0] for n in names if "token" not in n]
    assert found == 2 * expected


def test_the_layers_list_what_may_be_looked_at(case: Case) -> None:
    backend = case.backend
    if isinstance(backend, TorchBackend):
        backend = TorchBackend(network(case.model), example=case.x)
    listed = backend.layers()
    assert [layer.name for layer in listed if layer.default] == [case.default]
    assert {layer.name for layer in listed} >= set(case.model.layers)
    (info,) = backend.inputs()
    assert (info.name, tuple(info.shape[1:]), info.channel_axis) == ("x", case.model.size, 1)


ERRORS = [
    (lambda b, x: b.look(x, layers=["nowhere"]), LayerError, "nowhere"),
    (lambda b, x: b.look(x, inputs=["z"]), InputError, "no input 'z'; the model takes x"),
    (lambda b, x: b.look({"z": x}), InputError, "no input 'z'"),
    (lambda b, x: b.look(x).pull(lambda y, _: y[:1]), TargetError, r"\[1, 5\] for a score \[2, 5"),
    (lambda b, x: b.look(x, layers=()).pull(lambda y, _: y[0]), TargetError, "cotangent"),
]


@pytest.mark.parametrize(
    ("call", "error", "words"), ERRORS, ids=["layer", "input", "feed", "cotangent", "bare"]
)
def test_errors(case: Case, call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(case.backend, case.x)


PAIR = """<ir_version: 8, opset_import: ["" : 17]>
pair (float[N, 2, 4, 4] x, float[N, 2, 4, 4] z, int64[N, 2] k) => (float[N, 2] y) {
    p = MaxPool<kernel_shape = [1, 1]>(x)
    a = Tanh(p)
    b = Mul(a, z)
    m = ReduceMean<axes = [2, 3], keepdims = 0>(b)
    f = Cast<to = 1>(k)
    y = Mul(m, f)
}"""


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.p, self.a = nn.MaxPool2d(1), nn.Tanh()

    def forward(self, x: Any, z: Any, k: Any) -> Any:
        return (self.a(self.p(x)) * z).mean((2, 3)) * k


@pytest.fixture(params=["onnx", "torch"])
def pair(request: pytest.FixtureRequest) -> Backend:
    if request.param == "onnx":
        return OnnxBackend(onnx.parser.parse_model(PAIR))
    return TorchBackend(Pair())


def test_inputs_beside_the_layer_go_with_their_rows(
    pair: Backend, rng: np.random.Generator
) -> None:
    feed = {n: rng.normal(size=(3, 2, 4, 4)).astype(np.float32) for n in "xz"}
    feed["k"] = rng.integers(1, 9, (3, 2))
    look = pair.look(feed, layers=["a"], inputs=["z"])
    given = {n: a.copy() for n, a in feed.items()}
    for array in feed.values():
        array[:] = 0
    A = rng.normal(size=(6, 2, 4, 4)).astype(np.float32)
    for _ in range(2):
        found = look.tail("a")(A)
        for i in range(6):
            expected = (A[i] * given["z"][i % 3]).mean((1, 2)) * given["k"][i % 3]
            np.testing.assert_allclose(found[i], expected, rtol=1e-4, atol=1e-5)
    G = look.pull(lambda y, _: np.ones_like(y)).inputs["z"]
    slope = np.tanh(given["x"]) * given["k"][:, :, None, None] / 16
    np.testing.assert_allclose(G, slope, rtol=1e-4)
    every = pair.look(given, layers=(), inputs=None).pull(lambda y, _: y)
    assert list(every.inputs) == ["x", "z"]


def test_integers_have_no_gradient(pair: Backend, rng: np.random.Generator) -> None:
    feed = {n: rng.normal(size=(3, 2, 4, 4)).astype(np.float32) for n in "xz"}
    with pytest.raises(InputError, match="'k' has no gradient"):
        pair.look(feed | {"k": np.ones((3, 2), np.int64)}, layers=(), inputs=["k"])
