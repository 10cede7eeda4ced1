"""Arrays, folders, globs and several inputs, through real models of a few operators."""

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

from cam_core.backend import Array
from cam_core.cli.group import gradcam

pytest.importorskip("onnxruntime", reason="no runtime is installed")

IMAGE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x) => (float[N,3] y)
{
  a = Relu(x)
  p = GlobalAveragePool(a)
  y = Flatten(p)
}"""
BYTES = """<ir_version: 8, opset_import: ["" : 17]>
g (uint8[1,8,8,3] x) => (float[1,3] y)
{
  f = Cast<to=1>(x)
  t = Transpose<perm=[0,3,1,2]>(f)
  a = Relu(t)
  p = GlobalAveragePool(a)
  y = Flatten(p)
}"""
TWO = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x, float[N,3] shift) => (float[N,3] y)
{
  a = Relu(x)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = Add(f, shift)
}"""
SIGNAL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,16] x) => (float[N,3] y)
{
  a = Relu(x)
  p = GlobalAveragePool(a)
  y = Flatten(p)
}"""
CLIP = """<ir_version: 8, opset_import: ["" : 17]>
g (float[4,3,8,8] clip) => (float[1,3] y)
{
  a = Relu(clip)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = ReduceMean<axes = [0]>(f)
}"""
CAPTIONS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x, float[{count},3] words) => (float[N,{count}] y)
{{
  a = Relu(x)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  t = Transpose<perm = [1,0]>(words)
  y = MatMul(f, t)
}}"""
STATE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x, float[2,N,3] state) => (float[N,3] y)
{
  a = Relu(x)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  s = ReduceSum<keepdims = 0>(state, first)
  y = Add(f, s)
}"""
FOUR = IMAGE.replace("[N,", "[4,")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    models = {"image": IMAGE, "bytes": BYTES, "two": TWO, "signal": SIGNAL, "four": FOUR}
    models |= {"clip": CLIP, "open": CAPTIONS.format(count="M"), "state": STATE}
    models |= {"three": CAPTIONS.format(count=3)}
    for name, text in models.items():
        model = onnx.parser.parse_model(text)
        if name == "state":
            model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
        Path(f"{name}.onnx").write_bytes(model.SerializeToString())
    return tmp_path


def explain(model: str, *args: str) -> Result:
    return CliRunner().invoke(gradcam, ["explain", f"{model}.onnx", *args, "-o", "out"])


def stems() -> set[str]:
    return {path.name.removesuffix(".gradcam.npy") for path in Path("out").glob("*.npy")}


def saved(stem: str) -> Array:
    array: Array = np.load(f"out/{stem}.gradcam.npy")
    return array


def loops(x: Array, c: int) -> Array:
    """Grad-CAM of y^c = mean of ReLU(x^c): alpha is 1/n at c, where relu' plays no part."""
    out = np.zeros(x.shape[1:])
    for index in np.ndindex(*out.shape):
        out[index] = max(x[(c, *index)], 0) / out.size
    return out


def test_floats_of_the_models_rank_are_fed_as_they_are(
    here: Path, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(3, 3, 8, 8))
    np.save("batch.npy", x)  # float64 is narrowed
    result = explain("image", "batch.npy", "--target", "1")
    assert result.exit_code == 0, result.stderr
    assert stems() == {f"batch.{row}.1" for row in range(3)}
    for row in range(3):
        np.testing.assert_allclose(saved(f"batch.{row}.1"), loops(x[row], 1), rtol=1e-6)
    record = json.loads(Path("out/batch.2.1.gradcam.json").read_text())
    assert record["image"] == "batch.npy[2]"
    assert record["preprocessing"]["source"] == "the array itself"
    assert "fed as it is: x [1, 3, 8, 8]" in result.stdout


def test_one_row_may_come_without_its_batch_axis(here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 8, 8)).astype(np.float32)
    np.save("row.npy", x)
    assert explain("image", "row.npy", "--target", "0").exit_code == 0
    np.testing.assert_allclose(saved("row.0"), loops(x, 0), rtol=1e-6)


PIXELS = {"photo": (8, 8, 3), "grey": (8, 8), "channels first": (3, 8, 8), "batch": (2, 3, 8, 8)}


@pytest.mark.parametrize("kind", PIXELS)
def test_bytes_are_photos(kind: str, here: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, PIXELS[kind], dtype=np.uint8)
    np.save("p.npy", pixels)
    result = explain("image", "p.npy", "--preprocess", "unit", "--target", "2")
    assert result.exit_code == 0, result.stderr
    first = pixels[0] if kind == "batch" else pixels
    plane = {"photo": first[..., 2:].squeeze(), "grey": first}.get(kind, first[-1])
    expected = plane.astype(np.float64) / 255 / 64
    np.testing.assert_allclose(saved("p.0.2" if kind == "batch" else "p.2"), expected, rtol=1e-5)


def test_a_model_of_bytes_takes_an_array_of_its_rank_as_it_is(
    here: Path, rng: np.random.Generator
) -> None:
    x = rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    np.save("x.npy", x)
    result = explain("bytes", "x.npy", "--target", "0")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_allclose(saved("x.1.0"), x[1, :, :, 0] / 64, rtol=1e-6)


def test_a_fixed_batch_is_filled(here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 8, 8)).astype(np.float32)
    np.save("row.npy", x)
    result = explain("four", "row.npy", "--target", "1")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_allclose(saved("row.1"), loops(x, 1), rtol=1e-6)


def test_the_one_fitting_array_of_an_archive(here: Path, rng: np.random.Generator) -> None:
    x = rng.integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    np.savez("set.npz", images=x, labels=np.arange(2))
    assert explain("image", "set.npz", "--preprocess", "raw", "--target", "0").exit_code == 0
    np.testing.assert_allclose(saved("set.1.0"), x[1, 0] / 64, rtol=1e-6)
    np.savez("two.npz", a=x, b=x)
    assert "several fit" in explain("image", "two.npz").stderr
    np.savez("none.npz", a=np.arange(3))
    assert "none of them fits" in explain("image", "none.npz").stderr


def test_several_inputs_by_name(here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    shift = np.array([[5, 0, 0], [0, 5, 0]], np.float32)  # makes the top class
    np.save("x.npy", x)
    np.save("shift.npy", shift)
    np.savez("all.npz", x=x, shift=shift)
    both = ("--input", "x=x.npy", "--input", "shift=shift.npy")
    assert explain("two", *both, "--target", "-1").exit_code == 0
    assert explain("two", "x.npy", *both[2:], "--target", "-1").exit_code == 0
    assert explain("two", "all.npz", "--target", "-1").exit_code == 0
    names = {"input.0.0", "input.1.1", "x.0.0", "x.1.1", "all.0.0", "all.1.1"}
    assert stems() == names
    for name in names:
        row = int(name[-1])
        np.testing.assert_allclose(saved(name), loops(x[row], row), rtol=1e-6)


def records(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["explanations"]
    return found


def test_a_clip_is_one_thing_to_explain(here: Path, rng: np.random.Generator) -> None:
    clip = rng.normal(size=(4, 3, 8, 8)).astype(np.float32)
    np.save("clip.npy", clip)
    (found,) = records(explain("clip", "clip.npy", "--target", "1", "--json"))
    assert found["image"] == "clip.npy"
    assert found["score"] == pytest.approx(np.maximum(clip[:, 1], 0).mean(), rel=1e-5)
    Image.new("RGB", (8, 8)).save("a.png")
    assert "'a.png' is a picture, and input 'clip' [4, 3, 8, 8]" in explain("clip", "a.png").stderr
    np.save("bytes.npy", np.zeros((4, 3, 8, 8), np.uint8))
    assert "takes 4 frames at once" in explain("clip", "bytes.npy").stderr
    np.save("eight.npy", np.concatenate([clip, clip]))
    assert "does not fit input 'clip'" in explain("clip", "eight.npy").stderr


@pytest.mark.parametrize("model", ["open", "three"])
def test_captions_go_with_every_picture(model: str, here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    words = rng.normal(size=(3, 3)).astype(np.float32)
    scores = np.maximum(x, 0).mean(axis=(2, 3)) @ words.T
    np.savez("both.npz", x=x, words=words)
    np.save("x.npy", x)
    np.save("words.npy", words)
    for files in (("both.npz",), ("x.npy", "--input", "words=words.npy")):
        found = records(explain(model, *files, "--target", "2", "--json"))
        assert [one["score"] for one in found] == pytest.approx(scores[:, 2].tolist(), rel=1e-4)


def test_a_state_is_cut_along_the_axis_of_its_rows(here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    state = rng.normal(size=(2, 3, 3)).astype(np.float32)
    np.savez("both.npz", x=x, state=state)
    scores = np.maximum(x, 0).mean(axis=(2, 3)) + state.sum(axis=0)
    found = records(explain("state", "both.npz", "--target", "0", "--json"))
    assert [one["score"] for one in found] == pytest.approx(scores[:, 0].tolist(), rel=1e-4)


def test_one_input_may_be_a_photo(here: Path, rng: np.random.Generator) -> None:
    photo = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(photo).save("a.png")
    np.save("shift.npy", np.array([[0, 0, 5000]], np.float32))
    shift = ("--input", "shift=shift.npy", "--preprocess", "raw")
    for args in (("a.png",), ("--input", "x=a.png")):
        result = explain("two", *args, *shift, "--target", "-1")
        assert result.exit_code == 0, result.stderr
        np.testing.assert_allclose(saved("a.2"), photo[..., 2] / 64, rtol=1e-6)
        Path("out/a.2.gradcam.npy").unlink()


def test_the_map_of_a_signal(here: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 3, 16)).astype(np.float32)
    np.save("x.npy", x)
    result = explain("signal", "x.npy", "--target", "1")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_allclose(saved("x.1"), loops(x[0], 1), rtol=1e-6)


def photos(*names: str) -> None:
    for shade, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (10 * (shade + 1), 0, 0)).save(name)


def test_folders_and_globs_in_name_order(here: Path) -> None:
    photos("set/b.png", "set/a.jpg", "set/C.PNG", "more/deep/d.png", "e1.png", "e2.png")
    Path("set/notes.txt").write_text("no picture")
    args = ("--preprocess", "unit", "--target", "0", "--json")
    result = explain("image", "set", "more/**/*.png", "e?.png", *args)
    assert result.exit_code == 0, result.stderr
    found = [Path(r["image"]).name for r in json.loads(result.stdout)["explanations"]]
    assert found == ["C.PNG", "a.jpg", "b.png", "d.png", "e1.png", "e2.png"]


def test_what_was_written_is_not_explained_again(here: Path) -> None:
    photos("out/a.png")
    for _ in range(2):
        assert explain("image", "out", "--preprocess", "unit").exit_code == 0
    assert len(list(Path("out").glob("*.png"))) == 2


def test_colours_each_or_shared(here: Path) -> None:
    photos("dark.png", "light.png")  # 10 and 20 of red
    Image.fromarray(np.tile(np.array([[40], [0]], np.uint8), (4, 8))).save("half.png")
    args = ("dark.png", "half.png", "--preprocess", "raw", "--target", "0")
    at = {}
    for scale in ("each", "shared"):
        assert explain("image", *args, "--scale", scale).exit_code == 0
        at[scale] = np.asarray(Image.open("out/dark.0.gradcam.png")).astype(int)[100, 100]
    assert at["each"][2] < 20  # flat, so without contrast of its own: the photo as it is
    # 10 of the run's 40 is a quarter: jet's entry 63, (0, 124, 255), half over red 10
    np.testing.assert_allclose(at["shared"], (10, 124, 255), atol=2)


WRONG = {  # arguments: what the line must say
    "gone.npy": "array 'gone.npy': no such file",
    "text.npy": "array 'text.npy': not read",
    "objects.npy": "holds Python objects",
    "words.npy": "not numbers",
    "empty.npy": "no number in it",
    "nan.npy": "NaN or inf",
    "flat.npy": "does not fit input 'x'",
    "": "nothing to explain",
    "x.npy --input x=x.npy": "--input gives every input already",
    "--input x": "write NAME=FILE.npy",
    "--input z=x.npy": "the model takes x",
    "--input x=x.npy --input x=x.npy": "given twice",
    "--input x=gone.png": "image 'gone.png': no such file",
    "x.npy --custom-ops gone.so": "custom operators 'gone.so': no such file",
    "x.npy --custom-ops text.npy": "not a library",
    "x.npy --optimization most": "'extended'",
    "x.npy --provider abacus": "provider 'abacus'",
}


@pytest.mark.parametrize("args", WRONG)
def test_wrong_arrays_get_one_line(args: str, here: Path) -> None:
    np.save("x.npy", np.ones((1, 3, 8, 8), np.float32))
    np.save("flat.npy", np.ones((1, 192), np.float32))
    np.save("nan.npy", np.full((1, 3, 8, 8), np.nan, np.float32))
    np.save("empty.npy", np.ones((0, 3, 8, 8), np.float32))
    np.save("words.npy", np.array(["a", "b"]))
    np.save("objects.npy", np.array([{}], dtype=object))
    Path("text.npy").write_text("no array")
    result = explain("image", *args.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert WRONG[args] in result.stderr
    assert not Path("out").exists()


def test_rows_that_do_not_fit_one_another(here: Path) -> None:
    np.save("x.npy", np.ones((2, 3, 8, 8), np.float32))
    np.save("shift.npy", np.ones((3, 3), np.float32))
    np.savez("all.npz", x=np.ones((2, 3, 8, 8), np.float32), shift=np.ones((3, 3), np.float32))
    result = explain("two", "x.npy", "--input", "shift=shift.npy")
    assert "3 rows for 2 to explain" in result.stderr
    assert "rows do not fit" in explain("two", "all.npz").stderr
    assert "nothing is given for 'x', 'shift'" in explain("two", "x.npy").stderr


def test_a_command_without_input_names_another_way(here: Path) -> None:
    call = ["record", "two.onnx", "x.npy", "-o", "rec"]
    np.save("x.npy", np.ones((1, 3, 8, 8), np.float32))
    said = CliRunner().invoke(gradcam, call).stderr
    assert "--input" not in said
    assert "name .npz files that hold an array for each input" in said
    np.savez("all.npz", x=np.ones((1, 3, 8, 8), np.float32), shift=np.ones((1, 3), np.float32))
    call[2] = "all.npz"
    done = CliRunner().invoke(gradcam, call)
    assert done.exit_code == 0, done.output
