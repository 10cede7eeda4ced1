"""What classes and files are called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.cli.naming import best, file_name, probabilities, subject, top_line


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(y) for y in row)
    return [math.exp(y) / total for y in row]


def test_probabilities_are_softmaxes() -> None:
    y = [[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]]
    found = probabilities(np.array(y, np.float32))
    np.testing.assert_allclose(found, [softmax(row) for row in y], rtol=1e-6)
    np.testing.assert_allclose(probabilities(np.array([[1e4, 0.0]])), [[1, 0]])


def test_of_one_class_the_sigmoid() -> None:
    found = probabilities(np.array([[0.0], [2.0], [-800.0]]))
    np.testing.assert_allclose(found, [[0.5], [1 / (1 + math.exp(-2))], [0.0]], atol=1e-300)


def test_what_is_a_probability_stays() -> None:
    p = np.array([[0.25, 0.75], [1.0, 0.0]])
    np.testing.assert_array_equal(probabilities(p), p)
    logits = np.array([[0.25, 0.5]])  # of another sum
    np.testing.assert_allclose(probabilities(logits), [softmax([0.25, 0.5])])


def test_the_best_come_first_and_ties_in_order() -> None:
    likely = np.array([0.1, 0.4, 0.1, 0.4])
    assert best(likely, ["a", "b", "c", "d"], 3) == ((1, "b", 0.4), (3, "d", 0.4), (0, "a", 0.1))
    assert best(likely, None, 1) == ((1, "", 0.4),)
    assert top_line([(1, "b", 0.4), (7, "", 0.25)]) == "b 0.400 · class 7 0.250"


@pytest.mark.parametrize(
    ("text", "name"),
    [("prob:243", "prob-243"), ("243-282", "243-282"), ("a/b c", "a-b-c"), ("..", "target"),
     ("tiger cat", "tiger-cat"), ("été", "été"), ("/", "target")],
)  # fmt: skip
def test_file_names(text: str, name: str) -> None:
    assert file_name(text) == name


def test_subjects() -> None:
    assert subject("243") == "class 243"
    assert subject("prob:243") == "target prob:243"
