"""The commands instrument, strip, layers and check, and what they leave on the disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core.cli.group import gradcam

ort = pytest.importorskip("onnxruntime", reason="no runtime is installed")

MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x) => (float[N,4] y)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  a = Relu(c)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = Gemm<transB=1>(f, v)
}"""
WEIGHTS = {"w": (5, 3, 3, 3), "v": (4, 5)}
LAST_STEP = MODEL.replace(
    "a = Relu(c)", "a = Relu(c)\n  s = LpPool<kernel_shape=[2,2]>(a)"
).replace("GlobalAveragePool(a)", "GlobalAveragePool(s)")


@pytest.fixture
def model(tmp_path: Path, rng: np.random.Generator) -> Path:
    return _write(MODEL, tmp_path / "model.onnx", rng)


def _write(text: str, path: Path, rng: np.random.Generator) -> Path:
    parsed = onnx.parser.parse_model(text)
    for name, shape in WEIGHTS.items():
        value = rng.normal(size=shape).astype(np.float32)
        parsed.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    path.write_bytes(parsed.SerializeToString())
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(gradcam, [str(a) for a in arguments], prog_name="gradcam")


def test_instrument_and_strip_go_there_and_back(model: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "cam.onnx", tmp_path / "back.onnx"
    found = _run("instrument", model, "-o", out, "--target", "top:1", "--outputs", "map,score")
    assert found.exit_code == 0, found.output
    assert "unchanged, bit for bit" in found.output
    assert [o.name for o in onnx.load(out).graph.output] == ["y", "cam_map", "cam_score"]
    assert _run("strip", out, "-o", back).exit_code == 0
    assert back.read_bytes() == model.read_bytes()


def test_the_branch_of_the_gate_counts(model: Path, tmp_path: Path) -> None:
    plain, gated = (
        json.loads(_run("instrument", model, "-o", tmp_path / "o.onnx", "--json", *flags).stdout)
        for flags in ((), ("--gate",))
    )
    assert gated["operators_added"] > plain["operators_added"] > 1


def test_layers_marks_the_default(model: Path) -> None:
    lines = _run("layers", model).output.splitlines()
    (marked,) = [line for line in lines if line.startswith("*")]
    assert "Relu" in marked
    assert "N x 5 x 8 x 8" in marked


def test_check_says_what_lies_between(model: Path) -> None:
    found = _run("check", model)
    assert found.exit_code == 0
    for word in ("GlobalAveragePool", "Gemm", "portable yes", "unchanged, bit for bit"):
        assert word in found.output


def test_check_verifies_the_source_of_an_instrumented_model(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "cam.onnx"
    assert _run("instrument", model, "-o", out).exit_code == 0
    found = _run("check", out)
    assert found.exit_code == 0, found.output
    assert "the source's hash is right" in found.output
    changed = onnx.load(out)
    changed.graph.node[0].name = "other"
    out.write_bytes(changed.SerializeToString())
    assert "was changed after it was instrumented" in _run("check", out).stderr


@pytest.mark.parametrize(
    "args",
    [["gone.png"], ["--layer", "zz"], ["--scale", "shared"], ["--target", "cat", "--numeric"]],
    ids=str,
)
def test_check_says_nothing_before_bad_input_is_told(args: list[str], model: Path) -> None:
    found = _run("check", model, *args)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1


def test_check_says_no_where_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[N,3] x) => (float[N,3] y)
    { y = Relu(x) }"""
    path = tmp_path / "flat.onnx"
    path.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    found = _run("check", path)
    assert found.exit_code == 1
    assert "verdict  no: " in found.output
    assert _run("check", path, "--layer", "zz").exit_code == 2


def test_check_compares_with_differences(model: Path, tmp_path: Path) -> None:
    found = _run("check", model, "--numeric", "--target", "2", "--target", "prob:1", "--json")
    assert found.exit_code == 0, found.output
    results = json.loads(found.output)["numeric"]
    assert [r["target"] for r in results] == ["2", "prob:1"]
    for result in results:
        assert result["passed"] is True
        assert len(result["errors"]) == 8
        assert result["median"] < 1e-3


def test_check_exits_with_1_where_differences_disagree(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = OnnxBackend.capture

    def wrong(self: Any, *args: Any, **options: Any) -> Any:
        return [replace(c, gradients=c.gradients * 1.05) for c in own(self, *args, **options)]

    monkeypatch.setattr(OnnxBackend, "capture", wrong)
    found = _run("check", model, "--numeric")
    assert found.exit_code == 1
    assert "G does not agree" in found.output
    assert "verdict  no: see above" in found.output


def test_kinks_and_rounding_do_not_fool_the_differences(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pooled = MODEL.replace("a = Relu(c)", "a = Relu(c)\n  s = MaxPool<kernel_shape=[2,2]>(a)")
    path = _write(pooled.replace("Pool(a)\n", "Pool(s)\n"), tmp_path / "pool.onnx", rng)
    found = _run("check", path, "--numeric", "--layer", "a", "--json")
    assert found.exit_code == 0, found.output
    (result,) = json.loads(found.output)["numeric"]
    assert result["passed"] is True
    assert result["zeros_held"] is True


def test_check_tries_each_preset_on_a_photo(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), (200, 30, 60)).save(tmp_path / "a.png")
    out = tmp_path / "record.json"
    found = _run("check", model, tmp_path / "a.png", "--preprocess", "tf", "-o", out)
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
    p = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    best = next(t for t in record["input"]["presets"] if t["preset"] == "tf")["top"][0]
    assert best["class"] == int(p.argmax())
    assert best["probability"] == pytest.approx(p.max(), rel=1e-4)


def test_one_grammar_of_targets(model: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    """Explained from outside and from inside the file, and against the formula in loops."""
    (tmp_path / "names.txt").write_text("cat\nbig dog, hound\nbird\nfish\n")
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    asked = ["3", "hound", "top:2", "prob:1", "0-2", "cat - bird"]
    flags = [part for text in asked for part in ("--target", text)]
    flags += ["--labels", tmp_path / "names.txt"]
    out = tmp_path / "cam.onnx"
    made = _run("instrument", model, "-o", out, "--outputs", "map,score", *flags)
    assert made.exit_code == 0, made.output
    assert "target  3;1;top:2;prob:1;0-2;0-2" in made.output
    session = ort.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    y, maps, scores = session.run(None, {"x": x})
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
    result = _run("explain", model, tmp_path / "x.npy", "-o", tmp_path / "o", *flags, "--json")
    assert result.exit_code == 0, result.output
    records = json.loads(result.output)["explanations"]
    for record in records:
        stem = f"x.{record['target'].replace(':', '-')}.gradcam.npy"
        again = _run(
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
    found = _run("explain", model, tmp_path / "x.npy", "-o", tmp_path, *args)
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "x.1.gradcam.json").read_text())
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
    assert _run("instrument", model, "-o", out, *kept).exit_code == 0
    found = _run("explain", out, tmp_path / "a.png", "-o", tmp_path, "--target", "dog")
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "a.1.gradcam.json").read_text())
    assert record["label"] == "dog"
    assert record["preprocessing"]["source"] == "cam.* metadata of the file"
    assert record["preprocessing"]["scale"] == pytest.approx(1 / 127.5)
    assert found.output.count("cam.* metadata of the file") == 2


def test_every_command_speaks_json(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 3, 8, 8), np.float32))
    out, back = tmp_path / "cam.onnx", tmp_path / "back.onnx"
    calls = {
        "explain": ["explain", model, tmp_path / "x.npy", "-o", tmp_path],
        "instrument": ["instrument", model, "-o", out],
        "strip": ["strip", out, "-o", back],
        "layers": ["layers", model],
        "check": ["check", model],
        "methods": ["methods"],
    }
    for name, call in calls.items():
        found = _run(*call, "--json")
        assert found.exit_code == 0, found.output
        assert json.loads(found.stdout)["command"] == name


def test_layers_marks_what_a_name_means(model: Path) -> None:
    found = _run("layers", model, "--layer", "0")
    assert "'0' is c" in found.output
    assert any(line.startswith("> ") for line in found.output.splitlines())


@pytest.mark.usefixtures("no_norm_pools")
def test_check_fails_where_there_is_no_rule(tmp_path: Path, rng: np.random.Generator) -> None:
    path = _write(LAST_STEP, tmp_path / "pool.onnx", rng)
    found = _run("check", path, "--layer", "a")
    assert found.exit_code == 1
    assert "LpPool" in found.output
    assert "--layer s, the nearest later one that works" in found.output


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
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--method", "cam"], "no method"),
    (["instrument", "{folder}/gone.onnx", "-o", "{folder}/o.onnx"], "no such file"),
    (["strip", "{model}", "-o", "{folder}/o.onnx"], "nothing to strip"),
    (["layers", "{model}", "--score", "yy"], "did you mean y?"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_refusals_are_one_line_and_write_nothing(
    arguments: list[str], message: str, model: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    found = _run(*(a.format(model=model, folder=tmp_path) for a in arguments))
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
    found = _run("instrument", source / "big.onnx", "-o", other / "cam.onnx", "--weights", how)
    assert found.exit_code == 0, found.output
    assert (other / "big.data").samefile(source / "big.data") == (how == "link")
    beside = _run("instrument", source / "big.onnx", "-o", source / "cam.onnx")
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
    found = _run("instrument", source / "big.onnx", "-o", other / "cam.onnx")
    assert found.exit_code == 2
    assert "is another file" in found.stderr
    assert (other / "big.data").read_bytes() == b"mine"
    assert not (other / "cam.onnx").exists()
