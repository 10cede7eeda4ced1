"""`gradcam instrument`: what it writes and keeps, and the weights that come along."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from PIL import Image

from backends.onnx.commands.arguments import PROFILE
from backends.onnx.instrumenting.profiles import PROFILES
from tests.commands.calls import ENDED, call, write

ort = pytest.importorskip("onnxruntime", reason="no runtime is installed")


def test_instrument_and_strip_go_there_and_back(model: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "cam.onnx", tmp_path / "back.onnx"
    found = call("instrument", model, "-o", out, "--target", "top:1", "--outputs", "map,score")
    assert found.exit_code == 0, found.output
    assert "unchanged, bit for bit" in found.output
    assert [o.name for o in onnx.load(out).graph.output] == ["y", "cam_map", "cam_score"]
    assert call("strip", out, "-o", back).exit_code == 0
    assert back.read_bytes() == model.read_bytes()


def test_a_file_for_browsers_says_what_it_is(model: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "web.onnx", tmp_path / "back.onnx"
    args = ["instrument", model, "-o", out, "--profile", "web"]
    found = call(*args)
    assert found.exit_code == 0, found.output
    assert "web: what is added runs on WebGPU (onnxruntime-web 1.30.0)" in found.output
    assert "web: x [1, 3, 8, 8]" in found.output
    assert "unchanged, bit for bit" in found.output
    assert json.loads(call(*args, "--json").stdout)["profile"]["fallback"] == {}
    assert call("strip", out, "-o", back).exit_code == 0
    assert back.read_bytes() == model.read_bytes()
    assert call(*args, "--gate").stderr.startswith("Error: gate and profile exclude each other")


def test_the_profiles_are_those_of_the_table() -> None:
    assert tuple(PROFILE.choices) == tuple(PROFILES)


def test_stats_are_added_to_what_is_asked_for(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "cam.onnx"
    flags = ["--stats", "--outputs", "class_used", "--json"]
    record = json.loads(call("instrument", model, "-o", out, *flags).stdout)
    assert record["outputs"] == ["cam_class_used", "cam_stats"]
    kept = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert record["source_sha256"] == kept["cam.source_sha256"]
    assert len(json.loads(kept["cam.stats"])) == 8


def test_the_branch_of_the_gate_counts(model: Path, tmp_path: Path) -> None:
    plain, gated = (
        json.loads(call("instrument", model, "-o", tmp_path / "o.onnx", "--json", *flags).stdout)
        for flags in ((), ("--gate",))
    )
    assert gated["operators_added"] > plain["operators_added"] > 1


def test_one_grammar_of_targets(tmp_path: Path, rng: np.random.Generator) -> None:
    """Explained from outside and from inside the file, and against the formula in loops."""
    model = write(ENDED, tmp_path / "ended.onnx", rng)
    (tmp_path / "names.txt").write_text("cat\nbig dog, hound\nbird\nfish\n")
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    asked = ["3", "hound", "top:2", "prob:1", "0-2", "cat - bird"]
    flags = [part for text in asked for part in ("--target", text)]
    flags += ["--labels", tmp_path / "names.txt"]
    out = tmp_path / "cam.onnx"
    made = call("instrument", model, "-o", out, "--outputs", "map,score", *flags)
    assert made.exit_code == 0, made.output
    assert "target  3;1;top:2;prob:1;0-2;0-2" in made.output
    session = ort.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    y, _, maps, scores = session.run(None, {"x": x})
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(model).graph.initializer}
    inner = onnx.load(model)
    inner.graph.output.append(onnx.ValueInfoProto(name="a"))
    (A,) = ort.InferenceSession(inner.SerializeToString()).run(["a"], {"x": x})
    p = np.exp(y[0]) / np.exp(y[0]).sum()
    first, second = np.argsort(-y[0])[:2]
    unit = np.eye(4)
    seeds = [unit[3], unit[1], unit[first], unit[second], p[1] * (unit[1] - p)]
    seeds += [unit[0] - unit[2]] * 2
    wanted = [y[0, 3], y[0, 1], y[0, first], y[0, second], p[1], *[y[0, 0] - y[0, 2]] * 2]
    np.testing.assert_allclose(scores[0], wanted, rtol=1e-5)
    for cam, seed in zip(maps[0], seeds, strict=True):
        alpha = seed @ weights["v"] / 64
        expected = np.maximum(np.einsum("k,kij->ij", alpha, A[0]), 0)
        np.testing.assert_allclose(cam, expected, rtol=1e-4, atol=1e-6)
    result = call("explain", model, tmp_path / "x.npy", "-o", tmp_path / "o", *flags, "--json")
    assert result.exit_code == 0, result.output
    records = json.loads(result.output)["explanations"]
    for record in records:
        stem = f"x.{record['target'].replace(':', '-')}.gradcam.npy"
        again = call(
            "explain", model, tmp_path / "x.npy", "-o", tmp_path / "p", "--target", record["target"]
        )
        assert again.exit_code == 0, again.output
        np.testing.assert_array_equal(
            np.load(tmp_path / "p" / stem), np.load(tmp_path / "o" / stem)
        )
    by_name = {r["target"]: r for r in records}
    np.testing.assert_allclose(
        np.load(tmp_path / "o" / "x.prob-1.gradcam.npy"), maps[0, 4], rtol=1e-4, atol=1e-7
    )
    assert by_name["prob:1"]["score"] == pytest.approx(p[1], rel=1e-5)


def test_the_record_holds_what_is_needed_to_repeat_it(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 3, 8, 8), np.float32))
    args = ["--optimization", "basic", "--provider", "cpu", "--layer", "c", "--target", "1"]
    found = call("explain", model, tmp_path / "x.npy", "-o", tmp_path, *args)
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "x.1.gradcam.c.json").read_text())
    expected = {
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "opset": 17,
        "provider": "CPUExecutionProvider",
        "optimization": "basic",
        "layer": "c",
        "score_tensor": "y",
        "method": "gradcam",
        "target": "1",
    }
    assert {key: record[key] for key in expected} == expected
    assert {"score", "raw_max", "diagnosis", "preprocessing", "versions"} <= record.keys()


def test_what_instrument_keeps_is_used(model: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\nbird\nfish\n")
    Image.new("RGB", (8, 8), (200, 30, 60)).save(tmp_path / "a.png")
    out = tmp_path / "cam.onnx"
    kept = ["--preprocess", "tf", "--labels", tmp_path / "names.txt"]
    assert call("instrument", model, "-o", out, *kept).exit_code == 0
    found = call("explain", out, tmp_path / "a.png", "-o", tmp_path, "--target", "dog")
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "a.1.gradcam.json").read_text())
    assert record["label"] == "dog"
    assert record["preprocessing"]["source"] == "cam.* metadata of the file"
    assert record["preprocessing"]["scale"] == pytest.approx(1 / 127.5)
    assert found.output.count("cam.* metadata of the file") == 2


REFUSED = [
    (["instrument", "{model}", "-o", "{model}"], "is the model itself"),
    (["instrument", "{model}", "-o", "{folder}/none/x.onnx"], "does not exist"),
    (["instrument", "{model}", "-o", "{folder}"], "is a folder"),
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--outputs", "nonsense"], "no output"),
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--target", "4"], "out of range"),
    (
        ["instrument", "{model}", "-o", "{folder}/o.onnx", "--target", "cat"],
        "class 'cat' is a name",
    ),
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--layer", "aa"], "no layer 'aa'"),
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--method", "gradcan"], "no method"),
    (
        ["instrument", "{model}", "-o", "{folder}/o.onnx", "--method", "gradient", "--layer", "0"],
        "--layer '0': it does not count for gradient",
    ),
    (
        ["instrument", "{model}", "-o", "{folder}/o.onnx", "--input", "x=a.npy", "--no-verify"],
        "--no-verify reads none",
    ),
    (["instrument", "{folder}/gone.onnx", "-o", "{folder}/o.onnx"], "no such file"),
    (["strip", "{model}", "-o", "{folder}/o.onnx"], "nothing to strip"),
    (["layers", "{model}", "--score", "yy"], "did you mean y?"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_refusals_are_one_line_and_write_nothing(
    arguments: list[str], message: str, model: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    found = call(*(a.format(model=model, folder=tmp_path) for a in arguments))
    assert found.exit_code == 2
    assert found.stderr.startswith("Error: ")
    assert found.stderr.count("\n") == 1
    assert message in found.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("how", ["link", "copy"])
def test_external_weights_come_along(how: str, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    onnx.save(
        onnx.load(model),
        source / "big.onnx",
        save_as_external_data=True,
        location="big.data",
        size_threshold=0,
    )
    other = tmp_path / "other"
    other.mkdir()
    found = call("instrument", source / "big.onnx", "-o", other / "cam.onnx", "--weights", how)
    assert found.exit_code == 0, found.output
    assert (other / "big.data").samefile(source / "big.data") == (how == "link")
    beside = call("instrument", source / "big.onnx", "-o", source / "cam.onnx")
    assert "unchanged, bit for bit" in beside.output
    assert sorted(p.name for p in source.iterdir()) == ["big.data", "big.onnx", "cam.onnx"]


def test_other_weights_are_not_overwritten(model: Path, tmp_path: Path) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    source.mkdir()
    other.mkdir()
    onnx.save(
        onnx.load(model),
        source / "big.onnx",
        save_as_external_data=True,
        location="big.data",
        size_threshold=0,
    )
    (other / "big.data").write_bytes(b"mine")
    found = call("instrument", source / "big.onnx", "-o", other / "cam.onnx")
    assert found.exit_code == 2
    assert "is another file" in found.stderr
    assert (other / "big.data").read_bytes() == b"mine"
    assert not (other / "cam.onnx").exists()


def test_a_guided_file_says_where_it_is_not(model: Path, tmp_path: Path) -> None:
    """The map is over the input, and what is no rectifier is told in one line."""
    out = tmp_path / "cam.onnx"
    made = call("instrument", model, "-o", out, "--method", "guided", "--target", "1")
    assert made.exit_code == 0, made.output
    assert "note" not in made.output  # its activations are rectifiers
    source = onnx.load(model)
    for node in source.graph.node:
        node.op_type = "Tanh" if node.op_type == "Relu" else node.op_type
    onnx.save(source, model)
    for flags in (("--method", "guided"), ("--guided",)):
        again = call("instrument", model, "-o", out, "--target", "1", *flags)
        (line,) = (line for line in again.output.splitlines() if line.startswith("note"))
        assert line == (
            "note    no rectifier lies between input and score: guided is the plain gradient"
        )
