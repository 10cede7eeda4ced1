"""Numbers that meet in one cell: against differences of a loop in float64, ties against shares."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from backends.onnx.rules.parts.collisions import REDUCTIONS
from tests.differences import slope
from tests.gradients import gradients
from tests.sessions import run
from tests.written import parsed

X = np.array([[0.7, -1.2, 2.1], [1.4, 0.3, -0.6], [0.9, 1.8, -2.2], [-0.4, 1.1, 0.5]])
ROWS = np.array([[0, 3, 0], [2, 3, 0], [0, -1, 1]])
"""Where each number of U goes along axis 0: three, two and one meet; cells are left alone."""
U = np.array([[1.3, 0.8, -1.9], [0.6, -0.7, 2.4], [-1.6, 1.5, 0.2]])
CELLS = np.array([[[0, 1], [3, 2]], [[0, 1], [1, -3]]])
V = np.array([[1.7, -0.9], [2.3, 0.4]])
SLICES = np.array([[2], [0], [2]])
MEET = {"mul": lambda a, b: a * b, "max": max, "min": min}
KINDS = {"elements": (ROWS, U), "single cells": (CELLS, V), "whole rows": (SLICES, U)}


def written(kind: str, reduction: str, x: Any, u: Any) -> Any:
    """As the standard says it, number by number."""
    y, indices, meet = np.array(x), KINDS[kind][0], MEET[reduction]
    for at in np.ndindex(indices.shape if kind == "elements" else indices.shape[:-1]):
        if kind == "elements":
            y[indices[at], at[1]] = meet(y[indices[at], at[1]], u[at])
        elif kind == "single cells":
            y[tuple(indices[at])] = meet(y[tuple(indices[at])], u[at])
        else:
            for k in range(3):
                y[indices[at][0], k] = meet(y[indices[at][0], k], u[at[0], k])
    return y


def model(kind: str, reduction: str, x: str = "4,3") -> Any:
    indices, u = KINDS[kind]
    name = "ScatterElements" if kind == "elements" else "ScatterND"
    axis = ", axis = 0" if kind == "elements" else ""
    inputs = [f"double[{x}] x", f"int64[{_text(indices)}] i", f"double[{_text(u)}] u"]
    body = f'y = {name}<reduction = "{reduction}"{axis}>(x, i, u)'
    return parsed(", ".join(inputs), body, f"double[{x}] y", 18)


def _text(array: Any) -> str:
    return ",".join(map(str, array.shape))


@pytest.mark.parametrize("x", ["4,3", "N,3", "N,M"])
@pytest.mark.parametrize(("kind", "reduction"), [*itertools.product(KINDS, REDUCTIONS)])
def test_cotangents_are_the_slopes(
    kind: str, reduction: str, x: str, rng: np.random.Generator
) -> None:
    """No number ties with another, so that every one has a slope."""
    net, (indices, u) = model(kind, reduction, x), KINDS[kind]
    feed = {"x": X, "i": indices, "u": u}
    np.testing.assert_allclose(run(net, feed)["y"], written(kind, reduction, X, u), rtol=1e-12)
    cot = rng.normal(size=X.shape)
    found = gradients(net, feed, cot, ["x", "u"])
    for name, given in (("x", X), ("u", u)):
        for at in np.ndindex(given.shape):
            step = np.zeros(given.shape)
            step[at] = 1

            def along(t: float, name: str = name, step: Any = step) -> Any:
                values = {"x": X, "u": u, name: feed[name] + t * step}
                return np.sum(cot * written(kind, reduction, values["x"], values["u"]))

            expected = slope(along, 1e-3)
            assert found[name][at] == pytest.approx(expected, rel=1e-7, abs=1e-9), (name, at)


@pytest.mark.parametrize("zeros", [1, 2])
def test_a_product_with_zeros(zeros: int) -> None:
    """What one zero hides from the others it has itself; two hide each other."""
    x, u = np.array([2.0, 5.0]), np.array([3.0, 0.0, 0.0 if zeros == 2 else 4.0])
    net = parsed(
        "double[2] x, int64[3] i, double[3] u",
        'y = ScatterElements<reduction = "mul">(x, i, u)',
        "double[2] y",
        18,
    )
    feed, cot = {"x": x, "i": np.array([0, 0, 0]), "u": u}, np.array([7.0, 1.0])
    found = gradients(net, feed, cot, ["x", "u"])
    np.testing.assert_array_equal(found["x"], [7 * u.prod(), 1])
    others = [7 * x[0] * np.delete(u, k).prod() for k in range(3)]
    np.testing.assert_array_equal(found["u"], others)


@pytest.mark.parametrize("reduction", ["max", "min"])
def test_ties_share_evenly(reduction: str) -> None:
    """A cell of four equals, one of two, and one whose own number loses."""
    x, u = np.array([3.0, 1.0, 0.0]), np.array([3.0, 3.0, 3.0, 1.0, 2.0, 2.0])
    if reduction == "min":
        x, u = -x, -u
    net = parsed(
        "double[3] x, int64[6] i, double[6] u",
        f'y = ScatterElements<reduction = "{reduction}">(x, i, u)',
        "double[3] y",
        18,
    )
    feed = {"x": x, "i": np.array([0, 0, 0, 1, 2, 2]), "u": u}
    found = gradients(net, feed, np.array([4.0, 6.0, 8.0]), ["x", "u"])
    np.testing.assert_array_equal(found["x"], [1, 3, 0])
    np.testing.assert_array_equal(found["u"], [1, 1, 1, 3, 4, 4])
