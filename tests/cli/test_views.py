"""Several layers on the command line, on the demo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cam_core import explain, open_backend
from cam_core.cli.group import gradcam
from cam_core.cli.views import ALL, views
from cam_core.demo import MODEL

pytest.importorskip("onnxruntime")
SCENE = MODEL.parent / "scenes" / "scene-1.png"
TWO = ("--layer", "relu_1", "--layer", "relu_3")
X = np.random.default_rng(4).random((1, 3, 128, 128), dtype=np.float32)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("m.onnx").write_bytes(MODEL.read_bytes())
    np.save("x.npy", X)
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(gradcam, ["explain", "m.onnx", "x.npy", "--target", "3", *args])


def record(stem: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path("out", f"{stem}.json").read_text())
    return found


def test_without_a_fuse_there_is_a_picture_a_layer() -> None:
    result = call(*TWO, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "layer    relu_1; relu_3" in result.stdout
    backend = open_backend(MODEL.read_bytes())
    for layer in ("relu_1", "relu_3"):
        stem = f"x.3.gradcam.{layer}"
        assert Path("out", f"{stem}.png").exists()
        assert record(stem)["layer"] == layer
        expected = explain(backend, X, 3, layer=layer).map[0]
        np.testing.assert_allclose(np.load(Path("out", f"{stem}.npy")), expected, atol=1e-6)
    assert len(list(Path("out").iterdir())) == 6


def test_with_one_there_is_one_picture_of_both() -> None:
    result = call(*TWO, "--fuse", "root", "--method", "layercam", "-o", "out")
    assert result.exit_code == 0, result.stderr
    said = record("x.3.layercam.root.relu_1+relu_3")
    assert (said["fuse"], said["layer"]) == ("root", "relu_1, relu_3")
    backend, both = open_backend(MODEL.read_bytes()), ["relu_1", "relu_3"]
    expected = explain(backend, X, 3, "layercam", layer=both, fuse="root").map[0]
    np.testing.assert_allclose(
        np.load("out/x.3.layercam.root.relu_1+relu_3.npy"), expected, atol=1e-6
    )


def test_smoothing_is_said_in_the_record() -> None:
    result = call("--smooth", "eigen", "--smooth", "aug", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert record("x.3.gradcam.aug.eigen")["smooth"] == "aug, eigen"
    backend = open_backend(MODEL.read_bytes())
    expected = explain(backend, X, 3, smooth=("aug", "eigen")).map[0]
    np.testing.assert_allclose(np.load("out/x.3.gradcam.aug.eigen.npy"), expected, atol=1e-6)


def test_another_way_to_smooth_or_fuse_overwrites_nothing() -> None:
    ways = [(), ("--smooth", "aug"), ("--smooth", "eigen"), (*TWO, "--fuse", "max")]
    ways += [(*TWO, "--fuse", "root", "--smooth", "eigen"), (*TWO, "--smooth", "eigen")]
    for way in ways:
        result = call(*way, "--method", "gradcam", "-o", "out")
        assert result.exit_code == 0, result.stderr
    both = "relu_1+relu_3"
    stems = ["", ".aug", ".eigen", ".eigen.relu_1", ".eigen.relu_3"]
    stems += [f".eigen.root.{both}", f".max.{both}"]
    found = sorted(path.name for path in Path("out").glob("*.png"))
    assert found == sorted(f"x.3.gradcam{stem}.png" for stem in stems)


WRONG = [
    (("--fuse", "max"), "fuse takes several layers: name two or more"),
    ((*TWO, "--fuse", "least"), "no fuse 'least'; there are max, mean, product, root, scaled-max"),
    (("--smooth", "blur"), "no smooth 'blur'; there are aug, eigen"),
    ((*TWO, "--versus", "1"), "with several layers --fuse says how they become one"),
]


@pytest.mark.parametrize(("args", "said"), WRONG, ids=lambda value: value[-1])
def test_what_cannot_be_is_one_line(args: tuple[str, ...], said: str) -> None:
    result = call(*args, "-o", "out")
    assert result.exit_code != 0
    assert said in result.stderr
    assert result.stderr.strip().count("\n") == 0
    assert not Path("out").exists() or not list(Path("out").iterdir())


def test_the_file_says_how_it_was_fused() -> None:
    args = ["instrument", "m.onnx", *TWO, "--method", "layercam", "--fuse", "max", "-o", "c.onnx"]
    result = CliRunner().invoke(gradcam, [*args, "--json"])
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert (said["fuse"], said["outputs"]) == ("max", ["cam_map"])


def test_a_method_about_the_input_has_one_picture() -> None:
    assert list(views(["a", "b"], None, "gradcam")) == [0, 1]
    for layers, fuse in ((["a"], None), ([], None), (["a", "b"], "max")):
        assert views(layers, fuse, "gradcam") is ALL


def written(*words: str) -> set[str]:
    """What a run adds to the folder; nothing that was there may change."""
    folder = Path("out")
    before = {p.name: p.read_bytes() for p in folder.glob("*")}
    result = CliRunner().invoke(gradcam, [*words, "-o", "out"])
    assert result.exit_code == 0, result.stderr
    assert {name: (folder / name).read_bytes() for name in before} == before
    return {p.name for p in folder.glob("*")} - set(before)


RUNS: dict[str, tuple[str, ...]] = {
    "": (),
    ".relu_1": ("--layer", "relu_1"),
    ".relu_3": ("--layer", "relu_3"),
    ".max.relu_1+relu_3": (*TWO, "--fuse", "max"),
    ".max.relu_2+relu_3": ("--layer", "relu_2", "--layer", "relu_3", "--fuse", "max"),
    ".aug.relu_1": ("--smooth", "aug", "--layer", "relu_1"),
}
"""What file names say after the method, of these words."""


def test_a_layer_that_is_named_is_in_the_name_of_every_file() -> None:
    words = ("explain", "m.onnx", str(SCENE), "--target", "3", "--method", "gradcam")
    for end, more in RUNS.items():
        found = written(*words, "--method", "hirescam", *more)
        stems = {f"scene-1.3.{method}{end}" for method in ("gradcam", "hirescam")}
        expected = {f"{stem}{kind}" for stem in stems for kind in (".npy", ".json", ".png")}
        assert found == expected | {f"scene-1.methods{end}.png"}


def test_it_is_so_called_by_its_own_name_whatever_was_typed() -> None:
    backend = open_backend(MODEL.read_bytes())
    (index,) = (str(i) for i, one in enumerate(backend.layers()) if one.name == "relu_1")
    assert call("--layer", index, "-o", "out").exit_code == 0
    (stem,) = {path.stem for path in Path("out").iterdir()}
    assert stem == f"x.3.gradcam.{record(stem)['layer']}"


def test_where_it_does_not_count_it_is_not_named() -> None:
    names = ("--method", "gradcam", "--method", "gradient")
    found = written("explain", "m.onnx", "x.npy", "--target", "3", *names, "--layer", "relu_1")
    assert {name for name in found if name.endswith("npy")} == {
        "x.3.gradcam.relu_1.npy",
        "x.3.gradient.npy",
    }


@pytest.mark.parametrize("command", ["boxes", "masks"])
def test_boxes_and_masks_have_it_in_theirs(command: str) -> None:
    words = (command, "m.onnx", str(SCENE), "--target", "3", "--method", "hirescam")
    for layer in ("relu_2", "relu_3"):
        found = written(*words, "--layer", layer)
        assert {name.rsplit(".", 2)[0] for name in found} == {f"scene-1.3.hirescam.{layer}"}


def test_options_are_in_names_and_records_in_one_spelling() -> None:
    texts = ("gradcam++", "gradcam++:eps=1", "gradcam++:eps=0.5", "rise:cells=4,masks=8")
    asked = [word for text in texts for word in ("--method", text)]
    found = written("explain", "m.onnx", "x.npy", "--target", "3", *asked)
    stems = {Path(name).stem for name in found}
    assert stems == {
        *("x.3.gradcam++", "x.3.gradcam++-eps-1", "x.3.gradcam++-eps-0.5"),
        "x.3.rise-masks-8-cells-4",
    }
    said = record("x.3.rise-masks-8-cells-4")["method"]
    assert said == "rise:masks=8,cells=4"
    expected = explain(open_backend(MODEL.read_bytes()), X, 3, str(said)).map[0]
    np.testing.assert_allclose(np.load("out/x.3.rise-masks-8-cells-4.npy"), expected, atol=1e-6)
    again = call("--method", str(said), "--method", "rise:cells=4,masks=8", "-o", "again")
    assert again.exit_code == 0, again.stderr
    assert len(list(Path("again").glob("*.npy"))) == 1


def test_a_wrong_option_is_one_line_before_the_model_is_opened() -> None:
    result = call("--method", "rise:mask=8", "-o", "out")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: method 'rise' has no option 'mask'; it takes masks=4000, cells=7, keep=0.5, "
        "seed=0, centred=true\n"
    )
