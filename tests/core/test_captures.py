"""What goes over any backend's look, tried on a linear model whose gradients are known by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.backend import Gradients
from cam_core.captures import blocks, capture, captures, cotangent, with_gradient
from cam_core.errors import InputError, LayerError, TargetError
from tests.core.linear import Linear

W = np.array([[1.0, -2.0], [0.5, 4.0], [3.0, 0.0]])
X = np.arange(16.0).reshape(2, 2, 2, 2)


def about(*classes: int) -> Any:
    return lambda y, outputs: np.eye(3)[list(classes)]


def test_a_capture_is_what_was_seen() -> None:
    backend: Any = Linear(W)
    (found,) = capture(backend, X, about(1, 2))
    assert found.layer == "x"
    assert found.input_gradients is None
    np.testing.assert_array_equal(found.activations, X)
    np.testing.assert_array_equal(found.logits, X.mean((2, 3)) @ W.T)
    np.testing.assert_array_equal(found.outputs["y"], found.logits)
    for row, c in enumerate((1, 2)):
        for k in range(2):
            np.testing.assert_array_equal(found.gradients[row, k], np.full((2, 2), W[c, k] / 4))


def test_several_layers_are_of_one_pass() -> None:
    backend = Linear(W)
    first, second = capture(backend, X, about(0, 0), layers=["x", "2x"])  # type: ignore[arg-type]
    assert (first.layer, second.layer) == ("x", "2x")
    np.testing.assert_array_equal(second.activations, 2 * X)
    np.testing.assert_array_equal(2 * second.gradients, first.gradients)
    assert (backend.looks, backend.pulls) == (1, 1)


def test_the_forward_pass_is_run_now_and_each_target_when_asked() -> None:
    backend, asked = Linear(W), []

    def targets() -> Any:
        for c in range(3):
            asked.append(c)
            yield about(c, c)

    found = captures(backend, X, targets())  # type: ignore[arg-type]
    assert (backend.looks, backend.pulls, asked) == (1, 0, [])
    for c in range(3):
        (one,) = next(found)
        assert (backend.looks, backend.pulls, len(asked)) == (1, c + 1, c + 1)
        assert one.gradients[0, 0, 0, 0] == W[c, 0] / 4
    assert next(found, None) is None


class Inputs:
    """A look that has gradients of its input, and keeps how it was asked."""

    asked: Any = "not yet"

    def look(self, x: Any, *, layers: Any = None, inputs: Any = ()) -> Any:
        self.asked = inputs
        seen = Gradients({"a": 2 * x}, {} if inputs == () else {"x": 3 * x})
        return SimpleNamespace(
            score=x,
            outputs={},
            layers=["a"],
            activations={"a": x},
            regions={},
            pull=lambda target: seen,
        )


@pytest.mark.parametrize(("wanted", "asked"), [(True, None), (False, ())])
def test_gradients_of_inputs_where_they_are_wanted(wanted: bool, asked: Any) -> None:
    backend, x = Inputs(), np.ones((1, 2))
    (found,) = capture(backend, x, about(0), input_gradients=wanted)  # type: ignore[arg-type]
    assert backend.asked == asked
    if wanted:
        assert found.input_gradients is not None
        np.testing.assert_array_equal(found.input_gradients["x"], 3 * x)
    else:
        assert found.input_gradients is None


def look(kind: Any = np.float32) -> Any:
    return SimpleNamespace(score=np.zeros((2, 3), kind), outputs={"more": np.ones(4)})


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_cotangent_has_the_scores_type(kind: Any) -> None:
    def target(y: Any, outputs: Any) -> Any:
        return [[1, 0, outputs["more"].sum()], [0.5, 0, y.shape[0]]]

    found = cotangent(look(kind), target)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, [[1, 0, 4], [0.5, 0, 2]])


@pytest.mark.parametrize("shape", [(2,), (3, 2), (1, 3), (2, 3, 1), ()])
def test_a_cotangent_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(TargetError) as caught:
        cotangent(look(), lambda y, outputs: np.ones(shape))
    assert f"a cotangent {list(shape)} for a score [2, 3]" in str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_rows_are_whole_blocks(count: int) -> None:
    like = np.zeros((3, 4, 5))
    assert blocks("a", np.zeros((3 * count, 4, 5)), like) == count


@pytest.mark.parametrize("shape", [(4, 4, 5), (2, 4, 5), (0, 4, 5), (3, 4), (3, 5, 4), ()])
def test_what_is_no_block_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(LayerError) as caught:
        blocks("a", np.zeros(shape), np.zeros((3, 4, 5)))
    assert f"[3, 4, 5], or a multiple of these rows; A gives {list(shape)}" in str(caught.value)


KNOWN = {"x": True, "ids": False, "z": True}


def test_the_inputs_whose_gradients_are_wanted() -> None:
    assert with_gradient(KNOWN, None) == ["x", "z"]
    assert with_gradient(KNOWN, ("z", "x")) == ["z", "x"]
    assert with_gradient(KNOWN, ()) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [("w", "no input 'w'; the model takes x, ids, z"), ("ids", "input 'ids' has no gradient")],
)
def test_an_input_without_gradient_is_refused(asked: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        with_gradient(KNOWN, ["x", asked])
