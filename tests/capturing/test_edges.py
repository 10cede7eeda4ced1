"""What lies off the beaten track: baked batches, mixed precision, weights in odd places."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

from backends.onnx import OnnxBackend, instrument
from backends.onnx.running.runner import Runner
from backends.onnx.running.runtime import run
from cam_core import explain
from cam_core.errors import InputError, LayerError
from cam_core.targets import ClassTarget
from tests import sessions

Weights = dict[str, np.ndarray[Any, Any]]


@pytest.fixture
def weights(rng: np.random.Generator) -> Weights:
    """Of a convolution to 4 channels and a head of 5 classes."""
    shapes = {"w": (4, 3, 3, 3), "b": (4,), "fc": (4, 5)}
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def build(
    nodes: list[onnx.NodeProto],
    weights: Weights,
    inputs: dict[str, list[Any]],
    output: tuple[str, list[Any]],
    *,
    elem: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, elem, shape) for n, shape in inputs.items()],
        [helper.make_tensor_value_info(output[0], elem, output[1])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def trunk(image: str = "x") -> list[onnx.NodeProto]:
    conv = helper.make_node("Conv", [image, "w", "b"], ["c"], pads=[1, 1, 1, 1])
    return [
        conv,
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
    ]


def head(source: str = "f") -> list[onnx.NodeProto]:
    return [helper.make_node("MatMul", [source, "fc"], ["y"])]


def plain(weights: Weights, batch: int | str = "N") -> onnx.ModelProto:
    nodes = [*trunk(), helper.make_node("Flatten", ["g"], ["f"]), *head()]
    return build(nodes, weights, {"x": [batch, 3, 8, 8]}, ("y", [batch, 5]))


def one_hot(index: int) -> Any:
    return lambda y, outputs: np.eye(5, dtype=y.dtype)[[index] * len(y)]


def expected(fc: np.ndarray[Any, Any], index: int, cells: int) -> np.ndarray[Any, Any]:
    """dy_c / dr of a mean over `cells` and a matrix, one number a channel."""
    return np.asarray(fc[:, index] / cells, np.float64)


def test_a_baked_batch_is_run_row_by_row(weights, rng):
    shape = {"s": np.array([1, -1], np.int64)}
    nodes = [*trunk(), helper.make_node("Reshape", ["g", "s"], ["f"]), *head()]
    model = build(nodes, weights | shape, {"x": ["N", 3, 8, 8]}, ("y", [1, 5]))
    backend = OnnxBackend(model)
    assert backend.default_layer == "r"
    capture = backend.capture(rng.normal(size=(3, 3, 8, 8)).astype(np.float32), one_hot(2))[0]
    assert capture.gradients.shape == (3, 4, 8, 8)
    wanted = expected(weights["fc"], 2, 64)[None, :, None, None]
    assert np.allclose(capture.gradients, np.broadcast_to(wanted, (3, 4, 8, 8)), rtol=1e-5)


def test_a_size_that_no_probe_meets_is_read_from_what_the_file_says(weights, rng):
    """A Reshape that fits an image of 10 x 10 only, declared with dynamic extents."""
    fixed = {"s": np.array([-1, 400], np.int64), "fc": rng.normal(size=(400, 5)).astype(np.float32)}
    nodes = [*trunk()[:2], helper.make_node("Reshape", ["r", "s"], ["f"]), *head()]
    model = build(nodes, weights | fixed, {"x": ["N", 3, "H", "W"]}, ("y", ["N", 5]))
    found = OnnxBackend(model, layer="r").capture(np.ones((2, 3, 10, 10), np.float32), one_hot(1))
    wanted = fixed["fc"][:, 1].reshape(1, 4, 10, 10)
    assert np.allclose(found[0].gradients, np.concatenate([wanted, wanted]), rtol=1e-5)


@pytest.mark.parametrize("frames", ["T", 4])
def test_frames_that_are_folded_into_the_batch(weights, rng, frames):
    """Of a number that the file says each has a map of its own; of any other they are a row."""
    made = {
        "frames": np.array([-1, 3, 8, 8], np.int64),
        "four": np.array([4], np.int64),
        "all": np.array([-1], np.int64),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["video", "frames"], ["x"]),
        *trunk(),
        helper.make_node("Shape", ["video"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one"], ["rows"]),
        helper.make_node("Concat", ["rows", "all", "four"], ["s"], axis=0),
        helper.make_node("Reshape", ["g", "s"], ["apart"]),
        helper.make_node("ReduceMean", ["apart"], ["f"], axes=[1], keepdims=0),
        *head(),
    ]
    model = build(nodes, weights | made, {"video": ["N", frames, 3, 8, 8]}, ("y", ["N", 5]))
    x = rng.normal(size=(2, 4, 3, 8, 8)).astype(np.float32)
    (found,) = OnnxBackend(model).capture(x, one_hot(1))
    if frames == "T":
        assert (found.layer, found.activations.shape) == ("apart", (2, 4, 4))
        return
    assert (found.layer, found.activations.shape) == ("r", (8, 4, 8, 8))
    explained = explain(OnnxBackend(model), x, target=1)
    assert explained.map.shape == (2, 4, 8, 8)
    alone = [explain(OnnxBackend(model), np.stack([x[0]] * 2), target=1).map[0] for _ in "a"]
    np.testing.assert_allclose(explained.map[0], alone[0], rtol=1e-5, atol=1e-7)
    A = found.activations.reshape(2, 4, 4, 8, 8)
    right = np.einsum("k,nfkhw->nfhw", weights["fc"][:, 1] / (4 * 64), A)
    np.testing.assert_allclose(explained.map, np.maximum(right, 0), rtol=1e-4, atol=1e-7)
    written = sessions.run(instrument(model), video=x, cam_class=np.array([1]))["cam_map"]
    np.testing.assert_allclose(written, explained.map, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("wide_ends", [False, True], ids=["half", "half inside"])
@pytest.mark.parametrize("scale", [2e-4, 1.0, 100.0])
def test_float16_neither_underflows_nor_overflows(weights, rng, scale, wide_ends):
    """The score of a file that keeps its ends in float32 is float32, what lies before is not."""
    half = {n: v.astype(np.float16) for n, v in weights.items()} | {"k": np.float16(scale)}
    nodes = [*trunk("h" if wide_ends else "x"), helper.make_node("Flatten", ["g"], ["f"])]
    nodes += [*head(), helper.make_node("Mul", ["y", "k"], ["z"])]
    if wide_ends:
        nodes.insert(0, helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16))
        nodes.append(helper.make_node("Cast", ["z"], ["score"], to=TensorProto.FLOAT))
    elem = TensorProto.FLOAT if wide_ends else TensorProto.FLOAT16
    name = "score" if wide_ends else "z"
    model = build(nodes, half, {"x": ["N", 3, 8, 8]}, (name, ["N", 5]), elem=elem)
    x = rng.normal(size=(1, 3, 8, 8)).astype(helper.tensor_dtype_to_np_dtype(elem))
    wanted = expected(half["fc"].astype(np.float64), 3, 64) * float(half["k"])
    for found in (
        OnnxBackend(model, layer="r").capture(x, one_hot(3))[0].gradients,
        _instrumented_gradients(model, x),
    ):
        assert found.dtype == np.float32
        got = found.mean((0, 2, 3), dtype=np.float64)
        assert np.linalg.norm(got - wanted) < 2e-3 * np.linalg.norm(wanted)


def _instrumented_gradients(model: onnx.ModelProto, x: np.ndarray[Any, Any]) -> Any:
    made = instrument(model, layer="r", target=3, outputs=("gradients",))
    return sessions.run(made, x=x)["cam_gradients"]


def test_rows_leave_what_has_no_rows(weights, rng):
    """A scalar and a mean colour beside images that come one at a time."""
    nodes = [
        helper.make_node("Sub", ["image", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "gain"], ["x"]),
        *trunk(),
        helper.make_node("Flatten", ["g"], ["f"]),
        *head(),
    ]
    inputs = {"image": [1, 3, 8, 8], "mean": [3, 1, 1], "gain": []}
    backend = OnnxBackend(build(nodes, weights, inputs, ("y", [1, 5])))
    image = rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    mean, gain = rng.normal(size=(3, 1, 1)).astype(np.float32), np.float32(1.5)
    given = {"image": image, "mean": mean, "gain": gain}
    found = backend.capture(given, one_hot(0))[0]
    alone = OnnxBackend(plain(weights)).forward((image - mean) * gain)["y"]
    assert np.allclose(found.logits, alone, atol=1e-5)


def test_weights_of_constant_nodes_are_weights(weights, rng):
    model = plain(weights)
    constants = [
        helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer
    ]
    nodes = [*constants, *model.graph.node]
    moved = build(nodes, {}, {"x": ["N", 3, 8, 8]}, ("y", ["N", 5]))
    changed = OnnxBackend(moved).with_weights(lambda name, w: w * 2 if name == "fc" else w)
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    assert np.allclose(changed.forward(x)["y"], 2 * OnnxBackend(model).forward(x)["y"], rtol=1e-5)


@pytest.mark.parametrize(("size", "fits"), [(120, True), (80, False), (40, False)])
def test_a_crop_of_less_than_it_asks_for_is_an_error(weights, size, fits):
    """The first 100 rows of an image of any size."""
    crop = {"from": np.array([0], np.int64), "to": np.array([100], np.int64)}
    crop["axis"] = np.array([2], np.int64)
    nodes = [
        *trunk()[:2],
        helper.make_node("Slice", ["r", "from", "to", "axis"], ["cut"]),
        helper.make_node("GlobalAveragePool", ["cut"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        *head(),
    ]
    model = build(nodes, weights | crop, {"x": ["N", 3, "H", "W"]}, ("y", ["N", 5]))
    session = Runner().open(instrument(model, layer="r", target=1, outputs=("gradients",)))
    x = {"x": np.ones((1, 3, size, 50), np.float32)}
    if not fits:
        with pytest.raises(InputError, match=r"Reshape|Pad"):
            run(session, ["cam_gradients"], x)
        return
    wanted = np.zeros((1, 4, size, 50))
    wanted[:, :, :100] = expected(weights["fc"], 1, 100 * 50)[None, :, None, None]
    assert np.allclose(run(session, ["cam_gradients"], x)[0], wanted, rtol=1e-5)


def test_a_layer_of_unknown_rank_is_refused_in_one_line(weights):
    """Branches of different ranks, chosen by the image."""
    bodies = [
        helper.make_graph(
            [helper.make_node(op, ["r"], [out], **attributes)],
            out,
            [],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
        )
        for op, out, attributes in (("Neg", "t", {}), ("ReduceMean", "e", {"keepdims": 0}))
    ]
    bright = helper.make_node("ReduceMax", ["x"], ["bright"], keepdims=0)
    yes = helper.make_node("Cast", ["bright"], ["yes"], to=TensorProto.BOOL)
    chosen = helper.make_node("If", ["yes"], ["q"], then_branch=bodies[0], else_branch=bodies[1])
    nodes = [bright, yes, *trunk()[:2], chosen, helper.make_node("Add", ["q", "r"], ["m"])]
    nodes += [helper.make_node("GlobalAveragePool", ["m"], ["g"])]
    nodes += [helper.make_node("Flatten", ["g"], ["f"]), *head()]
    model = build(nodes, weights, {"x": ["N", 3, 8, 8]}, ("y", ["N", 5]))
    with pytest.raises(LayerError, match="shape unknown"):
        OnnxBackend(model, layer="m")


def test_an_output_asked_for_twice_is_refused(weights):
    with pytest.raises(InputError, match="twice"):
        instrument(plain(weights), outputs=("map", "map"))


def test_no_layers_mean_the_default_one(weights):
    made = instrument(plain(weights), layer=[])
    assert [o.name for o in made.graph.output] == ["y", "cam_map"]


def test_a_wanted_layer_behind_a_step_ends_the_path(rng: np.random.Generator) -> None:
    """c and floor(c) both wanted: the gradient at c passes the live branch only."""
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,5,5] x) => (float[1,3] y) {'
        " c = Relu(x) s = Floor(c) a = Add(c, s) p = GlobalAveragePool(a) y = Flatten(p) }"
    )
    backend = OnnxBackend(onnx.parser.parse_model(text))
    x = rng.normal(size=(1, 3, 5, 5)).astype(np.float32)
    c, s = backend.capture(x, ClassTarget(1), layers=["c", "s"])
    expected = np.zeros((1, 3, 5, 5), np.float32)
    expected[0, 1] = 1 / 25
    np.testing.assert_allclose(c.gradients, expected, rtol=1e-6)
    np.testing.assert_allclose(s.gradients, expected, rtol=1e-6)


def test_a_weight_may_begin_like_our_names() -> None:
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,5,5] x) => (float[1,3] y) {'
        " cam_conv = Relu(x) p = GlobalAveragePool(cam_conv) y = Flatten(p) }"
    )
    assert [o.name for o in instrument(onnx.parser.parse_model(text)).graph.output][1] == "cam_map"
