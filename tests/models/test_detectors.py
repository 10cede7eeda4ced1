"""Detectors of every format are read without flags: the box, its number and the derivative of that.

Boxes come from the original's outputs, decoded here as loops by what each format's own tools do;
derivatives from torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from math import exp, sqrt
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend, instrument  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.captures import pulled  # noqa: E402
from cam_core.errors import ModelError, TargetError  # noqa: E402
from cam_core.explain import explain_all  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import decoded, faces, queries  # noqa: E402
from tests.models import detectors as nets  # noqa: E402
from tests.models.detectors import SIDE, STRIDES, K  # noqa: E402
from tests.paths import ROOT  # noqa: E402
from tests.sessions import run  # noqa: E402

Decode = Callable[[Sequence[Any]], decoded.Found]
Number = Callable[[Sequence[Any], int, int], Any]
"""(the original's outputs, anchor, class) -> Y"""


def logit(p: Any) -> Any:
    return torch.log(p / (1 - p))


def flat_maps(maps: Sequence[Any]) -> Any:
    return torch.cat([m.flatten(2) for m in maps], 2)


def flat_anchors(each: Any) -> Any:
    """[N, A, M] of maps [N, n, h, w, M]."""
    return torch.cat([m.flatten(1, 3) for m in each], 1)


def as_anchors(m: Any) -> Any:
    """[N, 3, h, w, M] of [N, 3 M, h, w]."""
    return m.unflatten(1, (3, -1)).permute(0, 1, 3, 4, 2)


class Row(NamedTuple):
    """A format."""

    net: Callable[[], Any]
    outputs: Sequence[str]
    """Their names; none: the exporter's numbers."""
    decode: Decode
    number: Number
    probability: Callable[[float], float] | None = exp
    """Of Y; None: of all the classes together."""
    ends: int = len(STRIDES)
    """Default layers."""


def sigmoid(y: float) -> float:
    return 1 / (1 + exp(-y))


SCALES = ("4", "8")
TRIPLE = [f"{name}_{s}" for name in ("score", "bbox", "kps") for s in SCALES]
FOUR = [f"{name}_{s}" for name in ("cls", "obj", "bbox", "kps") for s in SCALES]
DETECTION = ["detection_boxes", "detection_classes", "detection_scores", "num_detections"]
RAW = Row(nets.Ultralytics, ["output0"], decoded.channels_first,
          lambda o, a, c: logit(o[0][0, 4 + c, a]), sigmoid)  # fmt: skip
ROWS: dict[str, Row] = {
    "YOLOv8, 11, 12 raw": RAW,
    "YOLO -seg, -pose": RAW._replace(net=lambda: nets.Ultralytics(6)),
    "YOLO -obb": RAW._replace(
        net=lambda: nets.Ultralytics(1), decode=lambda o: decoded.channels_first(o, angle=True)
    ),
    "YOLOv5, 7": Row(
        nets.Joined, ["output"], decoded.joined,
        lambda o, a, c: torch.log(o[0][0, a, 4]) + torch.log(o[0][0, a, 5 + c]),
    ),
    "YOLOv4": Row(
        nets.Multiplied, ["boxes", "confs"], decoded.multiplied,
        lambda o, a, c: torch.log(o[1][0, a, c]),
    ),
    "YOLOv5, 7 without grid": Row(
        nets.Undecoded, (), decoded.undecoded,
        lambda o, a, c: torch.log(torch.sigmoid(flat_anchors(o)[0, a, [4, 5 + c]])).sum(),
    ),
    "the same as maps": Row(
        nets.UndecodedMaps, (), lambda o: decoded.undecoded(o, applied=True),
        lambda o, a, c: torch.log(flat_anchors(map(as_anchors, o))[0, a, [4, 5 + c]]).sum(),
    ),
    "YOLOv3 without grid": Row(
        nets.Darknet, (), decoded.darknet,
        lambda o, a, c: torch.log(
            torch.sigmoid(flat_anchors(map(as_anchors, o))[0, a, [4, 5 + c]])
        ).sum(),
    ),
    "YOLOv10, 26": Row(
        nets.EndToEnd, ["output0"], decoded.first_row, lambda o, a, c: torch.log(o[0][0, a, 4])
    ),
    "YOLO26 -obb": Row(
        nets.TurnedEndToEnd, ["output0"], decoded.turned_row,
        lambda o, a, c: torch.log(o[0][0, a, 4])
    ),
    "Ultralytics nms=True": Row(
        nets.Suppressed, ["output0"], decoded.first_row, lambda o, a, c: torch.log(o[0][0, a, 4])
    ),
    "RT-DETR, D-FINE": Row(
        nets.Transformerlike, ["labels", "boxes", "scores"], decoded.labels_first,
        lambda o, a, c: torch.log(o[2][0, a]),
    ),
    "TensorFlow SSD": Row(
        nets.TensorFlow, DETECTION, decoded.tensorflow, lambda o, a, c: torch.log(o[2][0, a])
    ),
    "YOLOv7 --end2end": Row(
        nets.Numbered, ["output"], decoded.numbered, lambda o, a, c: torch.log(o[0][a, 6])
    ),
    "mmdeploy": Row(
        nets.Deployed, ["dets", "labels"], decoded.deployed,
        lambda o, a, c: torch.log(o[0][0, a, 4])
    ),
    "DeepStream": Row(
        nets.DeepStream, ["boxes", "scores", "classes"], decoded.deepstream,
        lambda o, a, c: torch.log(o[1][0, a, 0]),
    ),
    "torchvision": Row(
        nets.Unbatched, ["boxes", "labels", "scores"], decoded.unbatched,
        lambda o, a, c: torch.log(o[2][a]),
    ),
    "SCRFD": Row(
        nets.SCRFD, TRIPLE, decoded.scrfd,
        lambda o, a, c: logit(torch.cat(list(o[:2]), 1)[0, a, 0]), sigmoid,
    ),
    "SCRFD without rows": Row(
        nets.OldSCRFD, (), decoded.scrfd,
        lambda o, a, c: logit(torch.cat(list(o[:2]), 0)[a, 0]), sigmoid,
    ),
    "YuNet": Row(
        nets.YuNet, FOUR, decoded.yunet,
        lambda o, a, c: sum(torch.log(torch.cat(list(p), 1)[0, a, 0]) for p in (o[:2], o[2:4])) / 2,
    ),
    "RKNN": Row(
        nets.Split, (), decoded.split,
        lambda o, a, c: logit(flat_maps(o[1::3])[0, c, a]), sigmoid,
    ),
    "BlazeFace": Row(
        nets.BlazeFace, ["regressors", "classificators"], decoded.blazeface,
        lambda o, a, c: o[1][0, a, 0], None,
    ),
    "RetinaFace": Row(
        faces.RetinaFace, ["loc", "conf", "landms"], faces.face,
        lambda o, a, c: torch.log(o[1][0, a, c]) - torch.log(o[1][0, a, 0]), sigmoid, ends=3,
    ),
    "DETR": Row(
        queries.DETR, ["logits", "pred_boxes"], lambda o: decoded.queries(o, none=True),
        lambda o, a, c: o[0][0, a, c] - o[0][0, a, K], None, ends=1,
    ),
    "Deformable DETR": Row(
        queries.Deformable, ["logits", "pred_boxes"], decoded.queries,
        lambda o, a, c: o[0][0, a, c], sigmoid, ends=1,
    ),
    "Grounding DINO": Row(
        queries.Grounding, ["logits", "pred_boxes"], decoded.queries, lambda o, a, c: o[0][0, a, c],
        sigmoid, ends=1,
    ),
    "RF-DETR": Row(
        queries.RFDETR, ["dets", "labels"], lambda o: decoded.queries(o, first=1),
        lambda o, a, c: o[1][0, a, c], sigmoid, ends=1,
    ),
}  # fmt: skip


PARTS = {"edge:left@box:0", "mask@box:0", "keypoint:0x@box:0"}
"""Those of a box; the keypoints of -pose have probabilities, too."""


class Read(NamedTuple):
    backend: OnnxBackend
    row: Row
    net: Any
    x: Any
    extra: dict[str, np.ndarray]

    @property
    def given(self) -> Any:
        """The inputs."""
        return self.x if not self.extra else {"images": self.x, **self.extra}

    def original(self, kind: Any) -> Sequence[Any]:
        """What the original gives, in float32 or float64."""
        self.net.maps = []  # those of the last time
        net = deepcopy(self.net).to(kind)
        extra = [torch.from_numpy(value) for value in self.extra.values()]
        found = net(torch.from_numpy(self.x).to(kind), *extra)
        self.net.maps = net.maps
        return found if isinstance(found, tuple) else (found,)

    def best(self) -> decoded.Found:
        """Its best box."""
        with torch.no_grad():
            return self.row.decode(self.original(torch.float32))


@pytest.fixture(scope="module", params=ROWS)
def read(request) -> Read:
    row = ROWS[request.param]
    net = row.net().eval()
    x = np.random.default_rng(5).random((1, 3, SIDE, SIDE), np.float32)
    extra = {}
    if isinstance(net, nets.Transformerlike):
        extra = {"orig_target_sizes": np.array([[SIDE, SIDE]], np.int64)}
    if isinstance(net, queries.Grounding):
        words = np.array([[1, 5, 7, 2, 9, 2, 0]], np.int64)
        extra = {"input_ids": words, "attention_mask": np.minimum(words, 1)}
    inputs = (torch.from_numpy(x), *(torch.from_numpy(value) for value in extra.values()))
    model = nets.export(net, inputs, ["images", *extra], row.outputs)
    net.maps = []  # those that were traced
    for key, value in getattr(net, "metadata", {}).items():
        model.metadata_props.add(key=key, value=value)
    return Read(OnnxBackend(model), row, net, x, extra)


def test_the_best_box_is_the_originals(read: Read) -> None:
    """Nothing said: what it is, where it is, how probable it is."""
    assert read.backend.heads()[0].asked == "boxes"
    found = explain_all(read.backend, read.given, [None, "box:0"], ["hirescam"])
    index, anchor, corners = read.best()
    for one in found:
        box = one.detail[0]["box"]
        assert (box["class"], box["anchor"]) == (index, anchor)
        np.testing.assert_allclose(box["corners"], corners, atol=0.02)  # told to 0.01 pixels
        if read.row.probability is not None:
            likely = read.row.probability(float(one.score[0]))
            assert box["probability"] == pytest.approx(likely)


def test_the_number_and_its_derivative_are_torchs(read: Read) -> None:
    """At both ends of the neck, which are the default layers."""
    (found,) = explain_all(read.backend, read.given, ["box:0"], ["hirescam"])
    box = found.detail[0]["box"]
    Y = read.row.number(read.original(torch.float64), box["anchor"], box["class"])
    assert float(found.score[0]) == pytest.approx(float(Y.detach()), rel=1e-5)
    gradients = torch.autograd.grad(Y, read.net.maps)
    look = read.backend.look(read.given)
    (target,) = parse_target("box:0")[0].found_in(seen_by(read.backend, read.given, look))
    captured = pulled(look, target)
    assert len(captured) == read.row.ends
    for got, A, expected in zip(captured, read.net.maps, gradients, strict=True):
        scale = float(expected.abs().max())
        np.testing.assert_allclose(got.activations, as_map(A.detach()), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got.gradients, as_map(expected), rtol=1e-4, atol=1e-4 * scale)


def test_a_file_takes_the_anchor_by_its_number(read: Read) -> None:
    """The same number in an instrumented file, and the original outputs as they were."""
    (found,) = explain_all(read.backend, read.given, ["box:0"], ["hirescam"])
    (target,) = parse_target("box:0")[0].found_in(
        seen_by(read.backend, read.given, read.backend.look(read.given))
    )
    asked = f"{target.index[0]}@anchor:{target.anchor[0]}"
    source = read.backend.analysis.model
    if not isinstance(read.backend.analysis.score.tensor.shape[1], int):
        with pytest.raises(TargetError, match=r"the anchors of a score .* have no number"):
            instrument(source, target=asked)
        return
    made = instrument(source, target=asked, outputs=["map", "score"])
    feed = {"images": read.x, **read.extra}
    inside, before = run(made, **feed), run(source, **feed)
    background = 0.0
    if target.background is not None and read.backend.heads()[0].boxes.unsure:
        background = before["logits"][0, target.anchor[0], target.background]
    assert float(inside["cam_score"][0]) == pytest.approx(
        float(found.score[0]) + background, rel=1e-5
    )
    for name, value in before.items():
        np.testing.assert_allclose(inside[name], value, rtol=1e-4, atol=1e-5)  # attention: fused


def test_what_is_listed_can_be_asked(read: Read) -> None:
    listed = require_all(read.backend, read.given)
    assert {"box:0", "-box:0"} <= listed
    assert ("1@anchor:0" if isinstance(read.net, faces.RetinaFace) else "0@anchor:0") in listed
    for part in PARTS - {text.replace(":0@", ":0x@") for text in listed}:
        with pytest.raises(TargetError, match=r"has no .*ask for box:0"):
            explain_all(read.backend, read.given, [part], ["hirescam"])


def as_map(values: Any) -> Any:
    """[N, C, h, w] of tokens [N, h w, C]."""
    if values.ndim == 4:
        return values
    side = int(sqrt(values.shape[1]))
    return values.transpose(1, 2).reshape(len(values), -1, side, side)


def test_padding_is_refused_in_one_line() -> None:
    """Nothing was found: all rows are zeros, or there is none."""
    for kind in (nets.Suppressed, nets.Unbatched):
        net = kind().eval()
        for head in net.scores.each:
            head[-1].bias.data -= 30
        x = torch.rand(1, 3, SIDE, SIDE)
        backend = OnnxBackend(nets.export(net, (x,), ["images"], ()))
        for asked in (None, "box:0", "2"):
            with pytest.raises(
                TargetError, match="the file keeps no box here, all its rows are padding"
            ):
                explain_all(backend, x.numpy(), [asked], ["hirescam"])


def test_a_class_that_is_not_among_the_selected(read: Read) -> None:
    """Its anchors are gone: said so, with what to ask instead."""
    boxes = read.backend.heads()[0].boxes
    if boxes is None or boxes.own is None or boxes.gridded:
        pytest.skip("the file selects nothing")
    with pytest.raises(TargetError, match=r"no 'class 77' among the \d+ boxes that the file"):
        explain_all(read.backend, read.given, ["77"], ["hirescam"])


PLUGIN = "node 'nms' .TRT:EfficientNMS_TRT. selects the boxes and has no derivative: name the sc"


def test_a_plugin_that_selects_is_named() -> None:
    """YOLOv7's --end2end for TensorRT: num_dets, det_boxes, det_scores, det_classes."""
    net = nets.DeepStream().eval()
    model = nets.export(net, (torch.rand(1, 3, SIDE, SIDE),), ["images"], ["b", "s", "c"])
    kinds = [("num_dets", 6, [1, 1]), ("det_boxes", 1, [1, 20, 4]),
             ("det_scores", 1, [1, 20]), ("det_classes", 6, [1, 20])]  # fmt: skip
    names = [name for name, _, _ in kinds]
    node = onnx.helper.make_node("EfficientNMS_TRT", ["b", "s"], names, "nms", domain="TRT")
    model.graph.node.append(node)
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(*kind) for kind in kinds)
    model.opset_import.add(domain="TRT", version=1)
    with pytest.raises(ModelError, match=PLUGIN):
        OnnxBackend(model)
    assert OnnxBackend(model, score="s").score_name == "s"


def test_the_page_lists_every_format() -> None:
    text = (ROOT / "docs" / "targets.md").read_text()
    listed = [line.split("|")[1].strip() for line in text.split("\n") if line.count("|") == 4]
    assert set(ROWS) <= set(listed)
