"""`cam_stats` of a file: worth what the loops say of the map that the same file gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

pytest.importorskip("onnxruntime")

from backends.onnx import instrument, strip
from backends.onnx.writing.portable import PORTABLE
from cam_core import explain, open_backend
from cam_core.errors import InputError, ModelError
from cam_core.maps.stats import STATS
from tests.core.maps.test_stats import by_loops
from tests.instrumenting.nets import images, net
from tests.sessions import run

OPEN = {"3, 8, 12]": "3, H, W]"}
CHOSEN = {"cam_class": np.array([-1])}
LINE = """<ir_version: 8, opset_import: ["" : 17]>
line (float[N, 3, 12] x) => (float[N, 3] y) {
    r = Relu(x)
    g = GlobalAveragePool(r)
    y = Flatten(g)
}"""


def expected(signed: Any) -> list[list[float]]:
    """Of each row, in double precision: float32 sums of a few cells lie within 1e-5."""
    return [by_loops(row.astype(np.float64)) for row in signed]


def made(model: Any, **options: Any) -> onnx.ModelProto:
    return instrument(model, outputs=["map", "signed"], stats=True, **options)


@pytest.mark.parametrize("opset", [9, 13, 18])
@pytest.mark.parametrize("method", ["gradcam", "layercam", "hirescam"])
def test_it_is_the_loops_of_its_own_map(method: str, opset: int) -> None:
    found = run(made(net(opset), method=method), x=images(4), **CHOSEN)
    assert found["cam_stats"].dtype == np.float32
    np.testing.assert_allclose(found["cam_stats"], expected(found["cam_signed"]), 1e-5, 1e-5)


@pytest.mark.parametrize("size", [(8, 12), (6, 6), (12, 16)], ids=str)
def test_of_an_open_size_too(size: tuple[int, int]) -> None:
    x = np.random.default_rng(2).normal(size=(3, 3, *size)).astype(np.float32)
    found = run(made(net(13, **OPEN)), x=x, **CHOSEN)
    np.testing.assert_allclose(found["cam_stats"], expected(found["cam_signed"]), 1e-5, 1e-5)


def test_an_open_size_needs_a_range() -> None:
    with pytest.raises(ModelError, match="opset 11: fix it with --static"):
        made(net(9, **OPEN))


def test_a_blank_map_has_zeros() -> None:
    found = run(made(against()), x=images(8), **CHOSEN)
    blank = found["cam_map"].reshape(8, -1).max(axis=1) == 0
    assert blank.all()  # else this test says nothing
    assert not found["cam_stats"].any()
    assert not np.signbit(found["cam_stats"]).any()


def test_a_map_with_nan_says_so() -> None:
    broken = run(made(net()), x=np.full((1, 3, 8, 12), np.nan, np.float32), **CHOSEN)
    assert np.isnan(broken["cam_stats"][0, list(STATS).index("positive_ratio")])


def against() -> onnx.ModelProto:
    """Every channel speaks against every class."""
    model = net()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "w3")
    value = -np.abs(numpy_helper.to_array(weights))
    weights.CopyFrom(numpy_helper.from_array(value, "w3"))
    return model


@pytest.mark.parametrize("model", [net(), net(13, **OPEN)], ids=["known size", "open size"])
def test_what_it_adds_runs_everywhere(model: onnx.ModelProto) -> None:
    with_stats, without = made(model), instrument(model, outputs=["map", "signed"])
    own = {node.name for node in without.graph.node}
    added = [node.op_type for node in with_stats.graph.node if node.name not in own]
    assert set(added) <= PORTABLE
    assert len(with_stats.graph.node) - len(without.graph.node) <= 50


def test_a_file_says_what_the_numbers_are() -> None:
    model = made(net())
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert [row["name"] for row in json.loads(said["cam.stats"])] == list(STATS)
    assert model.graph.output[-1].name == "cam_stats"
    assert [d.dim_value for d in model.graph.output[-1].type.tensor_type.shape.dim[1:]] == [8]
    assert strip(model) == net()
    asked = instrument(net(), outputs="stats", stats=True)
    assert [output.name for output in asked.graph.output] == ["y", "p", "cam_stats"]


def test_of_several_targets_and_layers() -> None:
    several = run(made(net(), target="top:2"), x=images(2))
    assert several["cam_stats"].shape == (2, 2, 8)
    for k in (0, 1):
        signed = several["cam_signed"][:, k]
        np.testing.assert_allclose(several["cam_stats"][:, k], expected(signed), 1e-5, 1e-5)
    layers = run(made(net(), layer=["early", "late"]), x=images(2), **CHOSEN)
    for k in (0, 1):
        signed = layers[f"cam_signed_{k}"]
        np.testing.assert_allclose(layers[f"cam_stats_{k}"], expected(signed), 1e-5, 1e-5)


def test_behind_a_gate_it_has_no_rows() -> None:
    model = made(net(), gate=True)
    shut = run(model, x=images(2), **CHOSEN, cam_enable=np.array(False))
    opened = run(model, x=images(2), **CHOSEN, cam_enable=np.array(True))
    assert (shut["cam_stats"].shape, opened["cam_stats"].shape) == ((0, 8), (2, 8))


def test_an_explanation_has_the_same() -> None:
    found = run(made(net()), x=images(3), **CHOSEN)
    own = explain(open_backend(net()), images(3), "top:1")
    np.testing.assert_allclose(own.stats, found["cam_stats"], 1e-4, 1e-5)  # another forward pass
    np.testing.assert_array_equal(own[1].stats, own.stats[1:2])


def test_a_line_has_none() -> None:
    with pytest.raises(InputError, match="height and width, these have 1 axes"):
        instrument(onnx.parser.parse_model(LINE), stats=True)
