"""CLIP as the usual tools export it, by both exporters: captions, their numbers and derivatives."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.captures import pulled  # noqa: E402
from cam_core.explain import explain_all  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import towers  # noqa: E402
from tests.models.towers import END, LONGEST, PATCH, SIDE, WIDE  # noqa: E402

GIVEN = ["input_ids", "pixel_values", "attention_mask"]
OUTPUTS = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
TEXTS = {0: "text_batch_size", 1: "sequence_length"}
OPEN = {
    "input_ids": TEXTS,
    "pixel_values": {0: "image_batch_size", 1: "num_channels", 2: "height", 3: "width"},
    "attention_mask": TEXTS,
    "logits_per_image": {0: "image_batch_size", 1: "text_batch_size"},
    "logits_per_text": {0: "text_batch_size", 1: "image_batch_size"},
    "text_embeds": {0: "text_batch_size"},
    "image_embeds": {0: "image_batch_size"},
}
"""As the usual tool leaves them open."""
CELLS = SIDE // PATCH


def fed(pictures: int, length: int) -> dict[str, np.ndarray]:
    """Three captions of several lengths, padded."""
    rng = np.random.default_rng(3)
    ids = rng.integers(1, END, (3, length))
    for row, stop in zip(ids, (length - 1, length // 2, 2), strict=True):
        row[stop], row[stop + 1 :] = END, 0
    x = rng.normal(size=(pictures, 3, SIDE, SIDE)).astype(np.float32)
    return dict(zip(GIVEN, (ids, x, (ids > 0).astype(np.int64)), strict=True))


def exported(net: Any, *, dynamo: bool) -> onnx.ModelProto:
    inputs = tuple(torch.from_numpy(value) for value in fed(2, LONGEST).values())
    open_ = {"dynamic_axes": OPEN}
    if dynamo:
        text, image = torch.export.Dim("text"), torch.export.Dim("image")
        open_ = {"dynamic_shapes": ({0: text}, {0: image}, {0: text}), "verbose": False}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what is old, and what is traced
        torch.onnx.export(
            net, inputs, file, dynamo=dynamo, input_names=GIVEN, output_names=OUTPUTS, **open_
        )
    return onnx.load_from_string(file.getvalue())


@pytest.fixture(scope="module", params=[False, True], ids=["older exporter", "newer exporter"])
def case(request: pytest.FixtureRequest) -> Any:
    """The net in float64, the model, and how long texts may be in it."""
    net = towers.Clip().eval()
    backend = OnnxBackend(exported(net, dynamo=request.param))
    return net.double(), backend, [LONGEST] if request.param else [LONGEST, 7]


def test_it_compares_pictures_with_captions(case: Any) -> None:
    """No flags: captions are no rows, each picture is given all of them."""
    _, backend, _ = case
    head = backend.heads()[0]
    assert (head.output, head.kind) == ("logits_per_image", "similarity")
    rows = {info.name: info.row_axis for info in backend.inputs()}
    assert rows == {"input_ids": None, "pixel_values": 0, "attention_mask": None}
    assert "caption:0" in require_all(backend, fed(1, LONGEST))


QUESTIONS = {
    "caption:2": lambda y: y[:, 2],
    "caption:2-0": lambda y: y[:, 2] - y[:, 0],
    "-caption:1": lambda y: -y[:, 1],
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_the_number_and_its_derivative_are_torchs(case: Any, asked: str) -> None:
    """At the first norm of the last block, whose class token no map has."""
    net, backend, lengths = case
    kept: list[Any] = []
    norm = net.picture.layers[-1].norm1
    hook = norm.register_forward_hook(lambda module, given, made: kept.append(made))
    for length in lengths:
        feed = fed(2, length)
        ids, x, mask = (torch.from_numpy(value) for value in feed.values())
        Y = QUESTIONS[asked](net(ids, x.double(), mask)[0])
        (G,) = torch.autograd.grad(Y.sum(), kept[-1])
        look = backend.look(feed)
        (target,) = parse_target(asked, head=backend.heads()[0], class_axis=backend.class_axis)
        np.testing.assert_allclose(target.score(look.score), Y.detach(), rtol=1e-4, atol=1e-5)
        (captured,) = pulled(look, target)
        expected = G[:, 1:].transpose(1, 2).reshape(2, WIDE, CELLS, CELLS).numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(captured.gradients, expected, atol=1e-4 * scale)
    hook.remove()


def test_several_captions_at_once(case: Any) -> None:
    net, backend, _ = case
    feed = fed(1, LONGEST)
    with torch.no_grad():
        y = net(*(torch.from_numpy(v) if k != GIVEN[1] else torch.from_numpy(v).double()
                  for k, v in feed.items()))[0]  # fmt: skip
    found = explain_all(backend, feed, ["caption:all"], ["hirescam"])
    assert [one.target for one in found] == ["caption:0", "caption:1", "caption:2"]
    np.testing.assert_allclose([one.score[0] for one in found], y[0], rtol=1e-4, atol=1e-5)
