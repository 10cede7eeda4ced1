"""Two pictures through one model: both are drawn, each with its own map of the one number."""

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

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

NET = """<ir_version: 8, opset_import: ["" : 17]>
net (float[1, 3, 32, 32] x) => (float[1, 7] embedding) {
    a = Conv<strides = [8, 8]>(x, w) t = Tanh(a)
    g = GlobalAveragePool(t) f = Flatten(g) h = Gemm<transB = 1>(f, v) embedding = Tanh(h)
}"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(2)
    model = onnx.parser.parse_model(NET)
    for name, shape in (("w", (6, 3, 8, 8)), ("v", (7, 6))):
        value = rng.normal(scale=0.2, size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
        np.save(tmp_path / f"{name}.weight.npy", value)
    onnx.save(model, tmp_path / "net.onnx")
    for name in ("a", "b", "c"):
        pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> Result:
    fixed = ("--preprocess", "unit", "--method", "hirescam", "--layer", "t", "-o", "out")
    return CliRunner().invoke(gradcam, ["explain", "net.onnx", *args, *fixed])


def features(here: Path, name: str) -> tuple[Any, Any]:
    """A, which autograd can go back to, and the embedding."""
    w, v = (torch.from_numpy(np.load(here / f"{n}.weight.npy")) for n in "wv")
    pixels = np.asarray(Image.open(here / f"{name}.png"), np.float32).transpose(2, 0, 1)[None]
    A = torch.tanh(torch.nn.functional.conv2d(torch.from_numpy(pixels / 255), w, stride=8))
    A = A.detach().requires_grad_()
    return A, torch.tanh(A.mean((2, 3)) @ v.T)


@pytest.mark.parametrize(("word", "sign"), [("like", 1), ("unlike", -1)])
def test_each_has_a_map_of_its_own(word: str, sign: int, here: Path) -> None:
    done = call("a.png", "--target", f"{word}:b.png")
    assert done.exit_code == 0, done.output
    (A, y), (B, z) = features(here, "a"), features(here, "b")
    Y = sign * torch.nn.functional.cosine_similarity(y, z)
    G, H = torch.autograd.grad(Y, [A, B])
    stem = here / "out" / f"a.{word}-b.hirescam.t"
    for file, tensor, slope in ((f"{stem}.npy", A, G), (f"{stem}.other.npy", B, H)):
        expected = (tensor * slope).sum(1)[0].clamp(min=0).detach().numpy()
        np.testing.assert_allclose(np.load(file), expected, rtol=1e-3, atol=1e-6)
    record = json.loads(Path(f"{stem}.json").read_text())
    assert record["score"] == pytest.approx(Y.item(), rel=1e-5)
    assert record["other"]["score"] == pytest.approx(Y.item(), rel=1e-5)
    assert record["other"]["image"] == "b.png"
    assert record["like"] == {"picture": "b.png", "away": sign < 0}


def test_the_picture_has_both_side_by_side(here: Path) -> None:
    assert call("a.png", "--target", "like:b.png", "--target", "norm").exit_code == 0
    both = Image.open(here / "out" / "a.like-b.hirescam.t.png")
    one = Image.open(here / "out" / "a.norm.hirescam.t.png")
    assert both.width > 1.5 * one.width


def test_several_pictures_are_compared_with_one(here: Path) -> None:
    """That is looked at once, and comes out like itself."""
    done = call("a.png", "b.png", "c.png", "--target", "like:b.png", "--scale", "shared")
    assert done.exit_code == 0, done.output
    scores = [
        json.loads((here / "out" / f"{n}.like-b.hirescam.t.json").read_text())["score"]
        for n in "abc"
    ]
    assert scores[1] == pytest.approx(1, abs=1e-6)
    (_, y), (_, z) = features(here, "c"), features(here, "b")
    expected = torch.nn.functional.cosine_similarity(y, z).item()
    assert scores[2] == pytest.approx(expected, rel=1e-4)


def test_a_kept_vector(here: Path) -> None:
    _, z = features(here, "b")
    np.save(here / "v.npy", z.detach().numpy())
    assert call("a.png", "--target", "like:v.npy", "--target", "like:b.png").exit_code == 0
    maps = [np.load(here / "out" / f"a.like-{n}.hirescam.t.npy") for n in "vb"]
    np.testing.assert_allclose(*maps, rtol=1e-4, atol=1e-7)


def test_pictures_of_one_name_have_files_of_their_own(here: Path) -> None:
    """In several folders: then the whole path stands in their names."""
    (here / "far").mkdir()
    (here / "far" / "b.png").write_bytes((here / "c.png").read_bytes())
    alone = call("a.png", "--target", "like:far/b.png")
    assert alone.exit_code == 0, alone.output
    (kept,) = (here / "out").glob("*.json")
    assert kept.name == "a.like-b.hirescam.t.json"
    assert json.loads(kept.read_text())["target"] == "like:far/b.png"
    kept.unlink()
    done = call("a.png", "--target", "like:b.png", "--target", "like:far/b.png")
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (here / "out").glob("*.json"))
    assert names == [f"a.like-{n}.hirescam.t.json" for n in ("b.png", "far-b.png")]


def test_one_class_a_picture(here: Path) -> None:
    done = call("a.png", "b.png", "c.png", "--target", "3,5,1")
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (here / "out").glob("*.json"))
    assert names == [f"{n}.hirescam.t.json" for n in ("a.3", "b.5", "c.1")]
    wrong = call("a.png", "b.png", "--target", "3,5,1")
    assert wrong.exit_code == 2
    assert "3 targets for a batch of 1" in wrong.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("like:none.png", "no such file"),
        ("like:w.weight.npy", "a vector [6, 3, 8, 8], and the model gives [1, 7]"),
        ("like:net.onnx", "net.onnx"),
    ],
)
def test_what_cannot_be_compared(target: str, words: str, here: Path) -> None:
    done = call("a.png", "--target", target)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
