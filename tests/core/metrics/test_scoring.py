"""A score out of a backend: what it asks, of which class, and how often."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cam_core import open_backend
from cam_core.backend import InputInfo
from cam_core.demo import DETECTOR, MODEL, PREPROCESS, load_crowds, load_scenes
from cam_core.errors import InputError
from cam_core.image import DETECTORS, PRESETS, preprocess
from cam_core.metrics.scoring import Counted, backend_score, row_scores, scores_of
from cam_core.targets import ProbabilityTarget, parse_target
from tests.core.linear import Linear

Array = np.ndarray


@pytest.fixture
def linear(rng: np.random.Generator) -> Linear:
    found = Linear(rng.normal(size=(3, 4)))
    found.inputs = lambda: [InputInfo("x", ("N", 4, 2, 2), np.dtype(np.float32), 1)]  # type: ignore[attr-defined]
    return found


def test_the_class_is_settled_on_the_input_as_it_stands(
    linear: Linear, rng: np.random.Generator
) -> None:
    """Another class becomes the top one where the input is turned round, and is not asked for."""
    x = rng.normal(size=(1, 4, 2, 2))
    logits = x.mean(axis=(2, 3)) @ linear.W.T
    changed = np.concatenate([x, -x, 3 * x])
    expected = logits[0, logits[0].argmax()] * np.array([1, -1, 3])
    assert (-logits[0]).argmax() != logits[0].argmax()
    np.testing.assert_allclose(backend_score(linear, x)(changed), expected)


def test_a_class_by_number_and_by_name(linear: Linear, rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 4, 2, 2))
    expected = x.mean(axis=(2, 3)) @ linear.W[2]
    np.testing.assert_allclose(backend_score(linear, x, 2)(x), expected)
    named = backend_score(linear, x, "cat", labels=["ant", "bee", "cat"])
    np.testing.assert_allclose(named(x), expected)


def test_forward_passes_are_counted(linear: Linear, rng: np.random.Generator) -> None:
    score = backend_score(linear, rng.normal(size=(1, 4, 2, 2)))
    assert (score.rows, score.calls, linear.looks) == (0, 0, 1)  # to settle the class
    scores_of(score, rng.normal(size=(7, 4, 2, 2)), batch=3)
    assert (score.rows, score.calls, linear.looks, linear.pulls) == (7, 3, 4, 0)


def test_the_batch_changes_no_number(linear: Linear, rng: np.random.Generator) -> None:
    score, x = (
        backend_score(linear, rng.normal(size=(1, 4, 2, 2)), 1),
        rng.normal(size=(7, 4, 2, 2)),
    )
    expected = x.mean(axis=(2, 3)) @ linear.W[1]
    for batch in (1, 3, 7, 50):
        np.testing.assert_allclose(scores_of(score, iter(x), batch), expected)


def test_probabilities_of_a_model_in_a_file() -> None:
    pytest.importorskip("onnxruntime")
    backend = open_backend(MODEL.read_bytes())
    x = preprocess(load_scenes()[0].pixels(), PRESETS[PREPROCESS], backend.inputs()[0]).x
    changed = np.concatenate([x, x[..., ::-1], 0 * x])
    logits = backend.look(changed, layers=()).score.astype(np.float64)
    np.testing.assert_allclose(backend_score(backend, x, 4)(changed), logits[:, 4], rtol=1e-5)
    asked = ProbabilityTarget(4, how="softmax")  # the demo's classifier makes none itself
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = odds[:, 4] / odds.sum(axis=1)
    np.testing.assert_allclose(backend_score(backend, x, asked)(changed), expected, rtol=1e-4)


def test_a_box_found_in_the_input_is_asked_for_in_all() -> None:
    """The best box, whatever others become better: its own number in each row's output."""
    pytest.importorskip("onnxruntime")
    backend = open_backend(DETECTOR.read_bytes())
    info = backend.inputs()[0]
    x = preprocess(load_crowds()[0].pixels(), DETECTORS[""][1], info).x
    changed = np.concatenate([x, x[..., ::-1]])
    look = backend.look(x, layers=())
    score = backend_score(backend, x, "box:1")
    found = score(changed)
    mirrored = score(changed[1:])
    assert found.shape == (2,)
    np.testing.assert_allclose(found[1:], mirrored, rtol=1e-4, atol=1e-5)
    assert np.isclose(found[0], look.score).any()
    assert found[0] > found[1]  # nothing is where the box was


def test_other_inputs_stay_as_they_are(rng: np.random.Generator) -> None:
    """Two inputs, one of which has rows; the score sees both."""
    side, table = rng.normal(size=(1, 2)), rng.normal(size=(3,))
    met = []

    def look(x: dict[str, Array], *, layers: object, inputs: object = ()) -> SimpleNamespace:
        met.append({name: value.shape for name, value in x.items()})
        y = x["photo"].sum(axis=(1, 2, 3))[:, None] * x["side"] + x["table"][:2]
        return SimpleNamespace(score=y, outputs={"y": y}, layers=[])

    infos = [
        InputInfo("photo", ("N", 1, 2, 2), np.dtype(np.float32), 1),
        InputInfo("side", ("N", 2), np.dtype(np.float32)),
        InputInfo("table", (3,), np.dtype(np.float32), row_axis=None),
    ]
    backend = SimpleNamespace(look=look, inputs=lambda: infos, class_axis=1)
    x = {"photo": rng.normal(size=(1, 1, 2, 2)), "side": side, "table": table}
    changed = rng.normal(size=(5, 1, 2, 2))
    found = backend_score(backend, x, 1, vary="photo")(changed)  # type: ignore[arg-type]
    expected = changed.sum(axis=(1, 2, 3)) * side[0, 1] + table[1]
    np.testing.assert_allclose(found, expected)
    assert met[-1] == {"photo": (5, 1, 2, 2), "side": (5, 2), "table": (3,)}
    for vary in (None, "phot"):
        with pytest.raises(InputError, match="vary=NAME"):
            backend_score(backend, x, 1, vary=vary)  # type: ignore[arg-type]


def test_row_by_row_what_one_row_was_asked() -> None:
    """A target of one class a row, found in a single row, is asked of any number."""
    y = np.array([[1.0, 2], [3, 4], [5, 6]])
    (target,) = parse_target("0")
    held = target.held(y[:1])
    assert row_scores(held, y, {"y": y}).tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("score", "batch", "words"),
    [
        (lambda x: x, 2, "not one number an input"),
        (lambda x: np.zeros(1), 2, r"shape \(1,\) for 2 inputs"),
        (lambda x: np.full(len(x), np.nan), 2, "NaN or inf"),
        (lambda x: np.zeros(len(x)), 0, "a batch of 0"),
    ],
)
def test_what_is_no_score(score: object, batch: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        scores_of(Counted(score), np.ones((3, 2, 2)), batch)  # type: ignore[arg-type]


def test_one_row_is_settled_at_a_time(linear: Linear, rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="one input, not on 2"):
        backend_score(linear, rng.normal(size=(2, 4, 2, 2)))
    with pytest.raises(InputError, match="2 targets"):
        backend_score(linear, rng.normal(size=(1, 4, 2, 2)), "top:2")
