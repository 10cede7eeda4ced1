"""The places where a class wins: counted by loops, differentiated by torch, read in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.region import Places, Region
from cam_core.targets import Asking, CellsTarget, RegionTarget, Seen, parse_target

NAMES = ["background", "cat", "dog"]
REGION = Region("x", (2, 3), ((0, 1), (0, 1)), (2, 3))


def head(activation: str = "Softmax", layout: str = "NCHW") -> Head:
    axis = layout.index("C")
    return Head("y", "dense classes", "", "y", axis, activation, places=Places(layout, REGION))


def seen(y: Any, activation: str = "Softmax", labels: Any = NAMES) -> Seen:
    return Seen(y, {}, Asking(labels, 1, head(activation)), (4, 6), {"x": (len(y), 3, 4, 6)})


def ask(text: str, y: Any, activation: str = "Softmax", labels: Any = NAMES) -> Any:
    (question,) = parse_target(text, labels, head=head(activation))
    (found,) = question.found_in(seen(y, activation, labels))
    return found


def picture(rng: np.random.Generator) -> Any:
    """Background wins 14 places, cat 4, dog 6."""
    y = rng.normal(size=(1, 3, 4, 6))
    y[0, 0] += 10
    y[0, 1, 0, :4] += 20
    y[0, 2, 3] += 20
    return y


@pytest.mark.parametrize(("axis", "each"), [(1, False), (1, True), (-1, False), (2, True)])
def test_it_is_the_mean_over_the_places_where_the_class_wins(axis: int, each: bool, rng) -> None:
    y = rng.normal(size=(2, 4, 5, 4))
    target, moved = RegionTarget((3, 1), axis, each), np.moveaxis(y, axis, 1)
    for n, c in enumerate((3, 1)):
        own = [
            moved[n, c, i, j]
            for i in range(moved.shape[2])
            for j in range(moved.shape[3])
            if (moved[n, c, i, j] > 0 if each else moved[n, :, i, j].argmax() == c)
        ]
        assert own
        assert target.score(y)[n] == pytest.approx(np.mean(own))


def test_its_slope_is_autograds(rng) -> None:
    torch = pytest.importorskip("torch", reason="torch differentiates it")
    y = rng.normal(size=(2, 4, 5, 6))
    t = torch.tensor(y, requires_grad=True)
    for n in range(2):
        t[n, 2][t[n].argmax(0) == 2].mean().backward()
    np.testing.assert_allclose(RegionTarget(2)(y), t.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize(("axis", "each"), [(1, False), (2, True)])
def test_held_its_places_stay(axis: int, each: bool, rng) -> None:
    y, other = rng.normal(size=(2, 2, 4, 5, 6))
    target = RegionTarget((3, 1), axis, each)
    held = target.held(y)
    np.testing.assert_allclose(held.score(y), target.score(y))
    np.testing.assert_allclose(held.score(other), (target(y) * other).sum((1, 2, 3)))
    assert held.label == target.label


def test_the_largest_but_background_is_asked(rng) -> None:
    target = ask("region", picture(rng))
    assert (target.label, target.index) == ("region:2", (2,))
    (detail,) = target.detail
    y = picture(np.random.default_rng(0))
    assert detail["region"]["places"] == 6
    assert detail["region"]["share"] == 0.25
    assert detail["region"]["label"] == "dog"
    np.testing.assert_array_equal(target.outline.values[0], y[0].argmax(0) == 2)
    assert ask("region", picture(rng), labels=None).index == (2,)
    named = ["sky", "cat", "road"]
    assert ask("region", picture(rng), labels=named).index == (0,)  # none of them is nothing
    assert ask("region", picture(rng), labels=["cat", "dog", "void"]).index == (0,)
    only = picture(rng) * np.array([1, 0, 0])[:, None, None]
    assert ask("region", only).index == (0,)


def test_of_classes_by_themselves_none_is_background(rng) -> None:
    y = picture(rng) - 5
    assert ask("region", y, "Sigmoid", None).index == (0,)
    assert ask("region", y, "Sigmoid").index == (2,)


def test_the_record_has_the_models_own_numbers(rng) -> None:
    y = picture(rng)
    facts = ask("region:cat", y).detail[0]["region"]
    there = y[0].argmax(0) == 1
    p = np.exp(y[0, 1]) / np.exp(y[0]).sum(0)
    assert facts["score"] == pytest.approx(y[0, 1][there].mean())
    assert facts["probability"] == pytest.approx(p[there].mean())
    assert ask("region:cat", y, "").detail[0]["region"]["probability"] is None
    assert ask("region:cat", y).probability == facts["probability"]


def test_one_class_wins_where_it_is_above_zero(rng) -> None:
    y = rng.normal(size=(1, 1, 4, 6))
    target = ask("region", y, "Sigmoid", None)
    facts, there = target.detail[0]["region"], y[0, 0] > 0
    assert facts["places"] == there.sum()
    assert facts["probability"] == pytest.approx((1 / (1 + np.exp(-y[0, 0][there]))).mean())
    low = ask("region", y - 9, "Sigmoid", None)
    assert isinstance(low, CellsTarget)
    assert low.score(y - 9) == pytest.approx((y - 9).max())
    assert low.detail[0]["region"]["below"] == 0


@pytest.mark.parametrize(
    ("text", "activation", "words"),
    [
        ("region:cat", "Softmax", "class 1 'cat' is the largest at no place .* there is region:0 "),
        ("region:1", "Sigmoid", r"is nowhere above 0 .* there is region:0 'background' \(100.0%\)"),
        ("region:7", "Softmax", "class 7 is out of range"),
        ("region:cow", "Softmax", "no label 'cow'"),
    ],
)
def test_a_class_that_wins_nowhere(text: str, activation: str, words: str) -> None:
    y = np.stack([np.full((4, 6), value) for value in (2.0, -1.0, -3.0)])[None]
    with pytest.raises(TargetError, match=words) as refusal:
        ask(text, y, activation)
    assert "\n" not in str(refusal.value)


def test_its_text_is_read_again() -> None:
    (target,) = parse_target("region:dog", NAMES, head=head())
    assert parse_target(target.label, NAMES, head=head()) == (target,)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("picture", "gives picture: ask for mean, or a place"), ("classes", "ask for a class")],
)
def test_where_no_class_has_places_none_wins(kind: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        parse_target("region:1", head=Head("y", kind, "", "y", 1))
