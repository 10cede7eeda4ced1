"""Targets as nodes: every kind, in the file alone, against its score written as loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import instrument
from cam_core.errors import ModelError, TargetError

ort = pytest.importorskip("onnxruntime")

C, K, N = 4, 3, 2
Row = list[list[float]]
"""The score of one row: classes by places."""


def total(row: Row, c: int) -> float:
    """y^c, summed over the places."""
    return sum(row[c])


def best(row: Row, rank: int) -> int:
    return sorted(range(len(row)), key=lambda c: -total(row, c))[rank - 1]


def likely(row: Row, c: int) -> float:
    """The softmax p^c, summed over the places."""
    found = 0.0
    for place in range(len(row[0])):
        e = [math.exp(scores[place]) for scores in row]
        found += e[c] / sum(e)
    return found


def sigmoid(row: Row, c: int) -> float:
    """p^c of each class by itself, summed over the places."""
    return sum(1 / (1 + math.exp(-score)) for score in row[c])


def crossed(row: Row, c: int) -> float:
    """The cross-entropy of c, summed over the places."""
    found = 0.0
    for place in range(len(row[0])):
        e = [math.exp(scores[place]) for scores in row]
        found -= math.log(e[c] / sum(e))
    return found


def odds(row: Row, c: int) -> float:
    """The logarithm of p^c : 1 - p^c of a softmax, summed over the places."""
    found = 0.0
    for place in range(len(row[0])):
        e = [math.exp(scores[place]) for scores in row]
        found += math.log(e[c]) - math.log(sum(e) - e[c])
    return found


def finer(row: Row, c: int) -> float:
    """Against each of the others, all three there are, as likely as it is."""
    found = 0.0
    for place in range(len(row[0])):
        e = [math.exp(scores[place]) for scores in row]
        rest = [i for i in range(len(row)) if i != c]
        above = sum(e[i] / sum(e) * (row[c][place] - row[i][place]) for i in rest)
        found += above / (sum(e[i] / sum(e) for i in rest) + 1e-9)
    return found


TARGETS: dict[str, tuple[Callable[[Row, int], float], Callable[[Row], int]]] = {
    "2": (total, lambda row: 2),
    "top:1": (total, lambda row: best(row, 1)),
    "prob:1": (likely, lambda row: 1),
    "prob:top": (likely, lambda row: best(row, 1)),
    "1-3": (lambda row, c: total(row, 1) - total(row, 3), lambda row: 1),
    "-2": (lambda row, c: -total(row, 2), lambda row: 2),
    "loss:1": (crossed, lambda row: 1),
    "loss:top": (crossed, lambda row: best(row, 1)),
    "rest:0": (odds, lambda row: 0),
    "finer:2": (finer, lambda row: 2),
    "finer:top": (finer, lambda row: best(row, 1)),
}
"""As written: (Y of a row and its class, the class of a row)."""
LIKELY = [text for text in TARGETS if text.startswith("prob")]
PLAIN = [text for text in TARGETS if text not in LIKELY]

LAYOUTS = {  # the nodes from the layer to the score, and the axes that bring it to [N, C, places]
    "NC": (
        "m = GlobalAveragePool(a) f = Flatten(m) z = Transpose<perm = [1, 0]>(w) y = MatMul(f, z)",
        "N, {C}",
        (0, 1),
    ),
    "NC11": ("m = GlobalAveragePool(a) y = Conv(m, v)", "N, {C}, 1, 1", (0, 1, 2, 3)),
    "NCHW": ("y = Conv(a, v)", "N, {C}, 2, 3", (0, 1, 2, 3)),
    "NHWC": (
        "m = Conv(a, v) y = Transpose<perm = [0, 2, 3, 1]>(m)",
        "N, 2, 3, {C}",
        (0, 3, 1, 2),
    ),
}


def net(layout: str, opset: int = 13, classes: int = C, tail: str = "") -> onnx.ModelProto:
    """The layer `a` is a Relu of x; the score is linear in it, and an output beside its tail."""
    nodes, shape, axes = LAYOUTS[layout]
    shape = shape.format(C=classes)
    along = f"<axis = {axes[1]}>" if tail == "Softmax" else ""
    after, other = (f"p = {tail}{along}(y)", f", float[{shape}] p") if tail else ("", "")
    head = f'<ir_version: {8 if opset < 22 else 10}, opset_import: ["" : {opset}]>'
    text = (
        f"{head} net (float[N, {K}, 2, 3] x) => (float[{shape}] y{other}) "
        f"{{ a = Relu(x) {nodes} {after} }}"
    )
    model = onnx.parser.parse_model(text)
    w = np.random.default_rng(4).normal(size=(classes, K)).astype(np.float32)
    used = {"w": w, "v": w[:, :, None, None]}
    name = "w" if layout == "NC" else "v"
    model.graph.initializer.append(numpy_helper.from_array(used[name], name))
    return model


def scores(y: Any, layout: str) -> Any:
    """[N, C, places] in float64."""
    axes = LAYOUTS[layout][2]
    return y.transpose(axes).reshape(N, y.transpose(axes).shape[1], -1).astype(np.float64)


def slopes(score: Callable[[Row], float], row: Any, step: float = 1e-6) -> Any:
    """dY/dy by central differences [C, places]."""
    found = np.zeros_like(row)
    for place in np.ndindex(row.shape):
        ahead, behind = row.copy(), row.copy()
        ahead[place] += step
        behind[place] -= step
        found[place] = (score(ahead.tolist()) - score(behind.tolist())) / (2 * step)
    return found


def check(layout: str, opset: int, classes: int, text: str, tail: str = "") -> None:
    """The three outputs of a file, and the original one, against the loops."""
    model, wanted = net(layout, opset, classes, tail), ["gradients", "score", "class_used"]
    made = instrument(model, layer="a", target=text, outputs=wanted)
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(8).normal(size=(N, K, 2, 3)).astype(np.float32)
    y, *_, G, Y, used = session.run(None, {"x": x})
    if text.startswith("top"):
        G, Y, used = G[:, 0], Y[:, 0], used[:, 0]
    score, choose = TARGETS[text]
    score = sigmoid if tail == "Sigmoid" else score
    w = numpy_helper.to_array(model.graph.initializer[0]).reshape(classes, K)
    for n, row in enumerate(scores(y, layout)):
        c = choose(row.tolist())
        assert used[n] == c
        assert Y[n] == pytest.approx(score(row.tolist(), c), rel=1e-5)
        cotangent = slopes(lambda values, c=c: score(values, c), row)
        expected = np.einsum("cp,ck->kp", cotangent, w.astype(np.float64))
        if layout in ("NC", "NC11"):
            expected = np.repeat(expected, 6, axis=1) / 6
        np.testing.assert_allclose(G[n].reshape(K, -1), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("opset", [7, 8, 10, 11, 13, 18, 22])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", PLAIN)
def test_file_is_the_loops(text: str, layout: str, opset: int) -> None:
    check(layout, opset, C, text)


@pytest.mark.parametrize("opset", [7, 8, 10, 11, 13, 18, 22])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("tail", ["Softmax", "Sigmoid"])
@pytest.mark.parametrize("text", LIKELY)
def test_a_probability_is_the_files_own(text: str, tail: str, layout: str, opset: int) -> None:
    if (tail, layout) == ("Softmax", "NCHW") and opset < 13:
        with pytest.raises(TargetError, match="the model makes no probability of its score"):
            check(layout, opset, C, text, tail)  # one softmax over all classes and places
    else:
        check(layout, opset, C, text, tail)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("text", "tail"), [("top:1", ""), ("prob:top", "Sigmoid")])
def test_one_class(text: str, tail: str, layout: str) -> None:
    check(layout, 13, 1, text, tail)


def added(model: onnx.ModelProto, **options: Any) -> list[str]:
    made = instrument(model, **options)
    return [node.op_type for node in made.graph.node[len(model.graph.node) :]]


@pytest.mark.parametrize("target", ["input", "top:1", "prob:top", "2", "1-3", "top:3"])
def test_a_class_reads_its_row_of_the_weight(target: str) -> None:
    """No product with the whole of it, but for a probability, which all classes move."""
    tail = "Softmax" if target.startswith("prob") else ""
    operators = added(net("NC", tail=tail), layer="a", target=target, outputs=["gradients"])
    products = operators.count("MatMul") + operators.count("Gemm")
    gathers = operators.count("Gather")
    if target in ("input", "top:1", "top:3"):
        assert gathers == (3 if target == "top:3" else 1)
        assert products == 0
    else:
        assert (gathers, products) == (0, 1)


def test_one_sorting_serves_all_ranks() -> None:
    operators = added(net("NC"), target="top:3", outputs=["map", "score", "class_used"])
    assert operators.count("TopK") == 1
    assert "TopK" not in added(net("NC"), target="top:1")


REFUSED = [  # target, error, words
    ("prob:4", TargetError, "class 4 is out of range: the score has 4 classes"),
    ("0-9", TargetError, "class 9 is out of range"),
    ("-1", TargetError, "class -1 is out of range: the score has 4 classes; the top class of each"),
    ("top:5", TargetError, "target 'top:5': expected top:1 to top:4"),
    (["input", "2"], TargetError, "'input' is fed at run time and stands alone"),
    ([], TargetError, "no target"),
]


@pytest.mark.parametrize(("target", "error", "words"), REFUSED, ids=str)
def test_refused_in_one_line(target: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        instrument(net("NC", tail="Softmax"), target=target)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_probability_that_the_file_has_not_is_refused() -> None:
    with pytest.raises(TargetError, match=r"prob:2: the model makes no .*; explain .* 2$"):
        instrument(net("NC"), target="prob:2")


@pytest.mark.parametrize("target", ["input", "2", "prob:1"])
def test_classes_must_be_counted(target: str) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> net (float[N, 3, M] x) => (float[N, M] y) '
        "{ a = Relu(x) y = ReduceMean<axes = [1], keepdims = 0>(a) }"
    )
    with pytest.raises(ModelError, match="dynamic number of classes; only target='cotangent'"):
        instrument(model, layer="a", target=target)


def cosine(row: Row, v: list[float]) -> float:
    flat = [value for scores in row for value in scores]
    product = sum(a * b for a, b in zip(flat, v, strict=True))
    return product / math.sqrt(sum(a * a for a in flat) * sum(b * b for b in v))


def length(row: Row, v: list[float]) -> float:
    return math.sqrt(sum(value**2 for scores in row for value in scores))


VECTORS = {"norm": length, "like": cosine, "unlike": lambda row, v: -cosine(row, v)}


@pytest.mark.parametrize("opset", [7, 13, 22])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("word", VECTORS)
def test_a_vector_is_explained_in_the_file(
    word: str, layout: str, opset: int, tmp_path: Path
) -> None:
    model, x = net(layout, opset), np.random.default_rng(8).normal(size=(N, K, 2, 3))
    shape = {"NC": (C,), "NC11": (C, 1, 1), "NCHW": (C, 2, 3), "NHWC": (2, 3, C)}[layout]
    v = np.random.default_rng(9).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "v.npy", v)
    target = word if word == "norm" else f"{word}:{tmp_path / 'v.npy'}"
    made = instrument(model, layer="a", target=target, outputs=["gradients", "score"])
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    y, G, Y = session.run(None, {"x": x.astype(np.float32)})
    other = scores(np.stack([v] * N), layout)[0].ravel().tolist()
    w = numpy_helper.to_array(model.graph.initializer[0]).reshape(C, K)
    for n, row in enumerate(scores(y, layout)):
        assert Y[n] == pytest.approx(VECTORS[word](row.tolist(), other), rel=1e-5, abs=1e-6)
        cotangent = slopes(lambda values: VECTORS[word](values, other), row)
        expected = np.einsum("cp,ck->kp", cotangent, w.astype(np.float64))
        if layout in ("NC", "NC11"):
            expected = np.repeat(expected, 6, axis=1) / 6
        np.testing.assert_allclose(G[n].reshape(K, -1), expected, rtol=1e-4, atol=1e-6)


def test_the_closest_are_three_of_many() -> None:
    """Of seven classes, by their distance in score."""
    made = instrument(net("NC", classes=7), layer="a", target="finer:2", outputs=["score"])
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(8).normal(size=(N, K, 2, 3)).astype(np.float32)
    y, Y = session.run(None, {"x": x})
    for n, row in enumerate(scores(y, "NC")):
        near = sorted((i for i in range(7) if i != 2), key=lambda i: abs(row[i, 0] - row[2, 0]))
        p = {i: math.exp(row[i, 0]) for i in near[:3]}
        expected = sum(p[i] * (row[2, 0] - row[i, 0]) for i in p) / sum(p.values())
        assert Y[n] == pytest.approx(expected, rel=1e-5)


def test_a_question_of_a_picture_is_none_of_a_file() -> None:
    with pytest.raises(TargetError, match=r"like:other.jpg.* depends on what the model finds"):
        instrument(net("NC"), target="like:other.jpg")
