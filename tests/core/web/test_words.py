"""The page says what the command line says: numbers, answers, reasons, figures of agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.backend import Capture
from cam_core.cli.naming import best, top_line
from cam_core.compare.agreement import MEASURES, agreement
from cam_core.maps.diagnosis import diagnose, noise_floor
from tests.core.web.page import Call, grid

NUMBERS = [0.0, -0.0, 1.0, 3.5214, -1.6034, 0.20613, 1e-5, 9.9996e-5, 99995.0, 1234567.8, 2.5e-9]
NUMBERS += [1e100, -7e-300, float("nan"), float("inf"), float("-inf"), 0.99996, 100.0, 12.0]


@pytest.mark.parametrize("digits", [1, 3, 4, 9])
def test_numbers_are_written_as_python_writes_them(
    digits: int, node: Call, rng: np.random.Generator
) -> None:
    drawn = (rng.normal(size=60) * 10.0 ** rng.integers(-12, 12, 60)).tolist()
    asked = [*NUMBERS, *drawn]
    body = (
        'const { general } = await load("numbers"); return args[0].map((x) => general(x, args[1]))'
    )
    assert node.body(body, asked, digits) == [f"{x:.{digits}g}" for x in asked]


def test_halves_are_rounded_to_even(node: Call) -> None:
    asked = [0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 7.0, 1e15 + 0.5]
    body = 'const { round } = await load("numbers"); return args[0].map(round)'
    assert node.body(body, asked) == [round(x) for x in asked]


LABELS = ["cat", "dog", "owl", "", "fox", "hen", "ape"]


@pytest.mark.parametrize("how", ["", "softmax", "sigmoid", "exp"])
@pytest.mark.parametrize("names", [LABELS, None], ids=["named", "unnamed"])
def test_the_best_answers_are_those_of_explain(
    how: str, names: list[str] | None, node: Call, rng: np.random.Generator
) -> None:
    y = rng.normal(size=7).astype(np.float32)
    y[3] = y[5]  # of equals the first
    expected = best(y, how, names)
    known = {"head": {"probability": how}, "labels": names}
    body = """
    const { best, topLine } = await load("answers");
    const found = best(...args);
    return [found.map((one) => one.which), topLine(found, "class")];
    """
    which, line = node.body(body, y, known)
    assert which == [one.which for one in expected]
    assert line == top_line(expected)


def layers() -> dict[str, Any]:
    """A [K, h, w], alpha [K], and what is wrong with the map of them."""
    rng = np.random.default_rng(3)
    A, alpha = np.abs(rng.normal(size=(4, 3, 3))), rng.normal(size=4)
    bad = A.copy()
    bad[1, 2, 0] = np.nan
    equal = np.ones((4, 3, 3))
    return {
        "nothing": (A, np.abs(alpha)),
        "no gradient": (A, alpha * 0),
        "no activation": (A * 0, alpha),
        "against": (A, -np.abs(alpha)),
        "noise": (equal, np.array([1.0, -1.0, 1e-8, 0.0])),
        "NaN": (bad, alpha),
    }


@pytest.mark.parametrize("name", list(layers()))
def test_the_reason_is_that_of_explain(name: str, node: Call) -> None:
    A, alpha = (x.astype(np.float32) for x in layers()[name])
    G = np.broadcast_to(alpha[:, None, None], A.shape).astype(np.float32)
    y = np.array([[0.3, 2.0]], np.float32)
    weighted = (alpha[:, None, None] * A)[None]
    signed = weighted.sum(axis=1)
    floor = noise_floor(weighted, np.dtype(np.float32))
    capture = Capture("layer", y, A[None], G[None])
    (expected,) = diagnose(
        capture, np.array([2.0]), "score", alpha[None, :, None, None], signed, floor
    )
    assert (expected == "") == (name == "nothing")
    body = """
    const [y, layer, signed] = args;
    const { diagnose, noiseFloor } = await load("diagnosis");
    const floor = noiseFloor(layer);
    return [floor, diagnose({ y, score: 2, probability: false, layer, signed, floor })];
    """
    layer = {"A": A, "alpha": alpha, "G": G, "places": 9}
    found, said = node.body(body, y, layer, signed)
    np.testing.assert_allclose(found, floor[0], rtol=1e-5)
    assert said == expected


def test_a_saturated_score_is_said_to_be_one(node: Call) -> None:
    zero = np.zeros((2, 2, 2), np.float32)
    y = np.array([[1.0, 0.0]], np.float32)
    capture = Capture("layer", y, zero[None], zero[None])
    none = np.zeros((1, 2, 2))
    alpha = zero[None, :, :1, :1]
    (expected,) = diagnose(capture, np.array([1.0]), "score", alpha, none, np.zeros(1))
    layer = {"A": zero, "alpha": np.zeros(2, np.float32), "G": zero, "places": 4}
    given = {"y": y, "score": 1, "probability": False, "layer": layer, "signed": none, "floor": 0}
    assert expected.startswith("score saturated: it looks like a probability, 1;")
    assert node("diagnosis", "diagnose", given) == expected


@pytest.mark.parametrize("shapes", [((7, 7), (7, 7)), ((5, 8), (14, 6)), ((2, 2), (2, 2))])
def test_the_agreement_is_that_of_compare(shapes: Any, node: Call) -> None:
    rng = np.random.default_rng(5)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    b[0, 0] = b[-1, -1]  # ties
    expected = agreement(a[None], b[None])
    found = node("agreement", "agreement", grid(a), grid(b))
    assert set(found) == set(MEASURES)
    for name, value in found.items():
        # a coarser map is resized in float32 there
        np.testing.assert_allclose(value, expected[name][0], atol=2e-6, err_msg=name)


def test_the_figures_are_called_what_compare_calls_them(node: Call) -> None:
    words = node.body('return (await load("agreement")).WORDS')
    assert words == {name: measure.summary for name, measure in MEASURES.items()}


def test_of_an_even_map_there_is_nothing_to_compare(node: Call) -> None:
    even, other = np.ones((4, 4)), np.arange(16.0).reshape(4, 4)
    expected = agreement(even[None], other[None])
    found = node("agreement", "agreement", grid(even), grid(other))
    np.testing.assert_allclose(
        [found[name] for name in MEASURES], [expected[name][0] for name in MEASURES], atol=1e-6
    )
    assert np.isnan(found["pearson"])
