"""Explanations by methods that ask the model for more than A and G, written here for the test."""

from __future__ import annotations

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from cam_core import answers, explain, explain_all
from cam_core.answers import from_capture
from cam_core.backend import Capture
from cam_core.demo import MODEL
from cam_core.errors import InputError
from cam_core.methods import METHODS, Method, Question
from cam_core.targets.classes.one_class import ClassTarget
from tests.scaled_detector import instead, scaled_detector

pytest.importorskip("onnxruntime")
Array = np.ndarray


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(MODEL.read_bytes())


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


def without_channels(question: Question) -> Array:
    """alpha_k = Y - Y without channel k [N, K, 1, 1]."""
    K = question.A.shape[1]
    kept = (np.where(np.arange(K)[:, None, None] == k, 0, question.A) for k in range(K))
    return (question.Y - question.tails(kept)).T[..., None, None]


def quarters(question: Question) -> Array:
    """Y lost as a quarter of the picture goes dark [N, 2, 2]."""
    found = []
    for i in range(4):
        hidden = question.picture.copy()
        y, x = 64 * (i // 2), 64 * (i % 2)
        hidden[..., y : y + 64, x : x + 64] = 0
        found.append(hidden)
    return (question.Y - question.passes(found)).T.reshape(-1, 2, 2)


def slope(X: Array, G: Array) -> Array:
    """The largest |dY/dx| of a pixel's channels."""
    return np.max(np.abs(G), axis=1)


@pytest.fixture(autouse=True)
def _rows(monkeypatch: pytest.MonkeyPatch) -> None:
    tail, passes = frozenset({"tail"}), frozenset({"passes"})
    rows = {
        "silenced": Method(without_channels, "", "", needs=tail),
        "quarters": Method(quarters, "", "", needs=passes, gives="map", at="input"),
        "slope": Method(slope, "", "", gives="map", at="input"),
        "product": Method(lambda X, G: G, "", "", at="input"),
    }
    for name, row in rows.items():
        monkeypatch.setitem(METHODS, name, row)


def test_alpha_from_scores_of_changed_activations(backend: OnnxBackend, x: Array) -> None:
    found = explain(backend, x, [1, 4], "silenced")
    look = backend.look(x)
    (A,), run = look.activations.values(), look.tail(look.layers[0])
    signed = np.zeros_like(found.signed)
    for row, c in enumerate((1, 4)):
        for k in range(A.shape[1]):
            without = A.copy()
            without[row, k] = 0
            alpha = look.score[row, c] - run(without)[row, c]
            signed[row] += alpha * A[row, k]
    np.testing.assert_allclose(found.signed, signed, rtol=1e-3, atol=1e-4 * np.abs(signed).max())
    np.testing.assert_array_equal(found.map, np.maximum(found.signed, 0))
    assert found.layer == backend.default_layer


def test_a_map_over_the_input_covers_all_of_it(backend: OnnxBackend, x: Array) -> None:
    x[:, :, 64:, :64] = 0  # what is dark already loses nothing
    found = explain(backend, x, 1, "quarters")
    assert (found.layer, found.map.shape, found.alpha) == ("image", (2, 2, 2), None)
    assert found.region is not None
    assert found.region.whole
    assert found.region.axes == (2, 3)
    np.testing.assert_allclose(found.signed[:, 1, 0], 0, atol=1e-5)
    assert np.all(np.abs(found.signed[:, 0]) > 1e-4)
    assert found.heatmap((128, 128)).shape == (2, 128, 128)


def test_a_function_of_arrays_at_the_input_gets_its_gradient(
    backend: OnnxBackend, x: Array
) -> None:
    G = backend.look(x, layers=(), inputs=None).pull(ClassTarget(2)).inputs["image"]
    found = explain(backend, x, 2, "slope")
    np.testing.assert_allclose(found.map, np.abs(G).max(axis=1), rtol=1e-5)
    product = explain(backend, x, 2, "product")
    np.testing.assert_allclose(product.signed, (G * x).sum(axis=1), rtol=1e-4, atol=1e-6)


def test_methods_at_the_input_do_not_count_layers(backend: OnnxBackend, x: Array) -> None:
    layers = ["relu_1", "relu_3"]
    found = explain_all(backend, x, [1], ["slope", "gradcam"], layers=layers)
    assert [(e.layer, e.method) for e in found] == [
        ("image", "slope"),
        ("relu_1", "gradcam"),
        ("relu_3", "gradcam"),
    ]


def test_a_map_that_nothing_moves_is_said_to_be_zero(
    backend: OnnxBackend, x: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    zero = Method(lambda q: np.zeros((2, 4, 4)), "", "", needs=frozenset({"tail"}), gives="map")
    monkeypatch.setitem(METHODS, "zero", zero)
    found = explain(backend, x, 1, "zero")
    assert found.blank.all()
    assert found.diagnosis == ("the map is zero: nothing that was tried moves the target",) * 2


def test_differences_between_scores_are_no_more_exact_than_the_scores(
    backend: OnnxBackend, x: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A map of Y (1 + rounding) - Y: below what Y itself is rounded by, whatever its own size."""

    def rounding(question: Question) -> Array:
        return np.abs(question.Y)[:, None, None] * np.full((1, 4, 4), 2e-7)

    for need, noise in (("passes", True), ("tail", True), ("gradients", False)):
        needs = frozenset({need, "input gradients"} if need == "gradients" else {need})
        row = Method(rounding, "", "", needs=needs, gives="map", at="input")  # type: ignore[arg-type]
        monkeypatch.setitem(METHODS, "rounding", row)
        found = explain(backend, x, 1, "rounding")
        assert found.blank.all() == noise
        assert ("rounding noise" in found.diagnosis[0]) == noise


def test_a_capture_does_not_know_the_input(backend: OnnxBackend, x: Array) -> None:
    (capture,) = backend.capture(x, ClassTarget(1))
    with pytest.raises(InputError, match="method 'slope' is about the input: a capture does not"):
        from_capture(capture, ClassTarget(1), "slope")


def test_of_a_layer_without_a_gradient_all_but_the_target_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three anchors of the fine scale: the coarse one is blank for each of them."""
    edit = instead("(nf, w4)", "(fine, w4)")
    backend = OnnxBackend(scaled_detector(edit=edit), score="=y")
    picture = np.random.default_rng(7).normal(size=(1, 3, 32, 32)).astype(np.float32)
    layers, asked = ["nf", "nc"], ["0@anchor:3", "1@anchor:40", "2@anchor:63"]
    alone = [explain_all(backend, picture, [one], ["hirescam"], layers=layers) for one in asked]
    told = []
    own = answers.from_capture
    monkeypatch.setattr(
        answers, "from_capture", lambda c, *a, **k: told.append(c) or own(c, *a, **k)
    )
    found = explain_all(backend, picture, asked, ["hirescam"], layers=layers)
    assert [one.layer for one in told] == ["nf", "nc", "nf", "nf"]
    for one, expected in zip(found, [e for each in alone for e in each], strict=True):
        assert one.facts() == expected.facts()
        np.testing.assert_array_equal(one.signed, expected.signed)


def test_a_window_of_maps_is_none_of_rows_of_frames(rng: np.random.Generator) -> None:
    """Two frames a row; the gradient is that of one channel at one place."""
    A, G = rng.uniform(1, 2, size=(2, 3, 4, 5)), np.zeros((2, 3, 4, 5))
    G[1, 2, 3, 4] = 1
    capture = Capture("a", np.array([[0.5, 1]]), A, G, within=(slice(3, 4), slice(4, 5)))
    found = from_capture(capture, ClassTarget(1), "hirescam")
    assert found.diagnosis == ("",)
    assert found.signed[0, 1, 3, 4] == A[1, 2, 3, 4]


@pytest.mark.parametrize("within", [None, (slice(1, 3), slice(1, 3))])
def test_activations_that_are_no_numbers_are_said_wherever_they_lie(
    within: tuple[slice, slice] | None, rng: np.random.Generator
) -> None:
    """Where the gradient is 0, too, as of one box of a detector: of the first row alone."""
    A, G = rng.uniform(1, 2, size=(2, 3, 8, 8)), np.zeros((2, 3, 8, 8))
    G[:, :, 1:3, 1:3], A[0, 1, 6, 6] = 1, np.nan
    capture = Capture("a", np.array([[0.5, 1], [1, 2]]), A, G, within=within)
    found = from_capture(capture, ClassTarget(1), "hirescam").diagnosis
    assert found[0].startswith("NaN or inf in the activations: ")
    assert found[1] == ""
