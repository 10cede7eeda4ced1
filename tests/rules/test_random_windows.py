"""Convolutions, pools and resizings drawn at random, 1-D to 3-D, run in onnxruntime.

What is linear is held against its adjoint: <c, L v> == <L* c, v>, no oracle needed. A MaxPool is
held against the indices that the runtime itself returns for it, ties included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cam_core.errors import ModelError, UnsupportedOpError
from tests.rules.drawn import (
    Drawn,
    draws,
    gradient_of,
    model_of,
    require_adjoint,
    run_gradient,
    session_of,
)

SHARE = 40
SEEDS = st.integers(0, 2**32 - 1)
Draw = Any
"""What Hypothesis hands to a composite strategy."""


def several(draw: Draw, rank: int, low: int, high: int) -> list[int]:
    return [draw(st.integers(low, high)) for _ in range(rank)]


def declared(draw: Draw, x: tuple[int, ...], *, channels: bool = False) -> dict[str, Any]:
    """x's shape with symbols, in half of the draws."""
    symbols = ("N", "C" if channels else x[1], *"DHW"[: len(x) - 2])
    return draw(st.sampled_from([{}, {"x": symbols}]))


def padding(draw: Draw, kernel: list[int], reach: list[int], *, most: int) -> tuple[str, list[int]]:
    """(the attribute, begins and ends); SAME knows no dilation here."""
    rank = len(kernel)
    auto = draw(st.sampled_from([None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto is not None:
        return f', auto_pad="{auto}"', reach + [0] * rank if auto[0] == "S" else [0] * 2 * rank
    pads = [draw(st.integers(0, min(most, k))) for k in kernel * 2]
    return f", pads={pads}", pads


@st.composite
def convolutions(draw: Draw) -> Any:
    rank = draw(st.integers(1, 3))
    kernel = several(draw, rank, 1, 4 - rank // 2)
    dilations = several(draw, rank, 1, 2)
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    pad, pads = padding(draw, kernel, reach, most=3)
    if "SAME" in pad:
        dilations, reach = [1] * rank, [k - 1 for k in kernel]
    group, channels, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    space = [
        draw(st.integers(1, 4)) + max(r - pads[i] - pads[i + rank], 0) for i, r in enumerate(reach)
    ]
    x = (2, group * channels, *space)
    w = (group * outputs, channels, *kernel)
    strides = several(draw, rank, 1, 3)
    symbols = declared(draw, x)
    biased = draw(st.booleans())
    attributes = f"group={group}, strides={strides}, dilations={dilations}{pad}"
    # the weights of a Conv whose pads only the run time knows are refused by name
    wrt = ("x", "w") if "SAME" not in pad or not symbols else ("x",)
    return Drawn(
        f"y = Conv<{attributes}>(x, w{', b' if biased else ''})",
        {"x": x, "w": w} | ({"b": w[:1]} if biased else {}),
        declared=symbols,
        wrt=(*wrt, "b") if biased else wrt,
    )


@draws(SHARE)
@given(convolutions(), SEEDS)
def test_conv(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


def test_negative_pads_are_refused() -> None:
    """ONNX's inference and onnxruntime refuse them too; a declared shape hides it from us."""
    drawn = Drawn("y = Conv<pads=[-1,0]>(x, w)", {"x": (1, 2, 8), "w": (2, 2, 3)})
    with pytest.raises(UnsupportedOpError, match="negative"):
        gradient_of(drawn)


@st.composite
def pools(draw: Draw, operator: str) -> Any:
    """No window holds padding alone: what that gives is the runtime's own affair."""
    rank = draw(st.integers(1, 3))
    kernel = several(draw, rank, 1, 4 - rank // 2)
    dilations = several(draw, rank, 1, 2)
    ceil = draw(st.integers(0, 1))
    pad, pads = padding(draw, kernel, [0] * rank, most=1)
    if "auto" in pad or operator == "AveragePool":
        ceil, dilations = ceil * ("auto" not in pad), [1] * rank
    if dilations != [1] * rank or any(p >= k for p, k in zip(pads, kernel * 2, strict=True)):
        pad, pads = "", [0] * 2 * rank
    strides = several(draw, rank, 1, 3)
    if "SAME" in pad:  # onnxruntime finds negative pads where windows leave gaps
        strides = [min(s, k) for s, k in zip(strides, kernel, strict=True)]
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    space = [draw(st.integers(1, 5)) + r for r in reach]
    x = (2, draw(st.integers(1, 3)), *space)
    attributes = f"kernel_shape={kernel}, strides={strides}, ceil_mode={ceil}{pad}"
    if operator == "MaxPool":
        attributes += f", dilations={dilations}"
    else:
        attributes += f", count_include_pad={draw(st.integers(0, 1))}"
    return Drawn(
        f"y = {operator}<{attributes}>(x)",
        {"x": x},
        declared=declared(draw, x),
        opset=22 if ceil else draw(st.sampled_from([17, 22])),
    )


@draws(SHARE)
@given(pools("AveragePool"), SEEDS)
def test_average_pool(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)


@draws(SHARE)
@given(pools("MaxPool"), SEEDS, st.booleans())
def test_max_pool(drawn: Any, seed: int, ties: bool) -> None:
    """G is the cotangent, added where the runtime's own Indices say: with ties, at the first."""
    rng = np.random.default_rng(seed)
    shape = drawn.shapes["x"]
    values = np.maximum(rng.integers(-2, 3, size=shape), 0) if ties else rng.normal(size=shape)
    feed = {"x": values.astype(np.float32)}
    with_indices = model_of(drawn)
    node = with_indices.graph.node[0]
    node.output.append("indices")
    output = with_indices.graph.output.add(name="indices")
    output.type.tensor_type.elem_type = 7
    y, indices = session_of(with_indices).run(["y", "indices"], feed)
    cot = rng.normal(size=y.shape).astype(np.float32)
    again, found = run_gradient(drawn, feed, cot)
    np.testing.assert_array_equal(again, y)
    expected = np.zeros(values.size)
    np.add.at(expected, indices.ravel(), cot.ravel())
    np.testing.assert_allclose(found["x"], expected.reshape(shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_a_window_behind_the_input_is_refused_where_schemas_count_it(operator: str) -> None:
    """Five values, padded by one, in pairs: three windows, of which old schemas see a fourth."""
    body = f"y = {operator}<kernel_shape=[2], strides=[2], pads=[1,1], ceil_mode=1>(x)"
    free = {"x": ("N", 2, "L")}
    with pytest.raises(ModelError, match=f"{operator} 'y': its last window .* opset 22"):
        gradient_of(Drawn(body, {"x": (2, 2, 5)}))
    for row in (Drawn(body, {"x": (2, 2, 5)}, opset=22), Drawn(body, {"x": (2, 2, 5)}, {}, free)):
        cot = np.ones((2, 2, 3), np.float32)
        y, _ = run_gradient(row, {"x": np.ones((2, 2, 5), np.float32)}, cot)
        assert y.shape == cot.shape


COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@st.composite
def resizings(draw: Draw) -> Any:
    """Every mode that onnxruntime has: cubic and antialias are 2-D there."""
    rank = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"][: 3 if rank == 2 else 2]))
    antialias = mode != "nearest" and rank == 2 and draw(st.booleans())
    attributes = f'mode="{mode}"'
    x = (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *several(draw, rank, 1, 6))
    coordinates = draw(st.sampled_from(COORDINATES[:1] if antialias else COORDINATES))
    attributes += f', coordinate_transformation_mode="{coordinates}"'
    if antialias:
        attributes += ", antialias=1"
    if mode == "nearest":
        attributes += f', nearest_mode="{draw(st.sampled_from(NEAREST))}"'
    if mode == "cubic" and draw(st.booleans()):
        attributes += f", cubic_coeff_a=-0.5, exclude_outside={draw(st.integers(0, 1))}"
    opset = 18 if antialias else draw(st.sampled_from([11, 13, 18]))
    none = '""' if opset >= 13 else "none"
    constants: dict[str, Any] = {"none": np.zeros(0, np.float32)} if opset < 13 else {}
    if draw(st.booleans()):
        constants["sizes"] = np.array([*x[:2], *several(draw, rank, 1, 9)], np.int64)
        arguments = f"x, {none}, {none}, sizes"
    else:
        factors = [draw(st.sampled_from([0.5, 0.7, 1, 1.5, 2, 3])) for _ in range(rank)]
        factors = [f if f * n >= 1 else 1 for f, n in zip(factors, x[2:], strict=True)]
        constants["scales"] = np.array([1, 1, *factors], np.float32)
        arguments = f"x, {none}, scales"
    symbols = declared(draw, x)
    return Drawn(f"y = Resize<{attributes}>({arguments})", {"x": x}, constants, symbols, opset)


@draws(SHARE)
@given(resizings(), SEEDS)
def test_resize(drawn: Any, seed: int) -> None:
    require_adjoint(drawn, seed)
