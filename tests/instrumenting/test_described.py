"""The record of a file is enough: a reader that knows nothing of us makes the map of `explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from backends.onnx.instrumenting.described import VERSION
from cam_core import explain
from cam_core.demo import MODEL, load_scenes
from cam_core.image import PRESETS, Preprocess, preprocess
from cam_core.sources import known
from examples.record.read_record import fed, opened
from tests.detectors import two_scales
from tests.paths import DATA

pytest.importorskip("onnxruntime")

MODELS = DATA / "models"
LABELLED = """<ir_version: 8, opset_import: ["" : 17]>
labelled (float[N, 3, 48, 32] x) => (float[N, 4] tags) {
    conv = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, w1)
    late = Relu(conv)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w2)
    tags = Sigmoid(y)
}"""


class Row(NamedTuple):
    """A model, and what its numbers are."""

    model: Any
    numbers: str
    probability: str
    layout: str
    preprocess: Preprocess | None = None
    target: str = "input"


def labelled() -> onnx.ModelProto:
    """Four labels, each with a sigmoid of its own."""
    model, rng = onnx.parser.parse_model(LABELLED), np.random.default_rng(3)
    shapes = {"w1": (8, 3, 3, 3), "w2": (4, 8)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    model.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights.items())
    return model


ROWS = {
    "the demo's classifier": Row(MODEL, "scores", "", "NCHW"),
    "several labels": Row(labelled, "probabilities", "sigmoid", "NCHW", PRESETS["tf"]),
    "a detector, letterboxed": Row(
        MODELS / "yolox-nano.onnx", "boxes", "exp", "NCHW",
        Preprocess(bgr=True, fit="letterbox"), "cotangent",
    ),
    "a detector, in the corner": Row(
        MODELS / "yolox-nano.onnx", "boxes", "exp", "NCHW", None, "cotangent"
    ),
    "channels last": Row(MODELS / "squeezenet1.0-nhwc.onnx", "probabilities", "softmax", "NHWC",
                         PRESETS["caffe"]),
    "stretched, cut, bicubic": Row(
        labelled, "probabilities", "sigmoid", "NCHW",
        Preprocess(std=(0.2, 0.3, 0.4), fit="stretch", resize=40, resample="bicubic"),
    ),
}  # fmt: skip


def photo() -> Any:
    """RGB uint8 [100, 128, 3]."""
    return np.ascontiguousarray(load_scenes()[0].pixels()[20:120])


def one_hot(shape: tuple[int, ...], axis: int) -> tuple[Any, str]:
    """dY/dy of class 2 at the sixth anchor from the end, and how that is asked for."""
    y = np.zeros([extent for i, extent in enumerate(shape) if i not in (0, axis)], np.float32)
    anchor = y.size - 6
    y.flat[anchor] = 1
    classes = np.zeros(shape[axis], np.float32)
    classes[2] = 1
    found = np.multiply.outer(classes, y) if axis == 1 else np.multiply.outer(y, classes)
    return found[None], f"2@anchor:{anchor}"


def model_of(row: Row) -> Any:
    if callable(row.model):
        return row.model()
    path = Path(str(row.model))
    if not path.is_file():
        pytest.skip("the shared models are not here")
    return path


def record_of(model: Any, **options: Any) -> Any:
    made = instrument(model, **options)
    return json.loads({e.key: e.value for e in made.metadata_props}["cam.record"])


@pytest.mark.parametrize("name", ROWS)
def test_a_reader_of_the_record_makes_the_map_of_explain(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    model, spec = model_of(row), row.preprocess
    given = None if spec is None else vars(spec)
    file = tmp_path / "cam.onnx"
    made = instrument(model, target=row.target, outputs=["map", "logits"], preprocess=given)
    file.write_bytes(made.SerializeToString())
    session, record = opened(str(file))

    (first,) = record["inputs"]
    feed = {first["name"]: fed(photo(), first["picture"], first["type"])}
    asked, (extra,) = "top:1", record["given"]
    if extra["what"] == "cotangent":
        feed[extra["name"]], asked = one_hot(extra["shape"], record["score"]["class_axis"])
    else:
        feed[extra["name"]] = np.array([-1])
    found = dict(zip(["map", "logits"], session.run(["cam_map", "cam_logits"], feed), strict=True))

    backend = OnnxBackend(model)
    facts = known(model if isinstance(model, Path) else tmp_path / "none.onnx", backend)
    assert facts.preprocess is not None
    assert facts.input is not None
    x = preprocess(photo(), spec or facts.preprocess, facts.input).x
    expected = explain(backend, x, asked)
    np.testing.assert_array_equal(feed[first["name"]], x)
    # the file's map and NumPy's are sums in another order
    np.testing.assert_allclose(found["map"], expected.map, rtol=0, atol=1e-5 * expected.map.max())
    assert expected.map.max() > 0
    np.testing.assert_allclose(found["logits"], backend.look(x, layers=()).score, rtol=1e-5)

    assert record["version"] == VERSION
    assert record["heads"][0]["numbers"] == row.numbers
    assert record["score"]["probability"] == row.probability
    assert first["picture"]["layout"] == row.layout
    by_its_own_file = name == "the demo's classifier"
    assert first["picture"]["stated"] == (spec is not None or by_its_own_file)


def test_the_boxes_of_a_detector_are_read_by_the_record() -> None:
    """YOLOX: centre (cell + xy) stride, size exp(wh) stride, cell after cell of each map."""
    path = model_of(ROWS["a detector, letterboxed"])
    record, backend = record_of(path), OnnxBackend(path)
    boxes, picture = record["heads"][0]["boxes"], record["inputs"][0]["picture"]
    x = fed(photo(), picture, "float32")
    (output,) = (backend.forward(x)[name] for name in [boxes["output"]])
    numbers = np.moveaxis(output[0], boxes["axis"] - 1, -1)[:, boxes["start"] :][:, :4]
    cells = [
        (column, row, level["stride"])
        for level in record["boxes"]["grid"]
        for row in range(level["rows"])
        for column in range(level["columns"])
    ]
    assert boxes["written"] == "offsets"
    assert len(cells) == len(numbers) == 3549
    for anchor in (0, 53, 2704, 3548):
        (column, row, stride), (dx, dy, w, h) = cells[anchor], numbers[anchor].tolist()
        middle, half = ((column + dx) * stride, (row + dy) * stride), np.exp([w, h]) * stride / 2
        expected = [
            middle[0] - half[0],
            middle[1] - half[1],
            middle[0] + half[0],
            middle[1] + half[1],
        ]
        found = explain(backend, x, f"2@anchor:{anchor}").detail[0]["box"]["corners"]
        np.testing.assert_allclose(found, expected, atol=0.01)  # told to two places


def test_what_is_said_of_the_outputs() -> None:
    record = record_of(
        labelled(), target=["top:1", 2], outputs=["map", "alpha", "noise_floor", "score", "logits"]
    )
    said = {one["name"]: (one["axes"], one["shape"]) for one in record["outputs"]}
    assert said == {
        "cam_map": (["rows", "targets", "places", "places"], [None, 2, 24, 16]),
        "cam_alpha": (["rows", "targets", "channels"], [None, 2, 8]),
        "cam_noise_floor": (["rows", "targets"], [None, 2]),
        "cam_score": (["rows", "targets"], [None, 2]),
        "cam_logits": ([], [None, 4]),
    }
    assert record["map"]["targets"] == 2
    assert record["diagnosis"]["noise"] == "cam_noise_floor"
    assert record["outputs"][0]["region"]["axes"] == [2, 3]
    assert record["given"] == []


@pytest.mark.parametrize(("fuse", "method", "maximum"), [
    (None, "gradcam", "raw"), ("mean", "gradcam", "relative"), (None, "gradient", "raw"),
])  # fmt: skip
def test_what_the_maximum_of_the_map_is(fuse: str | None, method: str, maximum: str) -> None:
    layers = (
        ["neck_fine", "neck_coarse"] if fuse else ["neck_fine"] if method == "gradcam" else None
    )
    record = record_of(two_scales("1"), layer=layers, fuse=fuse, method=method, target="0@anchor:3")
    assert record["map"]["maximum"] == maximum


def test_the_scales_of_a_detector_are_one_map_without_a_unit() -> None:
    record = record_of(two_scales("1"), target="0@anchor:3")
    assert record["map"]["maximum"] == "relative"
    assert [(level["rows"], level["stride"]) for level in record["boxes"]["grid"]] == [
        (8, 4),
        (4, 8),
    ]


def test_what_fits_no_photo_is_no_picture() -> None:
    assert record_of(labelled(), preprocess={"size": 31})["inputs"][0]["picture"] is None
    assert record_of(labelled(), preprocess={"unheard": 1})["inputs"][0]["picture"] is None
