"""`gradcam check`: what lies between layer and score, differences, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from PIL import Image

from backends.onnx.capturing.forward_pass import ForwardPass
from cam_core.backend import Gradients
from tests.commands.calls import ENDED, MODEL, call, write

LAST_STEP = MODEL.replace(
    "a = Relu(c)", "a = Relu(c)\n  s = LpPool<kernel_shape=[2,2]>(a)"
).replace("GlobalAveragePool(a)", "GlobalAveragePool(s)")


def test_check_says_what_lies_between(model: Path) -> None:
    found = call("check", model)
    assert found.exit_code == 0
    for word in ("GlobalAveragePool", "Gemm", "portable yes", "unchanged, bit for bit"):
        assert word in found.output


def test_check_says_what_a_browser_makes_of_the_model(model: Path, tmp_path: Path) -> None:
    assert "browser" not in call("check", model).output
    odd = onnx.load(model)
    odd.graph.node[1].op_type = "Softsign"
    path = tmp_path / "odd.onnx"
    path.write_bytes(odd.SerializeToString())
    for source, words in ((model, "all 5 nodes run on WebGPU"), (path, "1 Softsign")):
        found = call("check", source, "--profile", "web", "--json")
        assert found.exit_code == 0, found.output
        told = json.loads(found.stdout)["profile"]
        assert [row["operator"] for row in told["fallback"]] == ["Softsign"] * (source == path)
        assert words in call("check", source, "--profile", "web").output


def test_check_verifies_the_source_of_an_instrumented_model(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "cam.onnx"
    assert call("instrument", model, "-o", out).exit_code == 0
    found = call("check", out)
    assert found.exit_code == 0, found.output
    assert "the source's hash is right" in found.output
    changed = onnx.load(out)
    changed.graph.node[0].name = "other"
    out.write_bytes(changed.SerializeToString())
    assert "was changed after it was instrumented" in call("check", out).stderr


@pytest.mark.parametrize(
    "args",
    [["gone.png"], ["--layer", "zz"], ["--scale", "shared"], ["--target", "cat", "--numeric"]],
    ids=str,
)
def test_check_says_nothing_before_bad_input_is_told(args: list[str], model: Path) -> None:
    found = call("check", model, *args)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1


def test_check_says_no_where_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[N,3] x) => (float[N,3] y)
    { y = Relu(x) }"""
    path = tmp_path / "flat.onnx"
    path.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    found = call("check", path)
    assert found.exit_code == 1
    assert "verdict  no: " in found.output
    assert call("check", path, "--layer", "zz").exit_code == 2


def test_check_compares_with_differences(tmp_path: Path, rng: np.random.Generator) -> None:
    model = write(ENDED, tmp_path / "ended.onnx", rng)
    found = call("check", model, "--numeric", "--target", "2", "--target", "prob:1", "--json")
    assert found.exit_code == 0, found.output
    results = json.loads(found.output)["numeric"]
    assert [r["target"] for r in results] == ["2", "prob:1"]
    for result in results:
        assert result["passed"] is True
        assert len(result["errors"]) == 3
        assert result["median"] < 1e-3


def test_check_exits_with_1_where_differences_disagree(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ForwardPass.pull

    def wrong(self: Any, target: Any) -> Gradients:
        return Gradients({layer: G * 1.01 for layer, G in own(self, target).layers.items()})

    monkeypatch.setattr(ForwardPass, "pull", wrong)
    found = call("check", model, "--numeric")
    assert found.exit_code == 1
    assert "G does not agree" in found.output
    assert "verdict  no: see above" in found.output


def test_kinks_and_rounding_do_not_fool_the_differences(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pooled = MODEL.replace("a = Relu(c)", "a = Relu(c)\n  s = MaxPool<kernel_shape=[2,2]>(a)")
    path = write(pooled.replace("Pool(a)\n", "Pool(s)\n"), tmp_path / "pool.onnx", rng)
    found = call("check", path, "--numeric", "--layer", "a", "--json")
    assert found.exit_code == 0, found.output
    (result,) = json.loads(found.output)["numeric"]
    assert result["passed"] is True
    assert result["ties"] != ""


def test_check_tries_each_preset_on_a_photo(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), (200, 30, 60)).save(tmp_path / "a.png")
    out = tmp_path / "record.json"
    found = call("check", model, tmp_path / "a.png", "--preprocess", "tf", "-o", out)
    assert found.exit_code == 0, found.output
    for word in ("imagenet", "caffe", "tf *", "unit", "raw", "top 4", "--preprocess tf"):
        assert word in found.output
    record = json.loads(out.read_text())
    assert record["verdict"] == "yes"
    # tf: x = p / 127.5 - 1 is constant, so the means of the convolution are sums of weights
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(model).graph.initializer}
    x = np.array([200, 30, 60]) / 127.5 - 1
    pooled = np.zeros(5)
    for i in range(8):
        for j in range(8):
            for k in range(5):
                rows = slice(1 if i == 0 else 0, 2 if i == 7 else 3)
                columns = slice(1 if j == 0 else 0, 2 if j == 7 else 3)
                sums = weights["w"][k, :, rows, columns].sum(axis=(1, 2))
                pooled[k] += max(sums @ x, 0) / 64
    y = weights["v"] @ pooled
    best = next(t for t in record["input"]["presets"] if t["preset"] == "tf")["top"][0]
    assert best["class"] == int(y.argmax())
    assert best["score"] == pytest.approx(y.max(), rel=1e-4)
    assert best["probability"] is None  # the model has no softmax
    assert "prob." not in found.output
    assert record["heads"][0]["kind"] in found.output


def test_check_ranks_no_classes_of_an_embedding(tmp_path: Path, rng: np.random.Generator) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    text = MODEL.replace("[N,4] y", "[N,4] embedding").replace("y = ", "embedding = ")
    model = write(text, tmp_path / "e.onnx", rng)
    found = call("check", model, tmp_path / "a.png", "--json")
    assert found.exit_code in (0, 1), found.output
    record = json.loads(found.output)
    assert record["heads"][0]["kind"] == "embedding"
    assert record["input"]["top"] == []
    assert "presets" not in record["input"]


@pytest.mark.usefixtures("no_norm_pools")
def test_check_fails_where_there_is_no_rule(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write(LAST_STEP, tmp_path / "pool.onnx", rng)
    found = call("check", path, "--layer", "a")
    assert found.exit_code == 1
    assert "LpPool" in found.output
    assert "--layer s, the nearest later one that works" in found.output


def test_the_classes_are_named_as_the_file_names_them(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    names = ("ape", "bee", "cat", "dog")
    held = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    encoded = f"ai.onnx.ml.LabelEncoder<keys_int64s = [0, 1, 2, 3], values_strings = {held}>(i)"
    text = MODEL.replace("float[N,4] y)", "string[N] l)").replace(
        "(f, v)", f"(f, v)\n i = ArgMax<axis = 1, keepdims = 0>(y)\n l = {encoded}"
    )
    model = write(text.replace("17]", '17, "ai.onnx.ml" : 2]'), tmp_path / "m.onnx", rng)
    Image.new("RGB", (8, 8), (200, 30, 60)).save(tmp_path / "a.png")
    checked = call("check", model, tmp_path / "a.png", "--json")
    assert checked.exit_code == 0, checked.output
    found = json.loads(checked.output)["input"]
    assert found["labels"] == "LabelEncoder (node 'l') in the file"
    assert {top["label"] for top in found["top"]} <= set(names)
    out = tmp_path / "cam.onnx"
    assert call("instrument", model, "-o", out, "--target", "cat").exit_code == 0
    kept = {e.key: e.value for e in onnx.load(out, load_external_data=False).metadata_props}
    assert json.loads(kept["cam.labels"]) == [*names]
