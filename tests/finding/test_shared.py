"""A batch that several inputs share: each has its own map, held against calls of their own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from backends.onnx.finding.axes.factors import Factor, Given, Joined, Sides
from backends.onnx.finding.shared import part_of, sharing
from cam_core import explain
from cam_core.errors import LayerError
from tests.sessions import run
from tests.shared_batch import JOIN, SIDE, by_autograd, map_of, photos, siamese, weights

PAIR, TRIPLE = ("left", "right"), ("anchor", "like", "unlike")
CLASSES = [3, 1]


@pytest.mark.parametrize("names", [PAIR, TRIPLE], ids=["two", "three"])
@pytest.mark.parametrize("n", ["N", "1", "2"])
@pytest.mark.parametrize("how", JOIN)
def test_each_input_has_the_map_of_a_call_of_its_own(how: str, n: str, names: Any) -> None:
    model, rows = siamese(how, names, n), 1 if n == "1" else 2
    x, classes = photos(names, rows), CLASSES[:rows]
    backend, expected = OnnxBackend(model), by_autograd(x, classes)
    look = backend.look(x, layers=[f"b@{name}" for name in names])
    assert backend.default_layer == f"b@{names[0]}"
    for name in names:
        layer, (A, G) = f"b@{name}", expected[name].values()
        found = explain(backend, x, classes, layer=layer)
        np.testing.assert_allclose(look.activations[layer], A, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.map, map_of(A, G), rtol=1e-4, atol=1e-5)
        assert found.region is not None
        assert (found.region.input, found.region.whole) == (name, True)
        made = run(instrument(model, layer=layer), x, cam_class=np.array(classes))
        np.testing.assert_allclose(made["cam_map"], map_of(A, G), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", JOIN)
def test_gradients_are_those_of_the_rows(how: str) -> None:
    x = photos()
    expected = by_autograd(x, CLASSES)

    def target(y: Any, _: Any) -> Any:
        hot = np.zeros_like(y)
        hot[range(2), CLASSES] = 1
        return hot

    for capture in OnnxBackend(siamese(how)).capture(x, target, layers=["b@left", "b@right"]):
        G = expected[capture.layer.removeprefix("b@")]["G"]
        np.testing.assert_allclose(capture.gradients, G, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("how", JOIN)
def test_two_rows_are_two_batches_of_one(how: str) -> None:
    x, backend = photos(), OnnxBackend(siamese(how))
    for layer in ("a@left", "a@right", "b@left", "b@right"):
        both = explain(backend, x, CLASSES, layer=layer).map
        for i, c in enumerate(CLASSES):
            one = explain(backend, {k: v[i : i + 1] for k, v in x.items()}, c, layer=layer).map
            np.testing.assert_allclose(one[0], both[i], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", JOIN)
def test_a_tail_leaves_the_other_rows_alone(how: str) -> None:
    """What the score becomes when the rows of one input are those of another picture."""
    x, other, backend = photos(), photos(seed=2), OnnxBackend(siamese(how))
    for name in PAIR:
        layer, changed = f"b@{name}", x | {name: other[name]}
        A = backend.look(changed, layers=[layer]).activations[layer]
        found = backend.look(x, layers=[layer]).tail(layer)(np.concatenate([A, A]))
        (expected,) = backend.forward(changed).values()
        np.testing.assert_allclose(found, np.concatenate([expected] * 2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PAIR)
@pytest.mark.parametrize("how", JOIN)
def test_an_event_in_one_lights_nothing_in_the_other(how: str, name: str) -> None:
    """Without a bias black stays black, wherever the bright pixel of the other picture is."""
    x = {side: np.zeros((2, 3, SIDE, SIDE), np.float32) for side in PAIR}
    x[name][1, :, 4, 6] = 5.0
    look = OnnxBackend(siamese(how)).look(x, layers=["c@left", "c@right"])
    for side in PAIR:
        lit = np.argwhere(np.abs(look.activations[f"c@{side}"]).sum(1) > 0)
        near = [[1, i, j] for i in (3, 4, 5) for j in (5, 6, 7)] if side == name else []
        assert lit.tolist() == near


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_a_file_of_another_opset_is_cut_alike(opset: int) -> None:
    model, x = siamese("one after the other", opset=opset), photos()
    expected = by_autograd(x, CLASSES)["right"]
    made = instrument(model, layer="b@right")
    found = run(made, x, cam_class=np.array(CLASSES))["cam_map"]
    np.testing.assert_allclose(found, map_of(**expected), rtol=1e-4, atol=1e-5)
    (shape,) = (o.type.tensor_type.shape for o in made.graph.output if o.name == "cam_map")
    assert shape.dim[0].dim_param == "N"
    facts = {e.key: e.value for e in made.metadata_props}
    assert facts["cam.layer"] == "b@right"
    assert facts["cam.layout"] == "NCHW of rows 2/2"


def test_both_maps_in_one_file() -> None:
    x = photos()
    made = instrument(siamese("in turns"), layer=["b@left", "b@right"], outputs=("map", "heatmap"))
    found = run(made, x, cam_class=np.array(CLASSES))
    for i, (A, G) in enumerate(each.values() for each in by_autograd(x, CLASSES).values()):
        np.testing.assert_allclose(found[f"cam_map_{i}"], map_of(A, G), rtol=1e-4, atol=1e-5)
        assert found[f"cam_heatmap_{i}"].shape == (2, SIDE, SIDE)


def cut_on_the_way(prepared: str) -> onnx.ModelProto:
    """A model that prepares its right picture in its own way before both are joined."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[N,3,8,8] left, float[N,3,8,8] right) '
        f"""=> (float[N,5] y) {{ from = Constant<value = int64[2] {{2,4}}>()
        to = Constant<value = int64[2] {{6,8}}>() on = Constant<value = int64[2] {{2,3}}>()
        start = Constant<value = int64[1] {{-1}}>() end = Constant<value = int64[1] {{-99}}>()
        last = Constant<value = int64[1] {{3}}>() l = AveragePool<kernel_shape = [2,2],
        strides = [2,2]>(left) {prepared} x = Concat<axis = 0>(l, r) c = Conv(x, w) b = Relu(c)
        p = GlobalAveragePool(b) f = Flatten(p) lf, rf = Split<axis = 0>(f) e = Add(lf, rf)
        y = MatMul(e, head) }}"""
    )
    values = {"w": np.ones((6, 3, 1, 1), np.float32), "head": weights()["head"]}
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in values.items())
    return model


PREPARED = {
    "cropped": ("r = Slice(right, from, to, on)", ((0.25, 0.75), (0.5, 1.0))),
    "flipped": (
        """q = AveragePool<kernel_shape = [2,2], strides = [2,2]>(right)
        r = Slice(q, start, end, last, start)""",
        ((0.0, 1.0), (0.0, 1.0)),
    ),
}


@pytest.mark.parametrize("how", PREPARED)
def test_places_are_those_of_the_input_itself(how: str) -> None:
    """The one lit cell of the right map is where its bright pixel is."""
    (text, windows), (row, column) = PREPARED[how], (3, 6)
    x = {side: np.zeros((1, 3, 8, 8), np.float32) for side in PAIR}
    x["right"][0, :, row, column] = 1.0
    backend = OnnxBackend(cut_on_the_way(text))
    found = backend.look(x, layers=["b@right", "b@left"])
    region = found.regions["b@right"]
    assert (region.input, region.windows) == ("right", windows)
    assert found.regions["b@left"].whole
    cells = [
        int((place / 8 - low) / (high - low) * 4)
        for place, (low, high) in zip((row, column), windows, strict=True)
    ]
    lit = np.argwhere(found.activations["b@right"][0].sum(0) > 0)
    assert lit.tolist() == [cells]
    assert not found.activations["b@left"].any()


@pytest.mark.parametrize("how", ["one after the other", "in turns"])
def test_rows_on_the_second_axis(how: str) -> None:
    """[T, 2 N, C], as attention over sequences takes it: an event lights its own token."""
    model = siamese(how)
    steps = """t = Reshape(c, flat) u = Transpose<perm = [2,0,1]>(t) sequence = Relu(u)
        z = Transpose<perm = [1,2,0]>(sequence) a = Reshape(z, square)"""
    nodes = onnx.parser.parse_graph(
        f"g (float[a] c, int64[3] flat, int64[4] square) => (float[b] a) {{ {steps} }}"
    ).node
    at = next(i for i, node in enumerate(model.graph.node) if node.output[0] == "a")
    kept = [*model.graph.node[:at], *nodes, *model.graph.node[at + 1 :]]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    for name, shape in {"flat": [-1, 4, SIDE * SIDE], "square": [-1, 4, SIDE, SIDE]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(shape), name))
    x = {side: np.zeros((2, 3, SIDE, SIDE), np.float32) for side in PAIR}
    x["right"][1, :, 4, 6] = 5.0
    look = OnnxBackend(model).look(x, layers=["sequence@left", "sequence@right"])
    assert not look.activations["sequence@left"].any()
    lit = np.argwhere(look.activations["sequence@right"].sum(1) > 0).tolist()
    assert lit
    assert all(n == 1 and abs(i - 4) < 2 and abs(j - 6) < 2 for n, i, j in lit)


def test_layers_are_listed_with_each_input() -> None:
    listed = OnnxBackend(siamese("one after the other")).layers()
    assert [one.name for one in listed if one.default] == ["b@left"]
    over = {one.input: one.name for one in listed if one.default_over}
    assert over == {"left": "b@left", "right": "b@right"}


@pytest.mark.parametrize(
    ("asked", "meant"), [("b", "b@left"), ("b@right", "b@right"), (-1, "b@right"), ("-2", "b@left")]
)
def test_a_layer_is_called_with_an_input(asked: Any, meant: str) -> None:
    assert OnnxBackend(siamese("in turns"), layer=asked).default_layer == meant


def test_an_input_that_is_not_there_is_refused() -> None:
    words = "layer 'b@middle': no rows of 'middle' lie there; there is 'b@left', 'b@right'"
    with pytest.raises(LayerError, match=words):
        OnnxBackend(siamese("in turns"), layer="b@middle")


def test_each_photo_has_its_channels() -> None:
    infos = OnnxBackend(siamese("one after the other")).inputs()
    assert [(info.name, info.channel_axis, info.row_axis) for info in infos] == [
        ("left", 1, 0),
        ("right", 1, 0),
    ]


def test_scores_of_all_rows_are_no_rows_of_one() -> None:
    model = siamese("one after the other")
    (last,) = (node for node in model.graph.node if node.output[0] == "y")
    last.input[0] = "f"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "both"
    words = (
        r"^Concat \(node 'x'\) puts the rows of 'left', 'right' into one batch, so 'x' holds maps "
        r"of no single input; export the model with one call"
    )
    with pytest.raises(LayerError, match=words):
        OnnxBackend(model, layer="x")


def rows(name: str, extent: int = 3) -> Factor:
    return Factor(Given(name, 0, extent), extent)


def test_parts_of_joined_rows() -> None:
    joined = (Factor(Joined(((rows("a"),), (rows("b"),))), 6),)
    place = (Factor(Given("a", 2, 8), 8),)
    assert sharing((joined, place)) == ["a", "b"]
    found = part_of((joined, place), "b")
    assert found is not None
    assert (found.axes, found.place) == (((rows("b"),), place), (0, 1, 2, False))
    assert part_of((joined, place), "c") is None
    assert sharing(((rows("a"),), place)) == []


def test_rows_that_cannot_be_told_apart() -> None:
    uneven = (Factor(Joined(((rows("a"),), (rows("b", 4),))), 7),)
    twice = (Factor(Joined(((rows("a"),), (rows("b"),), (rows("a"),))), 9),)
    some = (Factor(Joined(((rows("a"),), (rows("b"),))), 3, Fraction(1), Fraction(2)),)
    for axis in (uneven, twice, some):
        assert sharing((axis,)) == ["a", "b"]
        assert part_of((axis,), "a") is None


def test_sides_are_blocks_or_turns() -> None:
    side = Factor(Sides(inputs=("a", "b")), 2)
    first, last = part_of(((side, rows("a")),), "b"), part_of(((rows("a"), side),), "b")
    assert first is not None
    assert last is not None
    assert (first.turns, last.turns) == (False, True)
    assert part_of(((rows("a"), side, Factor(Given("a", 2, 8), 8)),), "b") is None
    assert part_of(((Factor(Given("a", 2, 8), 8), side),), "b") is None
