"""The commands instrument, strip, layers and check, and what they leave on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result

from cam_core.cli.group import gradcam

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
    (["instrument", "{model}", "-o", "{folder}/o.onnx", "--target", "cat"], "class 'cat' is a name"),
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
