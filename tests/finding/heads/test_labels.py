"""Names that a file writes in the place of classes: those that onnxruntime gives out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend
from cam_core.errors import ModelError
from cam_core.sources import known
from tests.finding.heads.texts import net
from tests.sessions import run

ENCODER = "ai.onnx.ml.LabelEncoder<keys_int64s"
ARGMAX = "logits = MatMul(f, m) i = ArgMax<axis = 1, keepdims = 0>(logits)"
STRINGS = '"ape", "bee", "cat", "dog", "eel"'
WORDS = ("ape", "bee", "cat", "dog", "eel")
CASES = {  # nodes, outputs, the operator that is named, names
    "zip map of strings": (
        "logits = MatMul(f, m) p = Softmax(logits) "
        f"y = ai.onnx.ml.ZipMap<classlabels_strings = [{STRINGS}]>(p)",
        "seq(map(string, float)) y", "ZipMap", WORDS,
    ),
    "zip map of numbers": (
        "logits = MatMul(f, m) p = Softmax(logits) "
        "y = ai.onnx.ml.ZipMap<classlabels_int64s = [3, 7, 11, 12, 40]>(p)",
        "seq(map(int64, float)) y", "ZipMap", ("3", "7", "11", "12", "40"),
    ),
    "label encoder": (
        f"{ARGMAX} y = {ENCODER} = [0, 1, 2, 3, 4], values_strings = [{STRINGS}]>(i)",
        "string[N] y", "LabelEncoder", WORDS,
    ),
    "label encoder in another order": (
        f"{ARGMAX} y = {ENCODER} = [4, 3, 2, 1, 0], values_strings = [{STRINGS}]>(i)",
        "string[N] y", "LabelEncoder", WORDS[::-1],
    ),
    "gather of names": (
        f"{ARGMAX} names = Constant<value_strings = [{STRINGS}]>() y = Gather(names, i)",
        "string[N] y", "Gather", WORDS,
    ),
    "feature extractor and encoder": (
        f"{ARGMAX} own = Constant<value_ints = [30, 10, 20, 50, 40]>() "
        "e = ai.onnx.ml.ArrayFeatureExtractor(own, i) s = Constant<value_ints = [-1]>() "
        f"j = Reshape(e, s) y = {ENCODER} = [10, 20, 30, 40, 50], values_strings = [{STRINGS}]>(j)",
        "string[N] y", "LabelEncoder", ("cat", "ape", "bee", "eel", "dog"),
    ),
}  # fmt: skip


def said(output: Any) -> list[str]:
    """What a runtime gives for each row; of a map by name the greatest."""
    return [str(max(one, key=one.get) if isinstance(one, dict) else one) for one in output]


@pytest.mark.parametrize("name", CASES)
def test_the_names_are_those_that_are_given_out(name: str, rng: np.random.Generator) -> None:
    nodes, outputs, operator, names = CASES[name]
    model = net(nodes, outputs)
    (head,) = OnnxBackend(model).heads()
    assert (head.kind, head.tensor, head.labels) == ("classes", "logits", names)
    assert head.evidence.endswith(f"; {head.labels_source} has 5 names")
    assert head.labels_source.startswith(f"{operator} (node '")
    model.graph.output.append(onnx.helper.make_tensor_value_info("logits", 1, ["N", 5]))
    weight = next(held for held in model.graph.initializer if held.name == "m")
    weight.CopyFrom(onnx.numpy_helper.from_array(np.eye(6, 5, dtype=np.float32), "m"))
    colours = 9 * rng.normal(size=(300, 3, 1, 1)) + rng.normal(size=(300, 3, 8, 8))
    found = run(model, x=colours.astype(np.float32))
    best = found["logits"].argmax(1)
    assert set(best) == {0, 1, 2, 3, 4}
    assert said(found["y"]) == [names[i] for i in best]


def test_names_in_an_initialiser(tmp_path: Path) -> None:
    """Of the outputs with the same logits all have them, and they are the model's labels."""
    model = net(f"{ARGMAX} p = Softmax(logits) y = Gather(names, i)", "float[N, 5] p, string[N] y")
    held = onnx.helper.make_tensor("names", onnx.TensorProto.STRING, [5], [*WORDS])
    model.graph.initializer.append(held)
    assert [head.labels for head in OnnxBackend(model).heads()] == [WORDS, WORDS]
    onnx.save(model, tmp_path / "m.onnx")
    found = known(tmp_path / "m.onnx")
    assert (found.labels, found.labels_source) == (WORDS, "Gather (node 'y') in the file")


NOTHING = {
    "the classes' own numbers": (
        "logits = MatMul(f, m) p = Softmax(logits) "
        "y = ai.onnx.ml.ZipMap<classlabels_int64s = [0, 1, 2, 3, 4]>(p)",
        "seq(map(int64, float)) y",
    ),
    "a class below 0": (
        f"{ARGMAX} y = {ENCODER} = [-1, 1, 2, 3, 4], values_strings = [{STRINGS}]>(i)",
        "string[N] y",
    ),
    "more values than keys": (
        f"{ARGMAX} y = {ENCODER} = [0, 1, 2, 3], values_strings = [{STRINGS}]>(i)", "string[N] y",
    ),
    "no names at all": (f"{ARGMAX} y = ai.onnx.ml.LabelEncoder(i)", "string[N] y"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING)
def test_what_names_no_classes(name: str) -> None:
    (head,) = OnnxBackend(net(*NOTHING[name])).heads()
    assert (head.tensor, head.labels, head.labels_source) == ("logits", (), "")


def test_names_that_are_no_text_are_none() -> None:
    model = net(f"{ARGMAX} y = Gather(names, i)", "string[N] y")
    values = [*(name.encode() for name in WORDS[:4]), b"\xff"]
    model.graph.initializer.append(onnx.helper.make_tensor("names", 8, [5], values))
    with pytest.raises(ModelError, match="--score"):
        OnnxBackend(model)


def test_names_for_another_number_of_classes_are_said_and_not_taken(tmp_path: Path) -> None:
    model = net(
        f"{ARGMAX} y = {ENCODER} = [0, 1, 2, 3], values_strings = ['a', 'b', 'c', 'd']>(i)".replace(
            "'", '"'
        ),
        "string[N] y",
    )
    onnx.save(model, tmp_path / "m.onnx")
    found = known(tmp_path / "m.onnx")
    assert found.labels is None
    assert found.labels_source == (
        "none: LabelEncoder (node 'y') in the file has 4 names for 5 classes"
    )
