"""What classes and files are called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.cli.naming import (
    Likely,
    Scored,
    as_record,
    best,
    file_name,
    probabilities,
    stem_of,
    subject,
    top_line,
)


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(y) for y in row)
    return [math.exp(y) / total for y in row]


def test_probabilities_are_softmaxes() -> None:
    y = [[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]]
    found = probabilities(np.array(y, np.float32), "softmax")
    np.testing.assert_allclose(found, [softmax(row) for row in y], rtol=1e-6)
    np.testing.assert_allclose(probabilities(np.array([[1e4, 0.0]]), "softmax"), [[1, 0]])


def test_or_the_sigmoid_of_each() -> None:
    found = probabilities(np.array([[0.0, 2.0, -800.0]]), "sigmoid")
    np.testing.assert_allclose(found, [[0.5, 1 / (1 + math.exp(-2)), 0.0]], atol=1e-300)


def test_where_the_model_has_none_there_is_none() -> None:
    assert probabilities(np.array([[0.25, 0.75]]), "") is None


def test_the_best_come_first_and_ties_in_order() -> None:
    y, names = np.array([-1.0, 0.0, -1.0, 0.0]), ["a", "b", "c", "d"]
    p = softmax(y.tolist())
    found = best(y, "softmax", names, 3)
    assert [(c, label) for c, label, _ in found] == [(1, "b"), (3, "d"), (0, "a")]
    np.testing.assert_allclose([value for *_, value in found], [p[1], p[3], p[0]])
    assert best(y, "sigmoid", None, 1) == ((1, "", 0.5),)
    assert best(y, "", names, 2) == ((1, "b", 0.0), (3, "d", 0.0))


def test_the_top_line_says_scores_where_they_are_no_probabilities() -> None:
    likely = (Likely(1, "b", 0.4), Likely(7, "", 0.25))
    assert top_line(likely) == "b 0.400 · class 7 0.250"
    assert top_line((Scored(1, "b", 9.4),)) == "b 9.400 (scores)"
    assert top_line(likely, "label") == "b 0.400 · label 7 0.250"


def test_a_record_of_the_best_calls_a_score_a_score() -> None:
    assert as_record((Likely(1, "b", 0.4),)) == [{"class": 1, "label": "b", "probability": 0.4}]
    assert as_record((Scored(7, "", 9.4),)) == [
        {"class": 7, "label": None, "probability": None, "score": 9.4}
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("prob:243", "prob-243"), ("243-282", "243-282"), ("a/b c", "a-b-c"), ("..", "target"),
     ("tiger cat", "tiger-cat"), ("été", "été"), ("/", "target")],
)  # fmt: skip
def test_file_names(text: str, name: str) -> None:
    assert file_name(text) == name


@pytest.mark.parametrize(
    ("target", "name"),
    [("like:photos/b.png", "like-b"), ("unlike:../v.npy", "unlike-v"), ("prob:243", "prob-243"),
     ("against:like:/a/b.c.png", "against-like-b.c"), ("mask:m/left.png@12", "mask-left-12"),
     ("mask:m/left.npy", "mask-left"), ("a/b", "a-b")],
)  # fmt: skip
def test_a_file_that_a_target_is_about_is_called_by_its_stem(target: str, name: str) -> None:
    assert stem_of("x", target, "gradcam") == f"x.{name}.gradcam"


def test_subjects() -> None:
    assert subject("243") == "class 243"
    assert subject("prob:243") == "target prob:243"
    assert subject("0", "value") == "value 0"
