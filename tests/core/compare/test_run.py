"""Two models compared whole: one network both ways, and with planted differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.parser
import pytest
from scipy.stats import spearmanr

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.compare import compare  # noqa: E402
from cam_core.compare.classes import ClassMap  # noqa: E402
from cam_core.compare.photos import Photo  # noqa: E402
from cam_core.compare.run import batch_size, run, sample_of  # noqa: E402
from cam_core.errors import InputError, NothingFoundError, UnsupportedOpError  # noqa: E402
from tests.core.two_networks import BACKENDS, MODELS, network, written  # noqa: E402

COUNT = 14
CNN = MODELS["cnn"]
NAMES = ("cat", "dog", "owl", "fox", "hen")


@pytest.fixture
def x() -> Any:
    """Smooth pictures, each brighter somewhere."""
    rng = np.random.default_rng(6)
    coarse = rng.normal(size=(COUNT, 3, 4, 6)).repeat(2, axis=2).repeat(2, axis=3)
    return coarse.astype(np.float32)


@pytest.fixture
def pair() -> tuple[Any, Any]:
    """The torch original, given one photo to show its layers with, and its file."""
    from backends.torch import TorchBackend

    example = np.zeros((1, *CNN.size), np.float32)
    return TorchBackend(network(CNN), example=example), BACKENDS["onnx"](CNN)


def test_an_export_looks_at_the_same(pair: Any, x: Any) -> None:
    found = compare(*pair, x)
    assert repr(found) == f"<Comparison of {len(x)} photos: {found.verdict.line}>"
    assert found.verdict.word == "the same", found.verdict.line
    assert found.verdict.line.startswith("the same: agreement 1.000 [1.000, 1.000] of 1, noise")
    assert [(one.a, one.b, one.by) for one in found.sides.layers] == [
        ("late", "late", "module path")
    ]
    assert all(one.fed_alike and not one.flips for one in found.pairs)
    assert (found.said, found.moved, found.missed) == ([], [], [])


def test_the_numbers_are_those_of_the_network(pair: Any, x: Any) -> None:
    found = compare(*pair, x)
    net = network(CNN).double()
    for i, one in enumerate(found.pairs):
        photo = torch.from_numpy(x[i : i + 1]).double()
        A = CNN.activations(net, photo, "late").detach().requires_grad_()
        y = CNN.score(net, photo, "late", A)
        y[0, y.argmax()].backward()
        signed = (A.grad.mean((2, 3), keepdim=True) * A).sum(1)[0].detach().numpy()
        for seen in one.maps:
            np.testing.assert_allclose(seen.signed, signed, rtol=1e-4, atol=1e-5)
        assert one.answers is not None
        assert [answer.index for answer in one.answers] == [int(y.argmax())] * 2
        assert one.scores == pytest.approx([y.max().item()] * 2, rel=1e-4)


def test_the_bounds_are_those_maps(pair: Any, x: Any) -> None:
    found = compare(*pair, x, sample=3)
    assert [bool(one.bounds) for one in found.pairs].count(True) == found.sample == 3
    one, net = found.pairs[0], network(CNN).double()
    assert one.answers is not None
    top = one.answers[0].index
    A = CNN.activations(net, torch.from_numpy(x[:1]).double(), "late").detach()

    def signed(index: int) -> Any:
        weights = net.head.weight[index].detach() / A[0, 0].numel()
        return torch.einsum("k,khw->hw", weights, A[0]).numpy().ravel()

    other = spearmanr(signed(top), signed((top + 2) % 5))[0]
    assert one.bounds["another class"] == pytest.approx(other, abs=1e-2)  # near ranks may tie
    order = np.argsort(-net(torch.from_numpy(x[:1]).double()).detach().numpy()[0])
    second = spearmanr(signed(top), signed(int(order[1])))[0]
    assert one.bounds["second class"] == pytest.approx(second, abs=1e-2)
    assert one.bounds["noise"] > 0.9


def test_a_doubled_scale_is_not_the_same(pair: Any, x: Any) -> None:
    original, file = pair
    doubled = file.with_weights(lambda name, w: 2 * w if name == "conv1_weight" else w)
    found = compare(original, doubled, x).verdict
    assert found.word != "the same", found.line
    head = file.with_weights(lambda name, w: 2 * w if name == "head_weight" else w)
    scaled = compare(original, head, x).verdict
    assert scaled.word == "not the same"
    assert "B's maps are 2 times as high" in scaled.line


def test_swapped_channels_are_not_the_same(pair: Any, x: Any) -> None:
    found = compare(*pair, x, x_b=x[:, ::-1])
    assert found.verdict.word == "not the same", found.verdict.line
    assert found.said == [f"A and B were fed other bytes ({COUNT} of {COUNT} photos)"]


def test_transposed_labels_are_said_and_not_the_same(pair: Any, x: Any) -> None:
    turned = ("dog", "cat", "owl", "fox", "hen")
    found = compare(*pair, x, labels=NAMES, labels_b=turned)
    assert found.sides.classes.said == (
        "the labels of B are in another order ('cat' is 0 in A and 1 in B, 'dog' is 1 in A and 0 "
        "in B)"
    )
    assert sorted(found.moved) == [(0, 0), (1, 1)]
    assert "check B's list of labels" in found.said[1]
    assert any(one.flips for one in found.pairs)
    assert found.verdict.word != "the same", found.verdict.line
    flipped = next(one for one in found.pairs if one.flips)
    assert set(flipped.of_answer) == set(flipped.measures)


def test_classes_that_changed_places_in_the_head(pair: Any, x: Any) -> None:
    original, file = pair
    order = [0, 3, 2, 1, 4]
    moved = file.with_weights(lambda name, w: w[order] if name == "head_weight" else w)
    found = compare(original, moved, x)
    assert sorted(found.moved) == [(1, 3), (3, 1)]
    assert "class 1 has the scores of B's class 3" in found.said[0]
    assert found.verdict.word == "not the same"
    assert found.verdict.reasons[0] == "classes changed places"
    named = compare(original, moved, x, labels=NAMES, labels_b=[NAMES[i] for i in order])
    assert (named.verdict.word, named.moved) == ("the same", [])


def test_photos_of_a_class_that_b_has_not_are_left_out(x: Any) -> None:
    a = OnnxBackend(classifier())
    tops = a.forward(x)["p"].argmax(axis=1)
    gone = int(tops[0])
    assert len(set(tops.tolist())) > 1
    to_b = tuple(None if i == gone else i for i in range(5))
    found = compare(a, a, x, classes=ClassMap(to_b), labels=NAMES)
    assert [one.index for one in found.pairs] == np.flatnonzero(tops != gone).tolist()
    lines = [
        f"[{i}]: B has no class {gone} '{NAMES[gone]}' of A" for i in np.flatnonzero(tops == gone)
    ]
    assert list(found.missed) == lines
    alone = compare(a, a, x, classes=ClassMap(to_b), target=str((gone + 1) % 5))
    assert len(alone.pairs) == len(x)
    with pytest.raises(NothingFoundError, match=f"B has no class {gone} of A"):
        compare(a, a, x, classes=ClassMap(to_b), target=str(gone))


def test_few_photos_are_never_the_same(pair: Any, x: Any) -> None:
    found = compare(*pair, x[:5]).verdict
    assert (found.word, found.reasons) == (
        "cannot say",
        ("5 photos are too few to say: 6 at least",),
    )


def test_a_photo_twice_is_no_second_witness(pair: Any, x: Any) -> None:
    found = compare(*pair, np.concatenate([x[:5], *[x[:1]] * 9]))
    assert len(found.pairs) == 14
    assert found.verdict.reasons == ("5 photos are too few to say: 6 at least",)
    assert found.said == ["9 of 14 photos are copies of others, and count once in the verdict"]


def test_without_a_sample_nothing_was_measured(pair: Any, x: Any) -> None:
    (reason,) = compare(*pair, x, sample=0).verdict.reasons
    assert reason == "nothing to hold it against: floor and ceiling were not measured"


def test_a_photo_of_nan_is_named(pair: Any, x: Any) -> None:
    x[3, 0, 2, 2] = np.nan
    with pytest.raises(InputError, match=r"^\[3\]: input 'x' holds NaN or inf"):
        compare(*pair, x)


def test_a_model_of_nan_has_no_map_and_is_not_the_same(pair: Any, x: Any) -> None:
    original, file = pair
    broken = file.with_weights(lambda name, w: w * np.float32("inf") if "conv2" in name else w)
    found = compare(original, broken, x, layer="late", layer_b="late")
    assert found.verdict.word == "not the same", found.verdict.line
    assert "B has no map of 14 photos (layer 'late': NaN" in found.verdict.line
    assert all(one.maps[1].diagnosis.startswith("layer 'late': NaN") for one in found.pairs)


def trained(place: str) -> OnnxBackend:
    """The file with a Dropout in training mode behind one of its tensors."""
    model = onnx.ModelProto()
    model.CopyFrom(written(CNN))
    del model.graph.output[1:]
    at = next(i for i, node in enumerate(model.graph.node) if place in node.output)
    model.graph.node[at].output[0] = "before"
    three = ["before", "ratio", "yes"]
    model.graph.node.insert(at + 1, onnx.helper.make_node("Dropout", three, [place], "drop"))
    for name, value in {"ratio": np.float32(0.1), "yes": np.bool_(True)}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    return OnnxBackend(model)


def test_what_is_in_training_mode_is_named(pair: Any, x: Any) -> None:
    found = compare(pair[0], trained("early"), x)
    assert found.said[0] == (
        "B has Dropout 'drop' in training mode: export the model in evaluation mode"
    )


def test_a_model_without_a_derivative_has_no_agreement(pair: Any, x: Any) -> None:
    """It is refused, not said to have maps that are no map."""
    with pytest.raises(
        UnsupportedOpError, match=r"^B: no VJP rule for Dropout where it is in trai"
    ):
        compare(pair[0], trained("gap"), x)


def test_the_sample_is_spread_and_batches_are_as_one_by_one(pair: Any, x: Any) -> None:
    assert sample_of(9, 3) == [0, 4, 8]
    assert (sample_of(2, 16), sample_of(5, 0)) == ([0, 1], [])
    together = compare(*pair, x, sample=2)
    assert batch_size(together.sides) > 1
    single = compare(*pair, x[4:5], sample=0)
    assert single.pairs[0].scores == pytest.approx(together.pairs[4].scores, rel=1e-5)


def test_photos_are_opened_ahead_and_seen_in_order(pair: Any, x: Any) -> None:
    """Here all of them before the first is looked at; each is still its own."""
    sides, opened, seen = compare(*pair, x, sample=0).sides, [], []

    def photo(i: int) -> Photo:
        opened.append(i)
        return Photo(f"{i}", x[i : i + 1], x[i : i + 1], index=i)

    def ahead(make: Any, parts: Any) -> Any:
        return iter(list(map(make, parts)))

    def step() -> None:
        seen.append(len(opened))

    found = run(sides, photo, COUNT, sample=2, batch=4, step=step, ahead=ahead)
    assert sorted(opened) == list(range(COUNT))
    assert seen == [COUNT] * COUNT
    assert [one.name for one in found.pairs] == [str(i) for i in range(COUNT)]
    expected = run(sides, photo, COUNT, sample=2, batch=4)
    assert [one.scores for one in found.pairs] == [one.scores for one in expected.pairs]


def classifier() -> onnx.ModelProto:
    """The file behind a softmax, which says that its numbers are classes."""
    model = onnx.ModelProto()
    model.CopyFrom(written(CNN))
    model.graph.node.append(onnx.helper.make_node("Softmax", ["y"], ["p"], axis=1))
    model.graph.output[0].name = "p"
    return model


@pytest.mark.parametrize("rows", [(4, 1), (1, 4), ("N", 4), (4, "N")])
def test_a_fixed_batch_on_either_side(rows: tuple[Any, Any], x: Any) -> None:
    files = [classifier(), classifier()]
    for model, n in zip(files, rows, strict=True):
        axis = model.graph.input[0].type.tensor_type.shape.dim[0]
        axis.ClearField("value")
        if n == "N":
            axis.dim_param = n
        else:
            axis.dim_value = n
        for output in model.graph.output:
            output.type.tensor_type.shape.dim[0].CopyFrom(axis)
    a, b = (OnnxBackend(file) for file in files)
    found = compare(a, b, x)
    assert found.verdict.word == "the same", found.verdict.line
    assert found.said == []
    assert [one.b for one in found.sides.layers] == ["late"]
    order = [1, 2, 3, 4, 0]  # B answers otherwise: what it says is explained, too
    moved = b.with_weights(lambda name, w: w[order] if name == "head_weight" else w)
    flipped = [one for one in compare(a, moved, x).pairs if one.flips]
    assert flipped
    assert all(one.answer_maps is not None for one in flipped)


def test_another_number_of_inputs_is_refused(pair: Any, x: Any) -> None:
    with pytest.raises(InputError, match="14 inputs of A and 3 of B"):
        compare(*pair, x, x_b=x[:3])


def test_tokens_agree_as_well() -> None:
    model = MODELS["tokens"]
    pair = [BACKENDS[name](model) for name in ("onnx", "chain")]
    x = np.random.default_rng(1).normal(size=(8, *model.size)).astype(np.float32)
    found = compare(pair[0], pair[1], x, layer_b="default")
    assert min(one.measures["pearson"] for one in found.pairs) > 0.9999


def test_of_a_segmentation_the_places_of_one_class_are_counted(x: Any) -> None:
    from backends.torch import TorchBackend

    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(6, 4, 1)
    net = torch.nn.Sequential(*layers)
    other = torch.nn.Sequential(*layers[:2], torch.nn.Conv2d(6, 4, 1))
    a, b = (TorchBackend(one, example=x[:1]) for one in (net, other))
    found = compare(a, b, x, layer="1", layer_b="1", sample=0)
    with torch.no_grad():
        tops = [one(torch.from_numpy(x)).numpy().argmax(axis=1) for one in (net, other)]
    for i, pair in enumerate(found.pairs):
        places = [p == q for p, q in zip(tops[0][i].ravel(), tops[1][i].ravel(), strict=True)]
        assert pair.measures["places"] == pytest.approx(sum(places) / len(places))
    assert 0 < found.pairs[0].measures["places"] < 1


DENSE = """<ir_version: 8, opset_import: ["" : 17]>
dense (float[N, 3, 8, 12] x) => (float[N, 5, 8, 12] y) {
    a = Conv<pads = [1, 1, 1, 1]>(x, w)
    b = Tanh(a)
    y = Conv(b, v)
}"""


def test_a_segmentation_and_a_classifier_are_asked_for_a_class_alone(x: Any) -> None:
    model = onnx.parser.parse_model(DENSE)
    rng = np.random.default_rng(4)
    for name, shape in {"w": (6, 3, 3, 3), "v": (5, 6, 1, 1)}.items():
        value = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    a, b = OnnxBackend(model), OnnxBackend(classifier())
    with pytest.raises(InputError, match="A gives dense classes, of which a region is explained"):
        compare(a, b, x, layer_b="default")
    assert compare(a, b, x, layer_b="default", target="2").pairs[0].target == "2"


OPEN = """<ir_version: 8, opset_import: ["" : 17]>
every_cell (float[1, 3, H, W] x) => (float[1, L] y) <int64[2] s = {0, -1}> {
    a = Tanh(x)
    y = Reshape(a, s)
}"""


def test_a_score_may_have_as_many_numbers_as_a_photo_says(rng: np.random.Generator) -> None:
    """Of photos of several sizes each is compared, and no class is held against another's."""
    model = onnx.parser.parse_model(OPEN)
    photos = [rng.normal(size=(1, 3, 4, 4 + i)).astype(np.float32) for i in range(3)]
    found = compare(OnnxBackend(model), OnnxBackend(model), photos, target="5", sample=0)
    for pair, photo in zip(found.pairs, photos, strict=True):
        assert pair.scores == pytest.approx([np.tanh(photo).ravel()[5]] * 2, rel=1e-6)
        assert pair.measures["spearman"] == pytest.approx(1)
    assert (found.scores, list(found.rows), list(found.moved)) == (None, [], [])
