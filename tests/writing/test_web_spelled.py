"""What WebGPU lacks: written without it, and worth what NumPy makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.reading.graph import Graph
from backends.onnx.writing.emit import Emitter
from backends.onnx.writing.web import fitted
from backends.onnx.writing.web_spelled import MOST, SPELLED
from backends.onnx.writing.webgpu import KERNELS, missing
from tests.written import emitter, values

X = np.array(
    [[[2.0, -1.5, 2.0, 0.5], [-3.0, 7.25, -0.0, 7.25], [1.0, 0.0, -2.5, 3.5]]], np.float32
).repeat(2, 0)
X[1] *= -1
WHOLE = np.array([[-7, 7, 5, -5], [6, -6, 1, 0]], np.int64)
BY = np.array([[3, 3, -3, -3], [-2, 2, 4, 5]], np.int64)
CELLS = np.arange(2 * 3 * 4 * 6, dtype=np.float32).reshape(2, 3, 4, 6)
TRUE = np.array([[True, False], [True, False]])
OTHER = np.array([[True, True], [False, False]])
ORDER = np.argsort(-X, axis=2, kind="stable")
RMS = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-5)


def linear(x: Any, factor: int) -> Any:
    """Cell i at i / factor between its neighbours, the last one held: along the last axis."""
    count = x.shape[-1]
    found = np.zeros((*x.shape[:-1], count * factor), x.dtype)
    for i in range(count * factor):
        low = i // factor
        part = (i % factor) / factor if low < count - 1 else 0
        found[..., i] = (1 - part) * x[..., low] + part * x[..., min(low + 1, count - 1)]
    return found


GREW = CELLS.repeat(2, 2).repeat(3, 3)
BLENT = np.swapaxes(linear(np.swapaxes(linear(CELLS, 3), 2, 3), 2), 2, 3)
BLOCKS = CELLS.reshape(2, 3, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 12, 2, 3)
FACTORS = np.array([1, 1, 2, 3], np.float32)
HOT = np.where(np.arange(5) == np.array([[0, 4], [4, 2]])[..., None], 9.0, -1.0)

ROWS: list[tuple[str, str, int, Any, dict[str, Any], Any]] = [
    ("ArgMax", "kept", 17, lambda op, x: op.ArgMax(x, axis=2), {"x": X}, X.argmax(2)[..., None]),
    ("ArgMax", "first axis", 17, lambda op, x: op.ArgMax(x, axis=1, keepdims=0), {"x": X},
     X.argmax(1)),
    ("TopK", "places", 17, lambda op, x: op.TopK(x, [3], axis=2, outputs=2)[1], {"x": X},
     ORDER[..., :3]),
    ("TopK", "values", 17, lambda op, x: op.TopK(x, [3], axis=2, outputs=2)[0], {"x": X},
     np.take_along_axis(X, ORDER, 2)[..., :3]),
    ("TopK", "one", 17, lambda op, x: op.TopK(x, [1], axis=-1, outputs=2)[1], {"x": X},
     ORDER[..., :1]),
    ("OneHot", "", 17, lambda op, i: op.OneHot(i, np.array([5]), np.array([-1.0, 9.0]), axis=-1),
     {"i": np.array([[0, 4], [-1, 2]])}, HOT),
    ("Sign", "", 17, lambda op, x: op.Sign(x), {"x": X}, np.sign(X)),
    ("Round", "to even", 17, lambda op, x: op.Round(x), {"x": X}, np.rint(X)),
    ("Mod", "", 17, lambda op, i, j: op.Mod(i, j), {"i": WHOLE, "j": BY}, np.mod(WHOLE, BY)),
    ("Or", "", 17, lambda op, a, b: op.Or(a, b), {"a": TRUE, "b": OTHER}, TRUE | OTHER),
    ("SpaceToDepth", "", 17, lambda op, x: op.SpaceToDepth(x, blocksize=2), {"x": CELLS}, BLOCKS),
    ("HardSigmoid", "", 22, lambda op, x: op.HardSigmoid(x, alpha=0.3), {"x": X},
     np.clip(0.3 * X + 0.5, 0, 1)),
    ("GlobalAveragePool", "", 22, lambda op, x: op.GlobalAveragePool(x), {"x": CELLS},
     CELLS.mean((2, 3), keepdims=True)),
    ("Upsample", "nearest", 9, lambda op, x: op.Upsample(x, FACTORS, mode="nearest"),
     {"x": CELLS}, GREW),
    ("Upsample", "linear", 9, lambda op, x: op.Upsample(x, FACTORS, mode="linear"),
     {"x": CELLS}, BLENT),
    ("Swish", "", 24, lambda op, x: op.Swish(x), {"x": X}, X / (1 + np.exp(-X))),
    ("RMSNormalization", "", 23, lambda op, x: op.RMSNormalization(x, np.ones(4, np.float32)),
     {"x": X}, RMS),
]  # fmt: skip
TYPES = {"float32": "float", "int64": "int64", "bool": "bool", "int32": "int32"}


def fitting(given: dict[str, Any], opset: int) -> Emitter:
    """What writes for a browser."""
    inputs = ", ".join(f"{TYPES[str(v.dtype)]}{list(v.shape)} {n}" for n, v in given.items())
    return emitter(inputs, opset, fitted)


def lacking(op: Emitter, graph: Graph, wanted: Any) -> list[str]:
    """What is left that the provider lacks, the conversion of what is fed as int64 apart."""
    fed = {t.name for t in graph.inputs}
    nodes = [n for n in op.needed([wanted]) if n.op != "Cast" or n.inputs[0].name not in fed]
    return list(missing(nodes, graph.opset, graph.constant))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}".strip())
def test_it_is_worth_what_it_was(row: Any) -> None:
    _, _, opset, ask, given, expected = row
    op = fitting(given, opset)
    found = ask(op, *(op.graph.tensors[name] for name in given))
    assert lacking(op, op.graph, found) == []
    (got,) = values(op, found, **given)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)  # float32 sums
    assert got.dtype == np.asarray(expected).dtype or got.dtype == np.float32


def test_every_row_has_a_case() -> None:
    assert {name for name, *_ in ROWS} == set(SPELLED)


def test_no_row_is_of_what_there_is_at_every_opset() -> None:
    """ArgMax and TopK are there, but give int64; the poolings and HardSigmoid are until 21."""
    there = {name for name in SPELLED if KERNELS.get(name) is not None}
    assert there == {"ArgMax", "TopK", "HardSigmoid", "GlobalAveragePool"}


def test_many_of_the_best_are_left_to_the_operator() -> None:
    given = {"x": np.zeros((1, 40), np.float32)}
    op = fitting(given, 17)
    _, places = op.TopK(op.graph.tensors["x"], [MOST + 1], outputs=2)
    assert [node.op for node in op.needed([places])] == ["TopK"]


def test_where_a_row_is_nan_some_class_there_is_stays_the_answer() -> None:
    given = {"x": np.array([[1.0, np.nan, 2.0]], np.float32)}
    op = fitting(given, 17)
    (got,) = values(op, op.ArgMax(op.graph.tensors["x"], axis=1), **given)
    assert 0 <= got.item() < 3
