"""What can be asked of a model, and the answers on a picture, each from its own formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result
from onnx import numpy_helper
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL

pytest.importorskip("onnxruntime")

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
BODY = "a = Conv<strides = [8, 8]>(x, w) t = Tanh(a)"
POOLED = f"{BODY} g = GlobalAveragePool(t) f = Flatten(g)"
MODELS = {
    "classes": f"(float[1, 3, 32, 32] x) => (float[1, 6] p) {{ {POOLED} p = Softmax(f) }}",
    "binary": (
        "(float[1, 3, 32, 32] x) => (float[1, 1] p) <int64[1] zero = {0}, int64[1] one = {1}> "
        f"{{ {POOLED} s = Slice(f, zero, one, one) p = Sigmoid(s) }}"
    ),
    "embedding": f"(float[1, 3, 32, 32] x) => (float[1, 6] embedding) "
    f"{{ {POOLED} embedding = Tanh(f) }}",
    "regression": f"(float[1, 3, 32, 32] x) => (float[1, 6] landmarks) "
    f"{{ {POOLED} landmarks = Add(f, f) }}",
    "boxes": (
        "(float[1, 3, 32, 32] x) => (float[1, 16, 2] scores, float[1, 16, 4] boxes) "
        "<int64[3] boxed = {1, 4, 16}, int64[3] scored = {1, 2, 16}, int64[1] zero = {0}, "
        f"int64[1] four = {{4}}, int64[1] six = {{6}}, int64[1] one = {{1}}> {{ {BODY} "
        "b = Slice(t, zero, four, one) bf = Reshape(b, boxed) "
        "boxes = Transpose<perm = [0, 2, 1]>(bf) c = Slice(t, four, six, one) "
        "cf = Reshape(c, scored) l = Transpose<perm = [0, 2, 1]>(cf) scores = Sigmoid(l) }"
    ),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models of four kinds with the same weights, and a noisy picture."""
    rng = np.random.default_rng(2)
    w = rng.normal(scale=0.2, size=(6, 3, 8, 8)).astype(np.float32)
    for name, text in MODELS.items():
        model = onnx.parser.parse_model(f"{HEAD} {name} {text}")
        model.graph.initializer.append(numpy_helper.from_array(w, "w"))
        onnx.save(model, tmp_path / f"{name}.onnx")
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    np.save(tmp_path / "w.npy", w)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(gradcam, ["targets", *args])


def said(*args: str) -> dict[str, Any]:
    result = call(*args, "--preprocess", "unit", "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def layer(here: Path) -> Any:
    """t [6, 4, 4] by hand."""
    x = np.asarray(Image.open(here / "photo.png"), np.float64).transpose(2, 0, 1) / 255
    patches = x.reshape(3, 4, 8, 4, 8)
    return np.tanh(np.einsum("ciajb,kcab->kij", patches, np.load(here / "w.npy")))


ROWS = {
    "classes": {"5", "top:3", "prob:5", "5-4", "loss:5", "rest:5", "finer:5", "-5", "out:p[0]"},
    "binary": {"0", "prob:0", "loss:0", "value", "-0", "out:p[0]"},
    "embedding": {"norm", "-norm", "out:embedding[0]"},
    "regression": {"value", "norm", "-value", "out:landmarks[0]"},
    "boxes": {"box:0", "0@anchor:0", "edge:left@box:0", "-box:0", "out:boxes[0]"},
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_rows_that_it_can_answer(kind: str, here: Path) -> None:
    asked = {row["target"] for row in said(f"{kind}.onnx")["ask"]}
    assert ROWS[kind] <= asked
    others = set().union(*ROWS.values()) - ROWS[kind]
    assert asked.isdisjoint(others)


def test_classes_with_their_probabilities(here: Path) -> None:
    found = said("classes.onnx", "photo.png")
    y = layer(here).mean((1, 2))
    order = np.argsort(-y)[:5]
    p = np.exp(y) / np.exp(y).sum()
    assert [one["target"] for one in found["answers"]] == [str(c) for c in order]
    np.testing.assert_allclose([one["score"] for one in found["answers"]], y[order], rtol=1e-4)
    np.testing.assert_allclose([a["probability"] for a in found["answers"]], p[order], rtol=1e-4)
    assert found["outputs"] == [{"output": "p", "kind": "classes", "shape": [1, 6]}]


def test_a_binary_head_and_an_embedding(here: Path) -> None:
    y = layer(here).mean((1, 2))
    (value,) = said("binary.onnx", "photo.png")["answers"]
    assert value["target"] == "value"
    assert value["score"] == pytest.approx(y[0], rel=1e-4)
    assert value["probability"] == pytest.approx(1 / (1 + np.exp(-y[0])), rel=1e-4)
    (norm,) = said("embedding.onnx", "photo.png")["answers"]
    assert norm["score"] == pytest.approx(np.sqrt((np.tanh(y) ** 2).sum()), rel=1e-4)
    assert norm["probability"] is None


def test_the_largest_of_several_values(here: Path) -> None:
    found = said("regression.onnx", "photo.png")["answers"]
    y = 2 * layer(here).mean((1, 2))
    order = np.argsort(-y)[:5]
    assert [one["target"] for one in found] == [f"value:{i}" for i in order]
    np.testing.assert_allclose([one["score"] for one in found], y[order], rtol=1e-4)


def test_boxes_with_their_corners(here: Path) -> None:
    found = said("boxes.onnx", "photo.png", "--threshold", "0.5")
    logits = layer(here)[4:].reshape(2, 16)
    best = np.unravel_index(np.argmax(logits), (2, 16))
    first = found["answers"][0]
    assert (first["target"], first["label"]) == ("box:0", f"class {best[0]}")
    assert first["score"] == pytest.approx(logits.max(), rel=1e-4)
    assert first["detail"]["box"]["anchor"] == best[1]
    none = said("boxes.onnx", "photo.png", "--threshold", "0.99")
    assert none["answers"] == []
    assert none["note"].startswith("box:all: no box from 0.99 on; the best is class")


def test_what_a_person_sees(here: Path) -> None:
    (here / "demo.onnx").write_bytes(MODEL.read_bytes())
    (here / "labels.txt").write_text(LABELS.read_text())
    names = LABELS.read_text().splitlines()
    args = ("demo.onnx", "photo.png", "--labels", "labels.txt", "--preprocess", "unit")
    shown = call(*args, "-o", "found.json")
    assert shown.exit_code == 0, shown.output
    assert "usual    --target -1" in shown.stdout
    assert f"{', '.join(names[:5])}, ..." in shown.stdout
    found = json.loads((here / "found.json").read_text())
    assert f"input    {found['input']}" in shown.stdout
    assert found["input"].endswith("RGB/255 (--preprocess unit)")
    (best, *_) = found["answers"]
    assert best["label"] in names
    assert best["label"] in shown.stdout.split("image")[-1]


def test_without_a_picture_there_are_no_answers(here: Path) -> None:
    found = said("boxes.onnx")
    assert (found["image"], found.get("answers")) == (None, None)
    assert call("boxes.onnx").exit_code == 0
    wrong = call("boxes.onnx", "none.png")
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)
