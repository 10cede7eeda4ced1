"""Indexing, padding and rearranging against torch.autograd, duplicates and modes included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from cam_core.errors import ModelError, UnsupportedOpError
from tests.sessions import open_session

torch = pytest.importorskip("torch")
F = torch.nn.functional

Parity = tuple[str, int, str, tuple[int, ...], dict[str, Any], Callable[[Any], Any]]


def ints(*values: Any) -> np.ndarray[Any, Any]:
    return np.array(values, np.int64)


REPEATS = ints(0, 2, 2, 4, 0, 2)
TABLE = np.random.default_rng(1).integers(0, 9, (4, 4))
PLACES = np.random.default_rng(2).integers(0, 5, (2, 7, 3))

PARITY: list[Parity] = [
    (
        "index_select with repeats",
        13,
        "y = Gather<axis=1>(x, i)",
        (2, 5, 3),
        {"i": REPEATS},
        lambda x: x.index_select(1, torch.tensor(REPEATS)),
    ),
    (
        "a table read at every pair (relative positions)",
        13,
        "y = Gather<axis=0>(x, i)",
        (9, 2),
        {"i": TABLE},
        lambda x: x[torch.tensor(TABLE)],
    ),
    (
        "embedding, wide",
        17,
        "y = Gather<axis=0>(x, i)",
        (400, 3),
        {"i": ints(399, 7, 7, 0)},
        lambda x: F.embedding(torch.tensor([399, 7, 7, 0]), x),
    ),
    *(
        (
            f"gather with repeats, opset {opset}",
            opset,
            "y = GatherElements<axis=1>(x, i)",
            (2, 5, 3),
            {"i": PLACES},
            lambda x: x.gather(1, torch.tensor(PLACES)),
        )
        for opset in (11, 18)
    ),
    (
        "scatter_add",
        18,
        'y = ScatterElements<axis=1, reduction="add">(z, i, x)',
        (2, 7, 3),
        {"i": PLACES, "z": np.zeros((2, 5, 3), np.float32)},
        lambda x: torch.zeros(2, 5, 3).scatter_add(1, torch.tensor(PLACES), x),
    ),
    (
        "index_put of rows",
        13,
        "y = ScatterND(x, i, u)",
        (5, 3),
        {"i": ints([3], [0]), "u": np.ones((2, 3), np.float32)},
        lambda x: x.index_put((torch.tensor([3, 0]),), torch.ones(2, 3)),
    ),
    (
        "roll in two axes",
        13,
        "a = Slice(x, one, big, one) b = Slice(x, zero, one, one) c = Concat<axis=1>(a, b)\n"
        "d = Slice(c, last, big, two) e = Slice(c, zero, last, two) y = Concat<axis=2>(d, e)",
        (2, 4, 5),
        {
            "zero": ints(0),
            "one": ints(1),
            "two": ints(2),
            "last": ints(-1),
            "big": ints(np.iinfo(np.int64).max),
        },
        lambda x: x.roll((-1, 1), (1, 2)),
    ),
    (
        "strided slice",
        13,
        "y = Slice(x, s, e, a, t)",
        (3, 7, 6),
        {"s": ints(1, 0), "e": ints(7, 100), "a": ints(1, 2), "t": ints(3, 2)},
        lambda x: x[:, 1::3, ::2],
    ),
    (
        "flip",
        13,
        "y = Slice(x, s, e, a, s)",
        (3, 4),
        {"s": ints(-1), "e": ints(np.iinfo(np.int64).min), "a": ints(1)},
        lambda x: x.flip(1),
    ),
    *(
        (
            f"F.pad {mode}",
            19,
            f'y = Pad<mode="{onnx_mode}">(x, p)',
            (2, 3, 4, 5),
            {"p": ints(0, 0, 1, 2, 0, 0, 3, 4)},
            lambda x, mode=mode: F.pad(x, (2, 4, 1, 3), mode=mode),
        )
        for mode, onnx_mode in [
            ("constant", "constant"),
            ("reflect", "reflect"),
            ("replicate", "edge"),
            ("circular", "wrap"),
        ]
    ),
    (
        "F.pad with negative amounts",
        13,
        "y = Pad(x, p)",
        (2, 5, 6),
        {"p": ints(0, -1, 2, 0, 1, -3)},
        lambda x: F.pad(x, (2, -3, -1, 1)),
    ),
    (
        "pixel_shuffle",
        13,
        'y = DepthToSpace<blocksize=2, mode="CRD">(x)',
        (2, 8, 3, 2),
        {},
        lambda x: F.pixel_shuffle(x, 2),
    ),
    (
        "topk",
        13,
        "y, i = TopK<axis=1>(x, k)",
        (3, 6),
        {"k": ints(2)},
        lambda x: x.topk(2, 1).values,
    ),
    (
        "attention by einsum",
        13,
        'y = Einsum<equation="bihd,bjhd->bhij">(x, x)',
        (2, 3, 2, 4),
        {},
        lambda x: torch.einsum("bihd,bjhd->bhij", x, x),
    ),
    (
        "diagonal by einsum",
        13,
        'y = Einsum<equation="...ii->...i">(x)',
        (2, 3, 3),
        {},
        lambda x: torch.einsum("...ii->...i", x),
    ),
    ("tril", 14, "y = Trilu<upper=0>(x)", (2, 4, 3), {}, lambda x: x.tril()),
    (
        "repeat",
        13,
        "y = Tile(x, r)",
        (2, 3),
        {"r": ints(2, 3)},
        lambda x: x.repeat(2, 3),
    ),
]


def _model(opset: int, body: str, shape: tuple[int, ...], constants: dict[str, Any]) -> Any:
    dims = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> '
        f"g (float[{dims}] x) => (float y) {{ {body} }}"
    )
    for name, value in constants.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return model


def _gradient(model: Any) -> tuple[Any, list[str]]:
    """The model with an input `cot` and the output dx; the operators that were added."""
    graph = prepare(model)
    op = Emitter(graph)
    y = graph.tensors["y"]
    cot = gs.Variable("cot", y.dtype, y.shape)
    dx = op.Identity(reverse(op, y, cot, ["x"])["x"])
    elem = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(y.dtype))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", elem, y.shape))
    added = [node.op for node in op.needed([dx])]
    return append(op, inputs=[cot], outputs=[dx]), added


@pytest.mark.parametrize("case", PARITY, ids=lambda case: case[0])
def test_equals_torch(case: Parity, rng: np.random.Generator) -> None:
    _, opset, body, shape, constants, function = case
    model, _ = _gradient(_model(opset, body, shape, constants))
    x = torch.tensor(rng.normal(size=shape).astype(np.float32), requires_grad=True)
    y = function(x)
    cot = rng.normal(size=tuple(y.shape)).astype(np.float32)
    (expected,) = torch.autograd.grad(y, x, torch.tensor(cot))
    session = open_session(model)
    out, found = session.run(None, {"x": x.detach().numpy(), "cot": cot})
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-5)


PORTABLE = {
    *("Add", "Concat", "Expand", "Gather", "Identity", "MatMul", "Mul", "Pad", "ReduceSum"),
    *("Reshape", "Slice", "SpaceToDepth", "Squeeze", "Transpose", "Unsqueeze", "Where", "Einsum"),
    *("GatherElements", "ScatterElements", "TopK", "Trilu"),
}
"""What every runtime has; TopK, Trilu and their like only where the model has them itself."""


COMPUTED = [case for case in PARITY if "GatherElements" in case[2]]
"""What adds at indices that only the run time knows."""


@pytest.mark.parametrize("case", [c for c in PARITY if c not in COMPUTED], ids=lambda case: case[0])
def test_stays_portable_where_all_is_static(case: Parity) -> None:
    _, opset, body, shape, constants, _ = case
    _, added = _gradient(_model(opset, body, shape, constants))
    assert set(added) <= PORTABLE


def test_refuses_writes_whose_order_decides() -> None:
    constants = {"i": ints([1], [1]), "u": np.ones((2, 2), np.float32)}
    with pytest.raises(UnsupportedOpError, match="indices repeat"):
        _gradient(_model(13, "y = ScatterND(x, i, u)", (3, 2), constants))


def test_a_dynamic_slice_of_an_old_model_says_convert() -> None:
    model = _model(9, "y = Slice<axes=[1], starts=[0], ends=[2]>(x)", (2, 5), {})
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "T"
    with pytest.raises(ModelError, match="convert the model to opset 13"):
        _gradient(model)


def test_parts_that_tile_a_tensor_are_joined() -> None:
    """Query, key and value cut from one product: one Concat, no zeros that are added up."""
    body = "q = Gather<axis=1>(x, a) k = Gather<axis=1>(x, b) t = Mul(q, k) y = Tanh(t)"
    _, added = _gradient(_model(13, body, (4, 2, 3), {"a": np.array(0), "b": np.array(1)}))
    assert added.count("Concat") == 1
    assert "Pad" not in added


def test_reading_everything_in_order_is_a_view() -> None:
    """How torch exports as_strided of a pooled map: a Gather at 0, 1, ... of any batch."""
    body = (
        "f = Reshape(x, all) h = Shape(x) n = Gather(h, zero) r = Range(zero, n, one)\n"
        "m = Mul(r, four) u = Unsqueeze(m, last) i = Add(u, columns) y = Gather(f, i)"
    )
    constants = {
        "all": ints(-1),
        "zero": np.array(0),
        "one": np.array(1),
        "four": np.array(4),
        "last": ints(1),
        "columns": np.arange(4)[None],
    }
    model = _model(18, body, (2, 4, 1), constants)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    _, added = _gradient(model)
    assert set(added) == {"Reshape", "Identity"}


@pytest.mark.parametrize(
    ("operator", "shape"), [("Gather", (3,)), ("GatherElements", (3, 2))], ids=str
)
def test_half_precision_adds_in_single(operator: str, shape: tuple[int, ...]) -> None:
    """onnxruntime loads a float16 scatter with addition and then has no kernel for it."""
    model = _model(18, f"y = {operator}<axis=0>(x, i)", (400, 2), {})
    integers = onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, shape)
    model.graph.input.append(integers)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    gradient, added = _gradient(model)
    assert any(name.startswith("Scatter") for name in added)
    x, indices = np.zeros((400, 2), np.float16), ints(399, 7, 7)
    cot = np.array([[1, 2], [3, 4], [5, 6]], np.float16)
    session = open_session(gradient)
    places = indices if operator == "Gather" else np.stack([indices, indices], 1)
    _, found = session.run(None, {"x": x, "i": places, "cot": cot})
    expected = np.zeros((400, 2), np.float16)
    expected[399], expected[7] = cot[0], cot[1] + cot[2]
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, expected)


def test_repeated_indices_lose_nothing_in_threads() -> None:
    """onnxruntime's ScatterND adds in several threads at once and loses updates then."""
    model = _model(18, "y = Gather(x, i)", (400, 64), {})
    integers = onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, (50_000,))
    model.graph.input.append(integers)
    gradient, added = _gradient(model)
    assert "ScatterND" not in added
    session = open_session(gradient, intra_op_num_threads=4)
    places = np.random.default_rng(0).integers(0, 7, 50_000)
    x, cot = np.zeros((400, 64), np.float32), np.ones((50_000, 64), np.float32)
    found = session.run(None, {"x": x, "i": places, "cot": cot})[1]
    counts = np.bincount(places, minlength=400)
    np.testing.assert_array_equal(found, np.repeat(counts[:, None], 64, 1))
