"""`gradcam record`: what it writes stands for the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from backends.onnx import OnnxBackend, instrument
from cam_core import explain, open_backend
from cam_core.cli.group import gradcam
from cam_core.demo import MODEL, PREPROCESS, load_scenes
from cam_core.image import PRESETS, preprocess

ort = pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo.onnx").write_bytes(MODEL.read_bytes())
    Path("photos").mkdir()
    for i, scene in enumerate(load_scenes()[:2]):
        Image.fromarray(scene.pixels()).save(f"photos/s{i}.png")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(gradcam, ["record", *map(str, arguments)], prog_name="gradcam")


def inputs() -> np.ndarray:
    (info,) = OnnxBackend(MODEL.read_bytes()).inputs()
    photos = [np.asarray(Image.open(f"photos/s{i}.png")) for i in range(2)]
    return np.concatenate([preprocess(p, PRESETS[PREPROCESS], info).x for p in photos])


def test_an_instrumented_file_is_recorded_as_it_runs() -> None:
    names = ("map", "signed", "score", "class_used")
    made = instrument(
        MODEL.read_bytes(),
        layer=0,
        method="hirescam",
        outputs=names,
        target="top:1",
        labels=list("abcdefghi"),
    )
    Path("cam.onnx").write_bytes(made.SerializeToString())
    done = call("cam.onnx", "photos", "--preprocess", PREPROCESS, "-o", "rec")
    assert done.exit_code == 0, done.output
    session = ort.InferenceSession("cam.onnx", providers=["CPUExecutionProvider"])
    x = inputs()
    wanted = [o.name for o in session.get_outputs()]
    found = dict(zip(wanted, session.run(None, {session.get_inputs()[0].name: x}), strict=True))
    recording = open_backend("rec")
    outputs = recording.forward(x)
    for name, rows in (("cam_map", found["cam_map"]), ("cam_signed", found["cam_signed"])):
        np.testing.assert_allclose(
            outputs[name], rows.reshape(outputs[name].shape), rtol=1e-4, atol=1e-6
        )  # the same in another order of addition
    np.testing.assert_allclose(outputs["logits"], found[wanted[0]], rtol=1e-5, atol=1e-6)
    assert outputs["cam_class_used"].tolist() == found["cam_class_used"].reshape(-1).tolist()
    assert recording.metadata["cam.method"] == "hirescam"
    assert json.loads(recording.metadata["cam.labels"]) == list("abcdefghi")
    facts = json.loads(Path("rec/recording.json").read_text())
    source = {entry.key: entry.value for entry in made.metadata_props}["cam.source_sha256"]
    assert facts["metadata"]["cam.source_sha256"] == source
    assert facts["region"]["windows"] == [[0, 1], [0, 1]]


def test_what_is_typed_goes_first() -> None:
    done = call("demo.onnx", "photos", "--target", 4, "--method", "layercam", "--json", "-o", "rec")
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)["pictures"]) == {"s0", "s1"}
    recording, x = open_backend("rec"), inputs()
    expected = explain(open_backend("demo.onnx"), x, 4, "layercam")
    np.testing.assert_allclose(
        recording.forward(x)["cam_signed"], expected.signed, rtol=1e-5, atol=1e-7
    )
    assert recording.forward(x)["cam_class_used"].tolist() == [4, 4]


def test_a_guessed_preprocessing_is_said_to_be_one() -> None:
    model = onnx.load("demo.onnx")
    model.ClearField("metadata_props")
    onnx.save(model, "bare.onnx")
    done = call("bare.onnx", "photos", "-o", "rec")
    assert done.exit_code == 0, done.output
    (line,) = [one for one in done.stdout.splitlines() if one.startswith("input    ")]
    assert "minus 0.485, 0.456, 0.406" in line
    assert "(imagenet, a guess as nothing says it" in line


def test_of_an_array_no_preprocessing_is_said() -> None:
    np.save("x.npy", inputs())
    done = call("demo.onnx", "x.npy", "-o", "rec")
    assert done.exit_code == 0, done.output
    assert "input    fed as" in done.stdout
    assert "guess" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--target", "top:2", "-o", "rec"), "one map a photo"),
        ((), "-o"),
        (("-o", "photos/s0.png"), "is a file"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: tuple[str, ...], text: str) -> None:
    done = call("demo.onnx", "photos", *arguments)
    assert done.exit_code == 2, done.output
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("rec").exists()


def test_a_module_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    net = "nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 26), nn.Flatten())"
    (tmp_path / "net_to_record.py").write_text(
        f"import torch\nfrom torch import nn\n\nnet = {net}, torch.zeros(1, 3, 28, 28)\n"
    )
    done = call("net_to_record:net", "photos", "--preprocess", PREPROCESS, "-o", "rec")
    assert done.exit_code == 0, done.output
    held = np.load(next(Path("rec").glob("*.npz")))
    assert (held["cam_map"].shape, held["logits"].shape) == ((1, 26, 26), (1, 2))


OF_MODELS = [
    *("check rec", "layers rec", "instrument rec -o x.onnx", "strip rec -o x.onnx"),
    *("doctor rec photos/s0.png photos/s1.png", "targets rec", "targets rec photos/s0.png"),
    *("blame rec demo.onnx photos/s0.png", "convert rec -o x.onnx"),
]


@pytest.mark.parametrize("line", OF_MODELS)
def test_what_needs_a_model_names_the_cure(line: str) -> None:
    assert call("demo.onnx", "photos", "--preprocess", PREPROCESS, "-o", "rec").exit_code == 0
    done = CliRunner().invoke(gradcam, line.split())
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: 'rec' is a recording: finished maps, no activations and no gradients; name the "
        "model itself (compare, audit and monitor take recordings)\n"
    )
