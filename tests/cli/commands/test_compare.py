"""`gradcam compare`: whole runs on the demo's model and what was planted in it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from onnx import numpy_helper

pytest.importorskip("onnxruntime")

from cam_core.cli.commands.compare import compare as command
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
from tests.paths import ROOT

COUNT = 7


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model as a.onnx, copies with planted differences, and scenes."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("compare")
    model = onnx.load(MODEL)
    onnx.save(model, folder / "a.onnx")
    (folder / "labels.txt").write_bytes(LABELS.read_bytes())
    names = LABELS.read_text().splitlines()
    (folder / "turned.txt").write_text("\n".join([names[1], names[0], *names[2:]]))
    onnx.save(changed(model, lambda i, w: 3 * w if i == 2 else w), folder / "scaled.onnx")
    (folder / "photos").mkdir()
    scenes = [scene.pixels() for scene in load_scenes()]
    turned = [np.rot90(pixels, k) for k in (0, 2, 1) for pixels in scenes][:COUNT]
    for i, pixels in enumerate(turned):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / "photos" / f"{i}.png")
    return folder


@pytest.fixture(autouse=True)
def _here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)


def changed(model: onnx.ModelProto, change: Any) -> onnx.ModelProto:
    """A copy; `change(i, weight)` of its convolutions' weights."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    kernels = [t for t in made.graph.initializer if len(t.dims) == 4]
    for i, tensor in enumerate(kernels):
        value = np.ascontiguousarray(change(i, numpy_helper.to_array(tensor)))
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return made


def compare(*arguments: str, out: str = "out") -> Result:
    call = ["compare", *arguments, "--preprocess", PREPROCESS, "-o", out]
    return CliRunner().invoke(gradcam, call)


def report(out: str = "out") -> dict[str, Any]:
    return json.loads((Path(out) / "compare.json").read_text())


def test_a_copy_is_the_same_and_all_is_written() -> None:
    result = compare("a.onnx", "a.onnx", "photos", "--labels", "labels.txt", "--tensors")
    assert result.exit_code == 0, result.output
    assert "verdict  the same: agreement 1.000 [1.000, 1.000] of 1, noise floor" in result.output
    assert "none apart by more than 0.1%" in result.output
    found = report()
    assert found["verdict"]["word"] == "the same"
    assert (found["b_is_fed"], found["said"]) == ("same", [])
    digest = hashlib.sha256(Path("a.onnx").read_bytes()).hexdigest()
    assert (found["a"]["sha256"], found["b"]["sha256"]) == (digest, digest)
    assert [one["photo"] for one in found["photos"]] == [f"{i}.png" for i in range(COUNT)]
    assert all(one["same_input"] for one in found["photos"])
    page = Path("out/compare.html").read_text()
    assert found["verdict"]["line"] in page
    prepared = f"RGB/255 (--preprocess {PREPROCESS})"
    assert prepared in page
    assert prepared in result.output
    assert page.count("<img") == 4 * COUNT
    assert "http" not in page.replace("http-equiv", "")
    assert Path("out/compare.png").read_bytes().startswith(b"\x89PNG")


def test_a_scaled_convolution_is_not_the_same_and_named_by_tensors() -> None:
    result = compare("a.onnx", "scaled.onnx", "photos", "--tensors", "--json", out="scaled")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["verdict"]["word"] != "the same"
    model = onnx.load("a.onnx")
    page = Path("scaled/compare.html").read_text()
    shown = re.findall(r"<circle cx=\"([\d.]+)\" cy=\"([\d.]+)\" r=\"3\"", page)
    assert len(shown) == len(found["tensors"]["tensors"])
    assert float(shown[0][1]) == 20  # the first tensor is equal: on top
    third = [node for node in model.graph.node if node.op_type == "Conv"][2]
    assert found["tensors"]["first"] == third.output[0]


def test_labels_in_another_order_are_said_first() -> None:
    flags = ("--labels", "labels.txt", "--labels-b", "turned.txt")
    result = compare("a.onnx", "a.onnx", "photos", *flags, out="turned")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("note: the labels of B are in another order ('")
    assert "check B's list of labels" in " ".join(result.output.split())
    found = report("turned")
    assert found["verdict"]["word"] != "the same"
    assert sorted(found["classes_changed_places"]) == [[0, 0], [1, 1]]
    (Path("map.csv")).write_text("".join(f"{i},{i}\n" for i in range(9)))
    again = compare("a.onnx", "a.onnx", "photos", *flags, "--map-classes", "map.csv", out="mapped")
    assert "9 classes by 'map.csv'" in again.output
    assert report("mapped")["verdict"]["word"] == "the same"


def test_limits_end_with_1_and_are_checked_again_without_a_run() -> None:
    limits = ("--fail-if", "spearman.min<0.99", "--fail-if", "score.max>0")
    result = compare("a.onnx", "scaled.onnx", "photos", *limits, "--junit", "x.xml", out="limits")
    assert result.exit_code == 1
    assert "limit: score.max>0: score.max is " in result.output
    (suite,) = ElementTree.parse("x.xml").getroot()
    assert suite.get("tests") == "2"
    again = ["compare", "--again", "limits", *limits, "--junit", "y.xml"]
    Path("scaled.onnx").rename("gone.onnx")
    try:
        second = CliRunner().invoke(gradcam, again)
    finally:
        Path("gone.onnx").rename("scaled.onnx")
    assert second.exit_code == 1
    assert Path("x.xml").read_text() == Path("y.xml").read_text()
    held = ["compare", "--again", "limits/compare.json", "--fail-if", "gain.max>1e9"]
    fine = CliRunner().invoke(gradcam, held)
    assert (fine.exit_code, fine.output.split()[0]) == (0, "holds")


def test_a_module_of_torch_against_its_export(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    Path("nets_to_compare.py").write_text(
        "import torch\nfrom torch import nn\n\ndef net():\n    torch.manual_seed(1)\n"
        "    layers = nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()\n"
        "    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)\n"
        "    return nn.Sequential(*layers, *head)\n"
    )
    monkeypatch.syspath_prepend(files)
    import nets_to_compare  # type: ignore[import-not-found]

    from converters.torch import to_onnx

    x = torch.zeros(2, 3, 64, 64)
    to_onnx(nets_to_compare.net(), x, "net.onnx", exporter="torchscript")
    result = compare("nets_to_compare:net", "net.onnx", "photos", out="torch")
    assert result.exit_code == 0, result.output
    assert report("torch")["verdict"]["word"] == "the same", result.output
    back = compare("net.onnx", "nets_to_compare:net", "photos", out="back")
    assert report("back")["verdict"]["word"] == "the same", back.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.onnx",), "compare takes two models and photos"),
        (("a.onnx", "a.onnx", "a.onnx"), "image 'a.onnx': this is a model; name models first"),
        (("a.onnx", "b.onnx", "photos"), "no such file: 'b.onnx'"),
        (("a.onnx", "a.onnx", "photos", "--fail-if", "iou<1"), "write METRIC.STATISTIC"),
        (("a.onnx", "a.onnx", "photos", "--target", "0", "--target", "1"), "takes one --target"),
        (
            ("a.onnx", "a.onnx", "photos", "--map-classes", "no.csv"),
            "'no.csv': No such file or dir",
        ),
        (("--again", "nowhere.json", "--fail-if", "iou.min<1"), "--again 'nowhere.json'"),
        (("--again", "labels.txt", "--fail-if", "iou.min<1"), "no JSON"),
        (("--again", "out"), "name some with --fail-if"),
        (("a.onnx", "--again", "out"), "--again runs no model"),
        (("a.onnx", "gone.onnx", "photos", "--junit", "photos"), "--junit 'photos': a folder"),
        (("--again", "out", "--junit", "photos"), "--junit 'photos': a folder"),
    ],
)
def test_what_is_amiss_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = compare(*arguments, out="none")
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_without_jinja_the_rest_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = compare("a.onnx", "a.onnx", "photos", "--target", "0", out="bare")
    assert result.exit_code == 0, result.output
    assert "note: compare.html needs jinja2" in result.output
    assert "cam-core[html]" in result.output
    assert not Path("bare/compare.html").exists()
    assert report("bare")["target"] == "0"


def test_the_page_lists_every_option_and_examples_use_no_other() -> None:
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    flags = {flag for flag in known if flag.startswith("--")}
    page = (ROOT / "docs" / "commands" / "compare.md").read_text(encoding="utf-8")
    options = page.partition("## Options")[2]
    assert not [flag for flag in flags if not re.search(rf"{flag}[ `]", options)]
    text = (ROOT / "examples" / "ci" / "action.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert used
    assert used <= flags


def test_the_table_of_parquet_has_a_row_a_photo() -> None:
    pytest.importorskip("pyarrow", reason="Parquet is an extra: pip install 'cam-core[parquet]'")
    import pyarrow.parquet

    assert compare("a.onnx", "scaled.onnx", "photos", out="table").exit_code == 0
    table = pyarrow.parquet.read_table("table/compare.parquet")
    numbers = {str(field.type) for field in table.schema if field.name not in ("photo", "target")}
    assert numbers == {"double"}  # one that no photo has as well: tables can be put together
    rows = table.to_pylist()
    photos = report("table")["photos"]
    assert [row["photo"] for row in rows] == [one["photo"] for one in photos]
    assert [row["spearman"] for row in rows] == [one["spearman"] for one in photos]


def test_b_is_fed_by_its_own_preprocessing_where_that_is_asked_for() -> None:
    model = onnx.load("a.onnx")
    del model.metadata_props[:]
    spec = {"mean": [0, 0, 0], "std": [1, 1, 1], "scale": 1.0, "bgr": True}
    onnx.helper.set_model_props(model, {"cam.preprocess": json.dumps(spec)})
    onnx.save(model, "bytes.onnx")
    result = compare("a.onnx", "bytes.onnx", "photos", "--own-preprocessing", out="own")
    assert result.exit_code == 0, result.output
    assert "note: B is fed by its own preprocessing: BGR x 1, cam.* metadata" in result.output
    found = report("own")
    assert not any(one["same_input"] for one in found["photos"])
    assert found["verdict"]["word"] != "the same"
    alike = compare("a.onnx", "bytes.onnx", "photos", out="alike")
    assert report("alike")["verdict"]["word"] == "the same", alike.output
