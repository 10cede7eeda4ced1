"""int8 files: Q/DQ pairs, how much is lost, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from cam_core import explain, open_backend
from cam_core.demo import MODEL, PREPROCESS, load_scenes
from cam_core.errors import InputError, ModelError
from cam_core.image import PRESETS, preprocess
from converters.quantise import to_int8
from tests.commands.calls import APART, write
from tests.commands.calls import MODEL as TEXT

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")  # onnxruntime.quantization's own


@pytest.fixture(scope="module")
def feeds() -> list[dict[str, np.ndarray]]:
    (info,) = open_backend(MODEL).inputs()
    photos = [scene.pixels() for scene in load_scenes()[:8]]
    return [{info.name: preprocess(p, PRESETS[PREPROCESS], info).x} for p in photos]


def test_it_still_looks_at_the_same_thing(
    feeds: list[dict[str, np.ndarray]], tmp_path: Path
) -> None:
    path, parity = to_int8(MODEL, tmp_path / "int8.onnx", feeds)
    assert parity is not None
    assert 0 < parity.gap < 0.5
    operators = {node.op_type for node in onnx.load(str(path)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= operators
    x = next(iter(feeds[0].values()))
    own, other = (open_backend(file) for file in (MODEL, path))
    assert own.look(x, layers=()).score.argmax() == other.look(x, layers=()).score.argmax()
    a, b = (explain(backend, x).signed.ravel() for backend in (own, other))
    assert np.corrcoef(a, b)[0, 1] > 0.9
    labels = {e.key: e.value for e in onnx.load(str(path)).metadata_props}
    assert "onnxruntime" in labels["cam.converted_from"]


def test_it_tells_how_far_it_is(feeds: list[dict[str, np.ndarray]], tmp_path: Path) -> None:
    done: list[int] = []
    to_int8(MODEL, tmp_path / "int8.onnx", feeds, step=lambda: done.append(1))
    assert len(done) == len(feeds)


def test_what_the_source_says_is_carried_on(
    feeds: list[dict[str, np.ndarray]], tmp_path: Path
) -> None:
    model = onnx.load(str(MODEL))
    model.metadata_props.add(key="cam.labels", value='["a"]')
    onnx.save(model, str(tmp_path / "own.onnx"))
    path, _ = to_int8(tmp_path / "own.onnx", tmp_path / "int8.onnx", feeds[:1], force=True)
    said = {e.key: e.value for e in onnx.load(str(path)).metadata_props}
    assert said["cam.labels"] == '["a"]'
    assert "cam.converted_from" in said


def test_a_file_of_an_opset_without_a_scale_a_channel_is_brought_up(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write(TEXT.replace('"" : 17', '"" : 12'), tmp_path / "old.onnx", rng)
    old = onnx.load(str(path))
    old.metadata_props.add(key="cam.labels", value='["a", "b", "c", "d"]')
    onnx.save(old, str(path))
    few = [{"x": rng.random((1, 3, 8, 8), np.float32)} for _ in range(4)]
    path, parity = to_int8(tmp_path / "old.onnx", tmp_path / "int8.onnx", few)
    assert parity is not None
    assert 0 < parity.gap < 0.1  # a step of 255 here and there
    made = onnx.load(str(path))
    assert {one.domain: one.version for one in made.opset_import}[""] == 13
    onnx.checker.check_model(made, full_check=True)
    scales = {t.name: list(t.dims) for t in made.graph.initializer if t.name.endswith("_scale")}
    assert scales["w_scale"] == [5]
    assert "cam.labels" in {entry.key for entry in made.metadata_props}


def test_operators_that_are_left_stay_in_float(tmp_path: Path) -> None:
    """Also two that onnxruntime would make one of another name."""
    rng = np.random.default_rng(0)
    path = write(APART, tmp_path / "own.onnx", rng)
    own = onnx.load(str(path))
    names = [f"the {node.op_type}" for node in own.graph.node]
    for node, name in zip(own.graph.node, names, strict=True):
        node.name = name
    onnx.save(own, str(path))
    few = [{"x": rng.random((1, 3, 8, 8), np.float32)} for _ in range(4)]
    made, _ = to_int8(path, tmp_path / "int8.onnx", few, leave=["the MatMul", "the Add"])
    nodes = {node.name: node for node in onnx.load(str(made)).graph.node}
    assert nodes["the Add"].output[0] == "y"  # no pair behind it
    assert "QuantizeLinear" in {node.op_type for node in nodes.values()}
    with pytest.raises(InputError, match="no operator 'the Sum' to leave in float"):
        to_int8(path, tmp_path / "x.onnx", few, leave=["the Sum"])


def test_what_is_lost_may_be_too_much(feeds: list[dict[str, np.ndarray]], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing was written"):
        to_int8(MODEL, tmp_path / "int8.onnx", feeds, tolerance=1e-6)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="nothing to calibrate on"):
        to_int8(MODEL, tmp_path / "int8.onnx", [])
