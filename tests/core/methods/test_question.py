"""What a question gives a method, each against a loop over single runs or torch's autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.parser
import pytest

from backends.onnx import OnnxBackend
from cam_core.demo import MODEL
from cam_core.errors import InputError
from cam_core.looking import Looks
from cam_core.methods import Question
from cam_core.methods import question as asked
from cam_core.methods.answered import Blocks
from cam_core.targets.classes.one_class import ClassTarget

pytest.importorskip("onnxruntime")
Array = np.ndarray
CLASSES = (1, 4)
"""One a row: a block of rows must keep its own."""


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(MODEL.read_bytes())


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


@pytest.fixture
def question(backend: OnnxBackend, x: Array) -> Question:
    (found,) = Looks(backend, x).questions(ClassTarget(CLASSES))
    return found


def one_by_one(backend: OnnxBackend, x: Array) -> Array:
    """Y of each row, run alone."""
    rows = [backend.look(row[None], layers=()).score[0] for row in x]
    return np.array([y[c] for y, c in zip(rows, CLASSES, strict=True)])


def test_what_was_seen(question: Question, backend: OnnxBackend, x: Array) -> None:
    assert (question.rows, question.layer) == (2, backend.default_layer)
    np.testing.assert_allclose(question.Y, one_by_one(backend, x), rtol=1e-5)
    (capture,) = backend.capture(x, ClassTarget(CLASSES))
    np.testing.assert_array_equal(question.A, capture.activations)
    np.testing.assert_array_equal(question.G, capture.gradients)


def test_nothing_is_pulled_before_it_is_asked_for(
    backend: OnnxBackend, x: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, pulls = Looks(backend, x), []
    pull = type(looks.first).pull
    monkeypatch.setattr(
        type(looks.first), "pull", lambda look, target: pulls.append(1) or pull(look, target)
    )
    (question,) = looks.questions(ClassTarget(CLASSES))
    assert question.A.shape[0] == 2
    assert not pulls
    assert question.G is question.G
    assert pulls == [1]


@pytest.mark.parametrize("batch", [1, 4, 32])
def test_scores_of_changed_pictures_are_those_of_each_alone(
    question: Question, backend: OnnxBackend, x: Array, batch: int
) -> None:
    changed = [x * factor for factor in (0.0, 0.5, 1.0)]
    found = question.passes(changed, batch)
    expected = [one_by_one(backend, each) for each in changed]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 4, 32])
def test_scores_of_changed_activations_lead_back_to_the_own(question: Question, batch: int) -> None:
    found = question.tails([question.A, 0 * question.A, question.A], batch)
    np.testing.assert_allclose(found[[0, 2]], [question.Y] * 2, rtol=1e-5)
    assert np.all(np.abs(found[1] - question.Y) > 1e-3)


@pytest.mark.parametrize("batch", [1, 32])
def test_gradients_at_changed_pictures_are_those_of_each_alone(
    question: Question, backend: OnnxBackend, x: Array, batch: int
) -> None:
    points = [x, 0.5 * x]
    for point, g in zip(points, question.gradients(points, batch=batch), strict=True):
        for row, c in enumerate(CLASSES):
            look = backend.look(point[row : row + 1], layers=(), inputs=None)
            alone = look.pull(ClassTarget(c)).inputs["image"]
            np.testing.assert_allclose(g[row], alone[0], rtol=1e-4, atol=1e-6)


def test_the_layer_at_changed_pictures(question: Question, backend: OnnxBackend, x: Array) -> None:
    points = [x, 0.25 * x]
    for point, (A, G) in zip(points, question.at_layer(points), strict=True):
        (capture,) = backend.capture(point, ClassTarget(CLASSES))
        np.testing.assert_allclose(A, capture.activations, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(G, capture.gradients, rtol=1e-4, atol=1e-6)


def test_what_no_target_changes_is_made_once(backend: OnnxBackend, x: Array) -> None:
    looks, made = Looks(backend, x), []
    for c in (0, 1):
        (question,) = looks.questions(ClassTarget(c))
        assert question.once("masks", lambda: made.append(1) or "masks") == "masks"
    assert made == [1]


def test_guided_gradients_are_none_of_a_backend_that_has_none(question: Question) -> None:
    class Bare:
        inputs = staticmethod(question.backend.inputs)

    question.backend = Bare()  # type: ignore[assignment]
    with pytest.raises(InputError, match="no guided backpropagation"):
        next(iter(question.gradients([question.picture], guided=True)))


def test_large_activations_are_scored_a_few_at_a_time(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, seen = question.look.tail, []

    def tail(layer: str) -> Any:
        run = own(layer)
        return lambda A: seen.append(len(A)) or run(A)

    monkeypatch.setattr(question.look, "tail", tail)
    whole = question.tails([question.A * i for i in range(5)])
    monkeypatch.setattr(asked, "BLOCK", 2 * question.A.nbytes)
    pieces = question.tails([question.A * i for i in range(5)])
    assert seen == [2 * 5, 2 * 2, 2 * 2, 2]
    np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-5)


def test_scores_with_a_name_are_shared_by_the_targets_of_a_look(
    backend: OnnxBackend, x: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, read = Looks(backend, x), []
    for c in (0, 1):
        (question,) = looks.questions(ClassTarget(c))
        for key in ("half", None):
            halves = (read.append(key) or 0.5 * x for _ in range(1))
            (found,) = question.passes(halves, key=key)
            expected = backend.look(0.5 * x, layers=()).score[:, c]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert read == ["half", None, None]


def test_a_long_row_of_passes_says_how_far_it_is(backend: OnnxBackend, x: Array) -> None:
    told: list[float] = []
    (question,) = Looks(backend, x, told=told.append).questions(ClassTarget(0))
    question.passes([x, x, x, x])
    question.tails([question.A, question.A])
    assert told == [0.25, 0.5, 0.75, 1, 0.5, 1]


def test_without_layers_there_is_one_question_where_nobody_asks_for_any(
    backend: OnnxBackend, x: Array
) -> None:
    (question,) = Looks(backend, x, (), methods=["occlusion"]).questions(ClassTarget(0))
    assert (question.layer, question.space) == ("", (2, 3))
    assert Looks(backend, x, ()).questions(ClassTarget(0)) == []


def test_the_top_class_stays_what_it_was(backend: OnnxBackend, x: Array) -> None:
    """A changed picture may have another one at the top."""
    x[0, :, 64:] = 1
    own = backend.look(x, layers=()).score
    rows, top = np.arange(2), np.argmax(own, axis=1)
    changed = [x[::-1], 1 - x, 0 * x]
    each = [backend.look(one, layers=()).score for one in changed]
    assert any(np.any(np.argmax(y, axis=1) != top) for y in each)
    (question,) = Looks(backend, x).questions(ClassTarget(-1))
    expected = [y[rows, top] for y in each]
    np.testing.assert_allclose(question.passes(changed), expected, rtol=1e-4, atol=1e-5)
    zeros = [0 * question.A]
    y = question.look.tail(question.layer)(zeros[0])
    np.testing.assert_allclose(question.tails(zeros), [y[rows, top]], rtol=1e-4, atol=1e-5)
    (G,) = question.gradients(changed[:1])
    look = backend.look(changed[0], layers=(), inputs=None)
    alone = look.pull(ClassTarget(tuple(int(c) for c in top))).inputs["image"]
    np.testing.assert_allclose(G, alone, rtol=1e-4, atol=1e-6)


BYTES = """<ir_version: 8, opset_import: ["" : 17]>
bytes (uint8[N, 4, 5, 3] x) => (float[N, 3] y) {
    f = Cast<to = 1>(x)
    t = Transpose<perm = [0, 3, 1, 2]>(f)
    r = Relu(t)
    g = GlobalAveragePool(r)
    y = Flatten(g)
}"""


def test_a_picture_of_bytes_can_be_changed_and_has_no_gradient(rng: np.random.Generator) -> None:
    backend = OnnxBackend(onnx.parser.parse_model(BYTES))
    x = rng.integers(0, 255, (2, 4, 5, 3), dtype=np.uint8)
    (question,) = Looks(backend, x).questions(ClassTarget(1))
    assert (question.input.name, question.space) == ("x", (1, 2))
    (found,) = question.passes([x * 0.3])
    np.testing.assert_allclose(found, np.rint(x * 0.3)[..., 1].mean((1, 2)), rtol=1e-5)
    with pytest.raises(InputError, match="input 'x' has no gradient"):
        next(question.gradients([x]))


def test_a_target_of_rows_is_one_of_blocks_of_them() -> None:
    y = np.arange(12.0).reshape(4, 3)
    seen: list[Any] = []

    class Told(ClassTarget):
        def __call__(self, y: Array, outputs: Any = None) -> Array:
            seen.append({name: values.tolist() for name, values in outputs.items()})
            return super().__call__(y)

    outputs = {"rows": np.arange(4), "whole": np.arange(3)}
    slope = Blocks(Told((0, 2)), 2)(y, outputs)
    np.testing.assert_array_equal(slope, [[1, 0, 0], [0, 0, 1]] * 2)
    assert seen == [{"rows": [0, 1], "whole": [0, 1, 2]}, {"rows": [2, 3], "whole": [0, 1, 2]}]
