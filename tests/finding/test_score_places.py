"""Where the cells of a score lie: a bright event moves over the input, the cells that answer say.

Along an axis that the score does not run along, the event may be anywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.places import read_places, write_places
from cam_core.region import Places

pytest.importorskip("onnxruntime", reason="no runtime is installed")

PICTURE, VOLUME, SERIES = "float[N, 3, 8, 12] x", "float[N, 3, 4, 6, 8] x", "float[N, 3, 20] x"
CONV = "a = Conv(x, k)"
SCORES = {  # the input, nodes, output
    "plain": (PICTURE, f"{CONV} y = Softmax<axis = 1>(a)", "float[N, 5, 8, 12] y"),
    "channels last": (
        PICTURE,
        f"{CONV} t = Transpose<perm = [0, 2, 3, 1]>(a) y = Softmax(t)",
        "float[N, 8, 12, 5] y",
    ),
    "on its side": (
        PICTURE,
        f"{CONV} t = Transpose<perm = [0, 1, 3, 2]>(a) y = Softmax<axis = 1>(t)",
        "float[N, 5, 12, 8] y",
    ),
    "strided": (
        PICTURE,
        f"m = MaxPool<kernel_shape = [2, 4], strides = [2, 4]>(x) "
        f"{CONV.replace('(x', '(m')} y = Softmax<axis = 1>(a)",
        "float[N, 5, 4, 3] y",
    ),
    "cropped": (
        PICTURE,
        "s = Constant<value_ints = [2, 4]>() e = Constant<value_ints = [6, 12]>() "
        f"i = Constant<value_ints = [2, 3]>() v = Slice(x, s, e, i) "
        f"{CONV.replace('(x', '(v')} y = Softmax<axis = 1>(a)",
        "float[N, 5, 4, 8] y",
    ),
    "mirrored": (
        PICTURE,
        "s = Constant<value_ints = [-1]>() e = Constant<value_ints = [-99]>() "
        f"i = Constant<value_ints = [3]>() {CONV} v = Slice(a, s, e, i, s) "
        "y = Softmax<axis = 1>(v)",
        "float[N, 5, 8, 12] y",
    ),
    "tokens": (
        PICTURE,
        f"{CONV} h = Constant<value_ints = [0, 5, 96]>() r = Reshape(a, h) "
        "t = Transpose<perm = [0, 2, 1]>(r) y = Softmax(t)",
        "float[N, 96, 5] y",
    ),
    "a picture": (
        PICTURE,
        "a = Conv(x, k1) i = Constant<value_ints = [1]>() y = Squeeze(a, i)",
        "float[N, 8, 12] y",
    ),
    "volume": (VOLUME, "a = Conv(x, k5) y = Softmax<axis = 1>(a)", "float[N, 5, 4, 6, 8] y"),
    "a line": (
        PICTURE,
        f"{CONV} i = Constant<value_ints = [2]>() m = ReduceMax<axes = [2], keepdims = 0>(a) "
        "t = Transpose<perm = [0, 2, 1]>(m) y = Softmax(t)",
        "float[N, 12, 5] y",
    ),
    "steps first": (
        SERIES,
        "a = Conv(x, k3) t = Transpose<perm = [2, 0, 1]>(a) y = Softmax(t)",
        "float[20, N, 5] y",
    ),
}
WEIGHTS = {"k": (5, 3, 1, 1), "k1": (1, 3, 1, 1), "k3": (5, 3, 1), "k5": (5, 3, 1, 1, 1)}


def backend(case: str) -> OnnxBackend:
    given, nodes, output = SCORES[case]
    text = f'<ir_version: 8, opset_import: ["" : 17]> net ({given}) => ({output}) {{ {nodes} }}'
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(4)
    for name, shape in WEIGHTS.items():
        if any(name in node.input for node in model.graph.node):
            weight = rng.uniform(1, 2, size=shape).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(weight, name))
    onnx.checker.check_model(model)
    return OnnxBackend(model)


def extents(case: str) -> tuple[int, ...]:
    return tuple(int(d) for d in SCORES[case][0].strip("float[] x").split(", ")[1:])


def known(of: OnnxBackend) -> Places:
    found = of.heads()[0].places
    assert found is not None
    return found


def score(of: OnnxBackend, x: Any) -> Any:
    return of.look(x, layers=()).score


@pytest.mark.parametrize("case", SCORES)
def test_the_cell_that_answers_is_where_the_event_is(case: str, rng: np.random.Generator) -> None:
    of, shape = backend(case), extents(case)
    places, dark = known(of), np.zeros((1, *shape), np.float32)
    region = places.region
    before, seen = score(of, dark), 0
    for _ in range(12):
        at = [int(rng.integers(n)) for n in shape[1:]]
        x = dark.copy()
        x[(0, slice(None), *at)] = 5
        answer = np.abs(read_places(places, score(of, x) - before)).max(axis=1)[0]
        within = [
            ((at[axis - 2] + 0.5) / shape[axis - 1] - low) / (high - low) * n
            for axis, (low, high), n in zip(region.axes, region.windows, answer.shape, strict=True)
        ]
        inside = all(0 <= u < n for u, n in zip(within, answer.shape, strict=True))
        assert (answer.max() > 0) == inside
        if inside:
            seen += 1
            best = np.unravel_index(answer.argmax(), answer.shape)
            assert [int(u) for u in within] == list(best)
    assert seen


@pytest.mark.parametrize("case", SCORES)
def test_what_is_said_of_cells_lies_at_their_numbers(case: str, rng: np.random.Generator) -> None:
    """One cell after another is named; the score's numbers that `written` marks are its own."""
    of, shape = backend(case), extents(case)
    y = rng.normal(size=score(of, np.zeros((2, *shape), np.float32)).shape)
    places = known(of)
    cells = read_places(places, y)
    assert cells.shape[1] in (1, 5)
    for at in list(np.ndindex(*cells.shape[2:]))[::7]:
        only = np.zeros((2, *cells.shape[2:]))
        only[(slice(None), *at)] = 1
        marked = write_places(places, only, y)
        assert marked.shape == y.shape
        assert marked.sum() == 2 * cells.shape[1]
        np.testing.assert_allclose((marked * y).sum(), cells[(slice(None), slice(None), *at)].sum())


def test_an_output_beside_the_score_has_places_of_its_own() -> None:
    text = f"({PICTURE}) => (float[N, 5] y, float[N, 1, 8, 12] anomaly_map)"
    body = (
        "anomaly_map = Conv(x, k1) a = Conv(x, k) g = GlobalAveragePool(a) f = Flatten(g) "
        "y = Softmax(f)"
    )
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> net {text} {{ {body} }}'
    )
    for name in ("k", "k1"):
        weight = np.ones(WEIGHTS[name], np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weight, name))
    first, second = OnnxBackend(model).heads()
    assert (first.places, second.kind) == (None, "picture")
    assert second.places is not None
    assert (second.places.layout, second.places.region.axes) == ("NCHW", (2, 3))
