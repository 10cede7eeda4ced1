"""Five planted defects, each named in what the user reads; a copy without one names nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from cam_core.demo import LABELS, MODEL, load_scenes
from tests.blaming.quantised import halved, plain, quantised, ranges
from tests.commands.calls import call

NOBODY = "named    no tensor: the drift is of many"


@pytest.fixture
def model(rng: np.random.Generator) -> onnx.ModelProto:
    return plain(rng)


@pytest.fixture
def fed(rng: np.random.Generator) -> Any:
    return rng.normal(size=(12, 3, 8, 8)).astype(np.float32)


def blamed(folder: Path, model: onnx.ModelProto, other: onnx.ModelProto, fed: Any) -> str:
    """What `gradcam blame` prints."""
    (folder / "float.onnx").write_bytes(model.SerializeToString())
    (folder / "other.onnx").write_bytes(other.SerializeToString())
    np.save(folder / "x.npy", fed)
    files = (folder / name for name in ("float.onnx", "other.onnx", "x.npy"))
    done = call("blame", *files, "--optimization", "disabled")
    assert done.exit_code in (0, 1), done.output
    return done.stdout


@pytest.mark.parametrize("weight", ["w1", "w2", "w3"])
def test_a_convolution_of_doubled_scale(
    weight: str, model: onnx.ModelProto, fed: Any, tmp_path: Path
) -> None:
    made = quantised(model, ranges(model, fed), {weight: 2.0})
    assert f"\nnamed    {weight}_dq: in float" in blamed(tmp_path, model, made, fed)


@pytest.mark.parametrize("times", [0.1, 100.0])
def test_a_badly_calibrated_tensor(
    times: float, model: onnx.ModelProto, fed: Any, tmp_path: Path
) -> None:
    """Its range cuts nine tenths off, or leaves it two steps."""
    found = ranges(model, fed)
    made = quantised(model, {**found, "c2": (0.0, found["c2"][1] * times)})
    assert "\nnamed    c2: in float" in blamed(tmp_path, model, made, fed)


def overflowing(model: onnx.ModelProto) -> onnx.ModelProto:
    """The second block, c2 and its ReLU, makes numbers of 1e5; the third brings them down again."""
    times = {"w1": 300.0, "w2": 300.0, "w3": 1 / 9e4}
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for tensor in made.graph.initializer:
        w = numpy_helper.to_array(tensor) * np.float32(times.get(tensor.name, 1.0))
        tensor.CopyFrom(numpy_helper.from_array(w, tensor.name))
    return made


def test_a_block_that_overflows_in_float16(
    model: onnx.ModelProto, fed: Any, tmp_path: Path
) -> None:
    big = overflowing(model)
    said = blamed(tmp_path, big, halved(big), fed)
    assert "\nnamed    c2, a2: no number where it would be one in float\n" in said
    assert said.splitlines()[1].split()[1:4] == ["c2", "node", "overflows"]


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_copy_without_a_defect(
    kind: str, model: onnx.ModelProto, fed: Any, tmp_path: Path
) -> None:
    made = quantised(model, ranges(model, fed)) if kind == "int8" else halved(model)
    assert f"\n{NOBODY}\n" in blamed(tmp_path, model, made, fed)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Photos of the demo's own things, turned: enough for a verdict."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, scene in enumerate(load_scenes()):
        for turn in (0, 2):
            pixels = np.ascontiguousarray(np.rot90(scene.pixels(), turn))
            Image.fromarray(pixels).save(folder / f"{i}-{turn}.png")
    return folder


def swapped(path: Path) -> Path:
    """The demo's model behind channels in the other order."""
    model = onnx.load(MODEL)
    graph = model.graph
    own, graph.input[0].name = graph.input[0].name, "fed"
    graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0]), "order"))
    graph.node.insert(0, helper.make_node("Gather", ["fed", "order"], [own], axis=1))
    path.write_bytes(model.SerializeToString())
    return path


def doctored(model: Path, scenes: Path) -> str:
    """What `gradcam doctor` prints of a copy of the demo's model."""
    original = ("--against", MODEL, "--against-preprocess", "unit")
    return call("doctor", model, scenes, "--preprocess", "unit", *original).stdout


def test_channels_in_the_other_order(scenes: Path, tmp_path: Path) -> None:
    said = doctored(swapped(tmp_path / "swapped.onnx"), scenes)
    assert "verdict  swapped.onnx agrees (1.00, " in said
    assert "when fed BGR 0-1: " in said


def test_channels_as_they_were(scenes: Path) -> None:
    said = doctored(MODEL, scenes)
    assert "agrees (1.00) as it is fed" in said
    assert "when fed" not in said


def compared(scenes: Path, folder: Path, labels: Mapping[str, list[str]]) -> str:
    """What `gradcam compare` prints of the demo's model with itself, by two lists of labels."""
    for name, words in labels.items():
        (folder / name).write_text("\n".join(words))
    a, b = (folder / name for name in labels)
    flags = ("--labels", a, "--labels-b", b, "--preprocess", "unit", "-o", folder / "out")
    done = call("compare", MODEL, MODEL, scenes, *flags)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_two_labels_in_each_others_place(scenes: Path, tmp_path: Path) -> None:
    names = LABELS.read_text().splitlines()
    turned = [names[1], names[0], *names[2:]]
    said = compared(scenes, tmp_path, {"a.txt": names, "b.txt": turned})
    assert f"'{names[0]}' is 0 in A and 1 in B, '{names[1]}' is 1 in A and 0 in B" in said
    assert f"A's class 0 '{names[0]}' has the scores of B's class 0 '{names[1]}'" in said
    assert "check B's list of labels" in said


def test_one_list_of_labels(scenes: Path, tmp_path: Path) -> None:
    names = LABELS.read_text().splitlines()
    said = compared(scenes, tmp_path, {"a.txt": names, "b.txt": names})
    assert "verdict the same: " in said
    assert "another order" not in said
    assert "changed places" not in said
