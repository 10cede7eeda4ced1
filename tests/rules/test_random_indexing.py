"""Slices, pads, gathers, scatters and broadcasts drawn at random, scalars to 4-D.

What is linear is held against its adjoint in onnxruntime, the rest against central differences in
float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cam_core.errors import UnsupportedOpError
from tests.rules.drawn import Drawn, draws, gradient_of, require_adjoint, require_differences

SHARE = 40
SEEDS = st.integers(0, 2**32 - 1)
Draw = Any
"""What Hypothesis hands to a composite strategy."""


def extents(draw: Draw, low: int, high: int, *, least: int = 1, most: int = 5) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(least, most), min_size=low, max_size=high)))


def symbols(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """x's shape with symbols in some places, in half of the draws."""
    if draw(st.booleans()):
        return {}
    return {"x": tuple("NCDHW"[i] if draw(st.booleans()) else n for i, n in enumerate(shape))}


@st.composite
def slices(draw: Draw) -> Any:
    """Bounds before, in and behind the axis, in either sense; at times nothing is read."""
    x = extents(draw, 1, 4)
    axes = draw(st.lists(st.sampled_from(range(len(x))), min_size=1, unique=True))
    bounds = st.integers(-7, 7) | st.sampled_from([2**31 - 1, 2**63 - 1, -(2**63)])
    starts, ends = ([draw(bounds) for _ in axes] for _ in range(2))
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in axes]
    ends = [min(end, 7) if step < 0 else end for end, step in zip(ends, steps, strict=True)]
    return Drawn(
        "y = Slice(x, starts, ends, axes, steps)",
        {"x": x},
        {
            "starts": np.array(starts),
            "ends": np.array(ends),
            "axes": np.array([a - len(x) if draw(st.booleans()) else a for a in axes]),
            "steps": np.array(steps),
        },
    )


@draws(SHARE)
@given(slices(), SEEDS)
def test_slice(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
def test_a_slice_backwards_to_infinity_is_refused(end: int) -> None:
    """By the specification it reads nothing; onnxruntime reads down to the first."""
    bounds = {"s": np.array([2]), "e": np.array([end]), "a": np.array([0]), "t": np.array([-1])}
    with pytest.raises(UnsupportedOpError, match="Slice where it runs backwards"):
        gradient_of(Drawn("y = Slice(x, s, e, a, t)", {"x": (4,)}, bounds))


@st.composite
def pads(draw: Draw) -> Any:
    mode = draw(st.sampled_from(["constant", "constant", "reflect", "edge", "wrap"]))
    x = extents(draw, 1, 4)
    least = -1 if mode == "constant" else 0
    most = [3 if mode in ("constant", "edge") else n - (mode == "reflect") for n in x]
    begins = [draw(st.integers(max(least, 1 - n), m)) for n, m in zip(x, most, strict=True)]
    ends = [
        draw(st.integers(max(least, 1 - n - min(b, 0)), m))
        for n, b, m in zip(x, begins, most, strict=True)
    ]
    value = mode == "constant" and draw(st.booleans())
    return Drawn(
        f'y = Pad<mode="{mode}">(x, pads{", value" if value else ""})',
        {"x": x},
        {"pads": np.array(begins + ends)} | ({"value": np.array(0.7)} if value else {}),
        symbols(draw, x),
        opset=19 if mode == "wrap" else draw(st.sampled_from([11, 17, 19])),
    )


@draws(SHARE)
@given(pads(), SEEDS)
def test_pad(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


def places(draw: Draw, shape: tuple[int, ...], size: int) -> Any:
    """Indices into an axis of `size`, counted from either end."""
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(-size, size, size=shape)


def columns(draw: Draw, shape: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
    """Indices [.., k] into axes of `sizes`."""
    return np.stack([places(draw, shape, size) for size in sizes], axis=-1)


def distinct(draw: Draw, shape: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
    """The same without repetition, where there are as many places."""
    count, rng = int(np.prod(shape)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chosen = rng.permutation(int(np.prod(sizes)))[:count].reshape(shape)
    return np.stack(np.unravel_index(chosen, sizes), axis=-1)


@st.composite
def gathers(draw: Draw) -> Any:
    x = extents(draw, 1, 4)
    axis = draw(st.integers(-len(x), len(x) - 1))
    operator = draw(st.sampled_from(["Gather", "GatherElements", "GatherND"]))
    if operator == "Gather":
        body = f"y = Gather<axis={axis}>(x, i)"
        indices = places(draw, extents(draw, 0, 2), x[axis])
    elif operator == "GatherElements":
        body = f"y = GatherElements<axis={axis}>(x, i)"
        shape = [draw(st.integers(1, n)) for n in x]
        shape[axis] = draw(st.integers(1, 4))
        indices = places(draw, tuple(shape), x[axis])
    else:
        batch = draw(st.integers(0, min(2, len(x) - 1)))
        depth = draw(st.integers(1, len(x) - batch))
        body = f"y = GatherND<batch_dims={batch}>(x, i)"
        shape = x[:batch] + extents(draw, 0, 2)
        indices = columns(draw, shape, x[batch : batch + depth])
    return Drawn(body, {"x": x}, {"i": indices}, symbols(draw, x))


@draws(SHARE)
@given(gathers(), SEEDS)
def test_gather(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


@st.composite
def scatters(draw: Draw, reductions: tuple[str, ...]) -> Any:
    """Where nothing is added, an index that stands twice has no defined result."""
    x = extents(draw, 1, 3, most=4)
    reduction = draw(st.sampled_from(reductions))
    if draw(st.booleans()):
        axis = draw(st.integers(0, len(x) - 1))
        shape = tuple(draw(st.integers(1, n)) for n in x)
        if reduction == "none":
            seed = draw(st.integers(0, 2**32 - 1))
            order = np.random.default_rng(seed).permuted(np.indices(x)[axis], axis=axis)
            indices = order[tuple(slice(n) for n in shape)]
        else:
            indices = places(draw, shape, x[axis])
        body = f'y = ScatterElements<axis={axis}, reduction="{reduction}">(x, i, u)'
        updates = shape
    else:
        depth = draw(st.integers(1, len(x)))
        size = int(np.prod(x[:depth]))
        if reduction == "none":
            indices = distinct(draw, (draw(st.integers(1, size)),), x[:depth])
        else:
            indices = columns(draw, extents(draw, 1, 2, most=3), x[:depth])
        body = f'y = ScatterND<reduction="{reduction}">(x, i, u)'
        updates = indices.shape[:-1] + x[depth:]
    return Drawn(body, {"x": x, "u": updates}, {"i": indices}, symbols(draw, x), opset=18)


@draws(SHARE)
@given(scatters(("none", "add")), SEEDS)
def test_scatter(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


OPERATORS = {
    "Add": "Add(x, b)",
    "Sub": "Sub(x, b)",
    "Mul": "Mul(x, b)",
    "Div": "s = Mul(b, b) d = Add(s, one) y = Div(x, d)",
    "Pow": "s = Mul(x, x) d = Add(s, one) y = Pow(d, b)",
    "Max": "Max(x, b, c)",
    "Min": "Min(x, b)",
    "Mean": "Mean(x, b, c)",
    "Sum": "Sum(x, b, c)",
    "Where": "Where(chosen, x, b)",
    "PRelu": "PRelu(x, b)",
    "Mod": "s = Mul(b, b) d = Add(s, one) y = Mod<fmod=1>(x, d)",
    "itself": "s = Mul(x, b) t = Sub(s, x) y = Div(t, one)",
}


@st.composite
def broadcasts(draw: Draw) -> Any:
    """Operands of any rank whose axes are there, 1 or absent, declared or not."""
    full = extents(draw, 0, 4, most=3)

    def part(shape: tuple[int, ...]) -> tuple[int, ...]:
        cut = draw(st.integers(0, len(shape)))
        return tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape[cut:])

    name = draw(st.sampled_from(sorted(OPERATORS)))
    # PRelu broadcasts its slope only, the reference evaluator's Mean to its first operand
    x = full if name in ("PRelu", "Mean") else part(full)
    shapes = {"x": x, "b": part(full)}
    text = OPERATORS[name]
    if "c)" in text:
        shapes["c"] = part(full)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    constants = {"chosen": rng.random(part(full)) < 0.5, "one": np.array(1.0)}
    used = {n: v for n, v in constants.items() if f"{n}," in text or f"{n})" in text}
    return Drawn(text if "y =" in text else f"y = {text}", shapes, used, symbols(draw, x))


@draws(SHARE)
@given(broadcasts(), SEEDS)
def test_broadcasting(drawn: Any, seed: int) -> None:
    require_differences(drawn, seed)
