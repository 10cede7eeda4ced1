"""`gradcam explain`, on a model of a few lines of NumPy and on a real one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core.backend import Gradients, InputInfo, Layer, Target
from cam_core.cli import pictures
from cam_core.cli.group import gradcam
from cam_core.cli.inputs import reader
from cam_core.demo import DETECTOR
from cam_core.head import Head
from tests.core.methods.forward_net import net
from tests.core.methods.forward_net import pictures as waves
from tests.paths import DATA, ROOT

NAMES = ["red thing", "green thing", "blue [thing]"]


class Thirds:
    """A is x pooled to [1, 3, 7, 7], y^c the mean of channel c over space: G = 1/49 at k = c."""

    score_name = "logits"
    class_axis = 1
    classes: int | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    layer_note = "the only one"
    provider = "NumPy"
    settings: Mapping[str, Any] = MappingProxyType({"provider": "NumPy"})
    activation = ""
    kind = "classes"

    def heads(self) -> list[Head]:
        found = Head("scores", self.kind, "thirds", "logits", 1, self.activation)
        return [found, Head("thumbs", "boxes", "four a hand", "thumbs")]

    def __init__(self, shape: tuple[int | str | None, ...] = ("N", 3, 224, 224)) -> None:
        self.shape = shape

    def inputs(self) -> list[InputInfo]:
        return [InputInfo("x", self.shape, np.dtype("float32"), 1)]

    def layers(self) -> list[Layer]:
        return [Layer("pool", "AveragePool", (None, 3, 7, 7), default=True)]

    def look(self, x: Any, **_: Any) -> SimpleNamespace:
        A = x.reshape(1, 3, 7, 32, 7, 32).mean(axis=(3, 5)) if x.shape[-1] == 224 else x
        y = A.mean(axis=(2, 3))

        def pull(target: Target) -> Gradients:
            gy = target(y, {}) / (A.shape[2] * A.shape[3])
            return Gradients({"pool": np.broadcast_to(gy[:, :, None, None], A.shape)})

        return SimpleNamespace(
            score=y, outputs={}, layers=["pool"], activations={"pool": A}, regions={}, pull=pull
        )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every model is Thirds; gives the options that it was opened with."""
    seen: dict[str, Any] = {}

    def open_backend(source: Any, **options: Any) -> Thirds:
        seen.update(options, source=source)
        return Thirds()

    monkeypatch.setattr("cam_core.discover.open_backend", open_backend)
    return seen


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, labels and a photo whose left half is red and lower right green."""
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[:, :200, 0] = 255
    photo[150:, 200:, 1] = 255
    Image.fromarray(photo).save(tmp_path / "photo.png")
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "labels.txt").write_text("\n".join(NAMES) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(gradcam, ["explain", "model.onnx", *args])


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_explain_writes_picture_map_and_record(here: Path, opened: dict[str, Any]) -> None:
    args = ("photo.png", "--preprocess", "unit", "--target", "0", "--target", "green thing")
    result = call(*args, "--labels", "labels.txt", "-o", "out", "--signed")
    assert result.exit_code == 0, result.stderr
    kinds = ("json", "npy", "png", "signed.npy")
    assert written(here / "out") == [f"photo.{c}.gradcam.{kind}" for c in (0, 1) for kind in kinds]

    cells = np.load(here / "out" / "photo.0.gradcam.npy")
    # alpha of class 0 is 1/49 at channel 0, whose pooled red is 1 in the photo's left half.
    expected = np.tile([1, 1, 1, 0.5, 0, 0, 0], (7, 1)) / 49
    np.testing.assert_allclose(cells, expected, atol=2e-4)

    record = json.loads((here / "out" / "photo.1.gradcam.json").read_text())
    assert record["class"] == 1
    assert record["label"] == "green thing"
    assert record["layer"] == "pool"
    assert record["score_tensor"] == "logits"
    assert record["provider"] == "NumPy"
    assert record["diagnosis"] == ""
    assert record["preprocessing"]["source"] == "--preprocess unit"
    assert record["model_sha256"] == hashlib.sha256(b"model").hexdigest()
    assert record["raw_max"] == pytest.approx(1 / 49, rel=1e-3)
    assert record["score"] == pytest.approx(0.25, abs=0.01)
    for word in ("pool (the only one)", "red thing", "green thing", "top 3", "--preprocess unit"):
        assert word in result.stdout


def test_explain_says_the_score_and_the_other_outputs(here: Path, opened: dict[str, Any]) -> None:
    result = call("photo.png", "--preprocess", "unit", "-o", "out")
    assert "score    scores from logits: classes (thirds)" in result.stdout
    assert "others   thumbs: boxes (four a hand)" in result.stdout
    record = json.loads((here / "out" / "photo.0.gradcam.json").read_text())
    assert [head["kind"] for head in record["heads"]] == ["classes", "boxes"]


@pytest.mark.parametrize("activation", ["", "Softmax", "Sigmoid"])
def test_a_probability_is_said_where_the_model_makes_one(
    activation: str, here: Path, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the photo is red, a quarter green and nothing blue."""
    monkeypatch.setattr(Thirds, "activation", activation)
    result = call("photo.png", "--preprocess", "unit", "--target", "1", "-o", "out")
    record = json.loads((here / "out" / "photo.1.gradcam.json").read_text())
    e = np.exp([0.5, 0.25, 0.0])
    known = {"Softmax": e[1] / e.sum(), "Sigmoid": e[1] / (1 + e[1])}
    expected = known.get(activation)
    assert record["probability"] == (expected and pytest.approx(expected, abs=0.002))
    assert [row["class"] for row in record["top"]] == [0, 1, 2]
    assert record["top"][1]["probability"] == record["probability"]
    assert ("prob." in result.stdout, "(scores)" in result.stdout) == (
        activation != "",
        activation == "",
    )


def test_an_embedding_has_no_best_classes(
    here: Path, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Thirds, "kind", "embedding")
    result = call("photo.png", "--preprocess", "unit", "-o", "out")
    assert "top 3" not in result.stdout
    assert json.loads((here / "out" / "photo.norm.gradcam.json").read_text())["top"] == []


def test_a_probability_that_the_model_has_not_is_refused(
    here: Path, opened: dict[str, Any]
) -> None:
    result = call("photo.png", "--target", "prob:1")
    assert result.exit_code == 2
    assert "prob:1: the model makes no probability" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_picture_is_in_the_photos_coordinates(here: Path, opened: dict[str, Any]) -> None:
    assert call("photo.png", "--preprocess", "unit", "--target", "1").exit_code == 0
    page = np.asarray(Image.open("photo.1.gradcam.png")).astype(int)
    unit, height, width = 12, 336, 448  # enlarged to 448 on the longer side
    photo = page[unit : unit + height, unit : unit + width]
    red_minus_blue = photo[..., 0] - photo[..., 2]
    assert red_minus_blue[250:, 300:380].min() > 0  # hot where the photo is green
    assert red_minus_blue[:90, 300:380].max() < 0  # cold above
    assert photo[100:200, :40].max() < 100  # the left margin was never seen: dimmed red


def test_the_default_is_the_top_class_and_a_stated_guess(
    here: Path, opened: dict[str, Any]
) -> None:
    result = call("photo.png")
    assert result.exit_code == 0, result.stderr
    assert (here / "photo.0.gradcam.png").exists()
    assert "imagenet, a guess" in result.stdout


def test_targets_that_turn_out_the_same_are_written_once(
    here: Path, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Thirds, "activation", "Softmax")
    args = ("--target", "top:2", "--target", "0", "--target", "0-1", "--target", "prob:1")
    assert call("photo.png", "--preprocess", "unit", *args, "-o", "out").exit_code == 0
    stems = {name.rpartition(".gradcam")[0] for name in written(here / "out")}
    assert stems == {"photo.0", "photo.1", "photo.0-1", "photo.prob-1"}


def test_options_reach_the_backend(here: Path, opened: dict[str, Any]) -> None:
    args = ("--layer", "pool", "--score", "y", "--provider", "cuda", "--provider", "MyProvider")
    assert call("photo.png", *args).exit_code == 0
    assert opened == {
        "source": "model.onnx",
        "layer": "pool",
        "score": "y",
        "providers": ["cuda", "MyProvider"],
    }


def test_flags_override_the_preset(here: Path, opened: dict[str, Any]) -> None:
    args = ("--preprocess", "unit", "--mean", "0.5,.25,0", "--std", "1/2", "--fit", "stretch")
    assert call("photo.png", *args, "--bgr").exit_code == 0
    record = json.loads(next(here.glob("*.json")).read_text())["preprocessing"]
    assert record["mean"] == [0.5, 0.25, 0]
    assert record["std"] == [0.5]
    assert record["bgr"] is True
    assert record["fit"] == "stretch"
    assert record["scale"] == pytest.approx(1 / 255)
    assert record["source"] == "--preprocess unit with --mean --std --fit --bgr"


def test_maps_and_records_without_pictures(here: Path, opened: dict[str, Any]) -> None:
    args = ("photo.png", "--preprocess", "unit", "--target", "top:2")
    assert call(*args, "-o", "both").exit_code == 0
    result = call(*args, "-o", "maps", "--no-pictures", "--scale", "shared")
    assert result.exit_code == 0, result.stderr
    assert written(here / "maps") == [n for n in written(here / "both") if not n.endswith("png")]
    for name in written(here / "maps"):
        assert (here / "maps" / name).read_bytes() == (here / "both" / name).read_bytes()
    assert "2 x maps/<file> .npy .json\n" in result.stdout


def test_a_cut_photo_of_a_few_is_told_before_anything(here: Path, opened: dict[str, Any]) -> None:
    cut_jpeg(here)
    result = call("photo.png", "z.jpg", "-o", "out")
    assert result.exit_code == 2
    assert "image 'z.jpg': broken or cut off" in result.stderr
    assert not (here / "out").exists()


def test_a_cut_photo_of_many_is_told_in_its_turn(
    here: Path, opened: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before is whole, and in the table."""
    monkeypatch.setattr(reader, "HELD", 0)
    cut_jpeg(here)
    result = call("photo.png", "z.jpg", "-o", "out")
    assert result.exit_code == 2
    assert "image 'z.jpg': broken or cut off" in result.stderr
    assert "photo.0.gradcam" in result.stdout
    assert written(here / "out") == [f"photo.0.gradcam.{kind}" for kind in ("json", "npy", "png")]


def cut_jpeg(folder: Path) -> None:
    """A photo whose head is fine."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "z.jpg")
    data = (folder / "z.jpg").read_bytes()
    (folder / "z.jpg").write_bytes(data[: len(data) // 2])


def test_a_zero_map_says_why_on_a_plain_photo(here: Path, opened: dict[str, Any]) -> None:
    result = call("photo.png", "--preprocess", "unit", "--target", "2")
    assert result.exit_code == 0, result.stderr
    assert "note: photo.2.gradcam" in result.stdout
    page = np.asarray(Image.open("photo.2.gradcam.png"))
    assert not page[12:200, 12:460, 2].any()  # no blue wash: the photo has no blue


def test_label_offset_names_the_class_before_the_first_line(
    here: Path, opened: dict[str, Any]
) -> None:
    Path("two.txt").write_text("one\ntwo\n", encoding="utf-8-sig")
    result = call("photo.png", "--labels", "two.txt", "--label-offset", "1", "--target", "one")
    assert result.exit_code == 0, result.stderr
    assert Path("photo.1.gradcam.png").exists()


@pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")
def test_the_dog_and_the_cat_light_up(tmp_path: Path) -> None:
    args = ["models/mobilenetv2-fp32.onnx", "images/both.png"]
    args = [str(DATA / name) for name in args] + ["--preprocess", "imagenet"]
    args += ["--labels", str(DATA / "imagenet_classes.txt"), "--target", "bull mastiff"]
    done = subprocess.run(
        [sys.executable, "-m", "cam_core", "explain", *args, "--target", "282", "-o", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # Boxes drawn by hand: left, top, right, bottom in the photo.
    boxes = {243: (75, 10, 180, 140), 282: (45, 120, 192, 224)}
    for index, box in boxes.items():
        record = json.loads((tmp_path / f"both.{index}.gradcam.json").read_text())
        assert record["probability"] is None  # the file ends in logits
        cells = np.load(tmp_path / f"both.{index}.gradcam.npy")
        row, column = np.unravel_index(cells.argmax(), cells.shape)
        at = (column + 0.5) * 224 / cells.shape[1], (row + 0.5) * 224 / cells.shape[0], 1
        x, y = np.array(record["preprocessing"]["input_to_photo"]) @ at
        assert box[0] < x < box[2]
        assert box[1] < y < box[3]


ENDS = {  # nodes after the features f [N, 5], what one number is called, the name's column
    "class": ("y = MatMul(f, m)", "label"),
    "value": ("y = MatMul(f, one)", "label"),
    "label": ("l = MatMul(f, m) y = Sigmoid(l)", "name"),
    "dimension": ("e = MatMul(f, m) n = ReduceL2<axes = [1]>(e) y = Div(e, n)", "label"),
}


@pytest.mark.parametrize("entry", ENDS)
def test_tables_and_pictures_say_what_one_number_is(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, names = ENDS[entry]
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]> g (float[N,3,8,8] x) => (float[N,C] y) {{
        c = Conv(x, w) a = Relu(c) p = GlobalAveragePool(a) f = Flatten(p) {nodes} }}"""
    )
    rng = np.random.default_rng(3)
    for name, shape in {"w": (5, 3, 3, 3), "m": (5, 4), "one": (5, 1)}.items():
        held = onnx.numpy_helper.from_array(rng.random(shape).astype(np.float32), name)
        model.graph.initializer.append(held)
    onnx.save(model, tmp_path / "m.onnx")
    Image.new("RGB", (8, 8), (200, 30, 60)).save(tmp_path / "a.png")
    titles: list[str] = []
    own = pictures.card
    monkeypatch.setattr(
        pictures, "card", lambda *a, title, **k: titles.append(title) or own(*a, title=title, **k)
    )
    args = [str(tmp_path / "m.onnx"), str(tmp_path / "a.png"), "--preprocess", "unit"]
    found = CliRunner().invoke(gradcam, ["explain", *args, "-o", str(tmp_path), "--target", "0"])
    assert found.exit_code == 0, found.output
    assert found.output.split("\n")[0].split()[:4] == ["image", entry, names, "score"]
    assert titles == [f"{entry} 0"]
    checked = CliRunner().invoke(gradcam, ["check", *args, "--numeric"])
    assert f"top {entry}: median error" in checked.output
    assert ("class" in checked.output.replace("classes", "")) == (entry == "class")


def test_a_photo_without_the_box_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A detector's question that some photos of several have no answer to."""
    pytest.importorskip("onnxruntime")
    shown = [DETECTOR.parent / "scenes" / f"crowd-{i}.png" for i in (2, 1)]
    call = ("explain", DETECTOR, *shown, "-o", tmp_path, "--target", "circle")
    result = CliRunner().invoke(gradcam, list(map(str, call)))
    assert result.exit_code == 0, result.output
    notes = result.stderr.splitlines()
    assert "note: crowd-2.png: circle: no 'circle' from 0.25 on; the best is" in notes[0]
    assert notes[1:] == ["explained 1 picture; 1 note says what was not found"]
    assert {name.split(".")[0] for name in written(tmp_path)} == {"crowd-1"}
    both = CliRunner().invoke(gradcam, [*map(str, call), "--target", "square", "--scale", "shared"])
    assert (both.exit_code, both.stderr.count("note: ")) == (0, 2)
    assert {name.split(".")[0] for name in written(tmp_path)} == {"crowd-1", "crowd-2"}


def test_a_run_that_finds_nothing_fails(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    shown = [DETECTOR.parent / "scenes" / f"crowd-{i}.png" for i in (2, 1)]
    call = ("explain", DETECTOR, *shown, "-o", tmp_path, "--target", "triangle")
    result = CliRunner().invoke(gradcam, list(map(str, call)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == "Error: nothing was explained: 2 notes say why"
    assert not written(tmp_path)


@pytest.mark.usefixtures("no_norm_pools")
def test_auto_says_in_table_and_record_why_it_is_another_method(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx.save(net("GlobalLpPool"), tmp_path / "net.onnx")
    np.save(tmp_path / "waves.npy", waves()[:1])
    asked = ["explain", "net.onnx", "waves.npy", "--target", "1", "--method", "auto", "-o", "."]
    arguments = [str(tmp_path / a) if a.endswith((".onnx", ".npy", ".")) else a for a in asked]
    result = CliRunner().invoke(gradcam, arguments)
    assert result.exit_code == 0, result.output
    why = "reciprocam in place of gradcam: no VJP rule for GlobalLpPool"
    assert result.stdout.count(f"note: waves.1.auto: {why}") == 1
    record = json.loads((tmp_path / "waves.1.auto.json").read_text())
    assert record["method"] == "reciprocam"
    assert record["diagnosis"].startswith(why)
    assert (tmp_path / "waves.1.auto.png").exists()
    refused = CliRunner().invoke(gradcam, [a if a != "auto" else "gradcam" for a in arguments])
    assert refused.exit_code == 2
    assert "no VJP rule for GlobalLpPool" in refused.stderr


def test_a_method_over_the_input_is_drawn_over_the_photo(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx.save(net(), tmp_path / "net.onnx")
    Image.fromarray(np.arange(20 * 28 * 3, dtype=np.uint8).reshape(20, 28, 3)).save(
        tmp_path / "photo.png"
    )
    files = [str(tmp_path / name) for name in ("net.onnx", "photo.png")]
    asked = ["--target", "1", "--method", "occlusion", "--preprocess", "unit"]
    result = CliRunner().invoke(gradcam, ["explain", *files, *asked, "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "photo.1.occlusion.json").read_text())
    assert (record["method"], record["layer"], record["shape"]) == ("occlusion", "x", [20, 28])
