"""Draws docs/images/reading.png: where heat lies when a file moves the picture inside itself.

    python -m examples.docs.draw_reading

Each network sums pixels with weights of one: its map can be hot nowhere but over the bright disc.
Beside it, the same numbers painted as they lie in the layer's tensor, stretched over the picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime as ort
from onnx import numpy_helper
from PIL import Image, ImageDraw

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from cam_core.image import overlay
from cam_core.image.page import font
from cam_core.maps import heatmap

OUT = Path(__file__).resolve().parents[2] / "docs" / "images" / "reading.png"
HIGH, WIDE, DISC = 96, 128, (30, 92, 13)
ENLARGED, GAP, LINE = 2, 14, 26
NUMBERS = "one = Constant<value = int64[1] {1}>() back = Constant<value = int64[1] {-1}>() "
FILES = {
    "cut out inside the file": NUMBERS
    + """a = Constant<value = int64[2] {0, 48}>() b = Constant<value = int64[2] {64, 128}>()
    d = Constant<value = int64[2] {2, 3}>() p = Slice(x, a, b, d)""",
    "padded inside the file": "q = Constant<value = int64[8] {0,0,48,0,0,0,48,0}>() p = Pad(x, q)",
    "walked through backwards": NUMBERS
    + """a = Constant<value = int64[1] {-1}>() b = Constant<value = int64[1] {-999}>()
    d = Constant<value = int64[1] {3}>() p = Slice(x, a, b, d, back)""",
    "laid on its side": "p = Transpose<perm = [0,1,3,2]>(x)",
}
"""What is said of a file -> how it moves the picture x to p."""


def net(body: str) -> onnx.ModelProto:
    """Pixels summed over cells of 16 x 16, then over all."""
    text = (
        f"{body} last = Conv<strides = [16,16]>(p, w) lit = Relu(last) g = GlobalAveragePool(lit)"
    )
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,{HIGH},{WIDE}] x) => '
        f"(float[1,2] y) {{ {text} f = Flatten(g) y = MatMul(f, v) }}"
    )
    for name, shape in (("w", (2, 1, 16, 16)), ("v", (2, 2))):
        value = np.ones(shape, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def scene() -> Any:
    """A disc on a dark ground, float [H, W] in [0, 1]."""
    rows, columns = np.mgrid[:HIGH, :WIDE]
    y, x, radius = DISC
    inside = np.hypot(rows - y, columns - x) <= radius
    return np.where(inside, 1.0, 0.0)


def panel(heat: Any, picture: Any) -> Image.Image:
    """A heatmap over the picture, enlarged; the picture alone where there is no heat."""
    painted = overlay(picture, heat) if heat.any() else picture
    size = (WIDE * ENLARGED, HIGH * ENLARGED)
    return Image.fromarray(painted).resize(size, Image.Resampling.BICUBIC)


def main() -> None:
    """Rows of three: the picture, as it lies in the tensor, and over what it descends from."""
    disc = scene()
    ground = (40 + 60 * np.mgrid[:HIGH, :WIDE][1] / WIDE).astype(np.uint8)
    picture = np.repeat(np.where(disc > 0, 250, ground)[..., None], 3, axis=2).astype(np.uint8)
    wide, high = WIDE * ENLARGED, HIGH * ENLARGED
    size = (3 * wide + 4 * GAP, len(FILES) * (high + LINE + GAP) + LINE + GAP)
    page = Image.new("RGB", size, "white")
    draw, small = ImageDraw.Draw(page), font("DejaVuSans.ttf", 15)
    heads = ("the picture", "as the tensor lies", "over what it descends from")
    for column, words in enumerate(heads):
        draw.text((GAP + column * (wide + GAP), 8), words, font=small, fill=(28, 30, 34))
    for row, (words, body) in enumerate(FILES.items()):
        model, x = net(body), disc[None, None].astype(np.float32)
        found = explain(OnnxBackend(model, layer="lit"), x, target=0)
        size = (HIGH, WIDE)
        heats = (np.zeros(size), heatmap(as_it_lies(model, x), size)[0], found.heatmap(size)[0])
        top = LINE + row * (high + LINE + GAP)
        for column, heat in enumerate(heats):
            page.paste(panel(heat, picture), (GAP + column * (wide + GAP), top + LINE))
        draw.text((GAP, top + 6), words, font=small, fill=(104, 109, 117))
    page.save(OUT, optimize=True)


def as_it_lies(model: onnx.ModelProto, x: Any) -> Any:
    """The layer's own numbers [1, h, w], summed over channels, in the tensor's order."""
    file = instrument(model, layer="lit", target=0, outputs=("activations",))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(file.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(["cam_activations"], {"x": x})[0].sum(1)


if __name__ == "__main__":
    main()
