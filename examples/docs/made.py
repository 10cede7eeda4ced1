"""What the pictures of targets are asked about: scenes, and models cut from our own."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import helper
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core.demo import MODEL, load_crowds, load_scenes
from examples.coloured import render, two_things
from examples.demo.scenes import Scene
from examples.heads.scenes import SIZE, known
from examples.parts.scenes import known as with_ends
from examples.reader.lines import line

EXAMPLES = Path(__file__).resolve().parents[1]
HEADS = EXAMPLES / "heads" / "heads.onnx"
POSE, MASKS = (EXAMPLES / "parts" / f"{name}.onnx" for name in ("pose", "masks"))
FRESH = 3_000_001
"""Seeds from here on were in no training."""
THREE, CAPTIONED, ENDS = 3000016, 3000316, 3000138
SHARING = 3000003, 3000005
"""Two scenes that have a red circle in common, and each another thing."""
MANY = 60
"""Scenes that the vector of a thing is the mean of."""
CAPTIONS = ("red circle", "blue square", "yellow triangle")
COMPARE = """<ir_version: 8, opset_import: ["" : 17]>
compare (float[N, 16] embedding, float[M, 16] text_embeds) => (float[N, M] logits) {
    length = ReduceL2<axes = [1]>(embedding) along = Div(embedding, length)
    texts = Transpose<perm = [1, 0]>(text_embeds) logits = MatMul(along, texts)
}"""


def make(folder: Path) -> None:
    """All files of the questions."""
    first, other = (known(seed, things=(2, 2)).scene for seed in SHARING)
    photos = {
        "scene": load_scenes()[0].pixels(),
        "crowd": load_crowds()[0].pixels(),
        "two": two().pixels,
        "three": three().pixels,
        "photo": first.pixels,
        "other": other.pixels,
        "captions": known(CAPTIONED, things=(3, 3)).scene.pixels,
        "line": line(FRESH, "HEAT").pixels,
        "ends": with_ends(ENDS, things=(2, 2), size=256).scene.pixels,
    }
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    Image.fromarray(half()).save(folder / "mask.png")
    write_models(folder)
    vectors = np.concatenate([vector(label) for label in CAPTIONS])
    np.save(folder / "captions.npy", vectors)
    np.save(folder / "circle.npy", vectors[:1])


def two() -> Scene:
    """A blue circle and a yellow triangle, as captions have it."""
    return render(FRESH, two_things(np.random.default_rng(FRESH)))


def three() -> Scene:
    """A yellow circle, a blue triangle and a green square."""
    return known(THREE, things=(3, 3)).scene


def half() -> NDArray[np.uint8]:
    """The left half of the square of `three`, as a mask."""
    left, top, right, bottom = (round(side) for side in box("square"))
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[top:bottom, left : (left + right) // 2] = 255
    return mask


def box(shape: str) -> tuple[float, float, float, float]:
    """Of the thing of that shape in `three`."""
    return next(t.box for t in three().things if t.label.endswith(shape))


def middle(shape: str) -> str:
    """The centre of the thing of that shape in `three`, as x,y."""
    left, top, right, bottom = box(shape)
    return f"{(left + right) / 2:.0f},{(top + bottom) / 2:.0f}"


def number(shape: str) -> int:
    """That of the pixel there, row after row."""
    x, y = map(int, middle(shape).split(","))
    return y * SIZE + x


def vector(label: str) -> NDArray[np.float32]:
    """The mean embedding of scenes with that thing alone [1, 16], of length 1."""
    scenes = (known(seed, things=(1, 1)).scene for seed in count(FRESH))
    alone = (s.pixels.transpose(2, 0, 1) for s in scenes if s.things[0].label == label)
    x = np.stack([next(alone) for _ in range(MANY)]).astype(np.float32) / 255
    found = OnnxBackend(HEADS).forward({"image": x})["embedding"]
    mean = (found / np.linalg.norm(found, axis=1, keepdims=True)).mean(axis=0, keepdims=True)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def write_models(folder: Path) -> None:
    """The classifier with its probabilities, the heads one by one, and files of chains."""
    classifier = onnx.load(str(MODEL))
    given = classifier.graph.output[0]
    classifier.graph.node.append(helper.make_node("Softmax", [given.name], ["p"], axis=1))
    classifier.graph.output[0].CopyFrom(given)
    classifier.graph.output[0].name = "p"
    onnx.save(classifier, folder / "classifier.onnx")
    cut = {"segmenter": "classes", "depth": "depth", "counter": "count", "embedder": "embedding"}
    for name, output in cut.items():
        extract(HEADS, folder / f"{name}.onnx", "image", output, labels=name == "segmenter")
    onnx.save(onnx.parser.parse_model(COMPARE), folder / "compare.onnx")
    whole = folder / "segmenter.onnx"
    features = features_of(onnx.load(whole))
    extract(whole, folder / "encoder.onnx", "image", features)
    extract(whole, folder / "decoder.onnx", features, "classes", labels=True)


def extract(source: Path, path: Path, start: str, end: str, *, labels: bool = False) -> None:
    """A part of a file, with what the file says of itself: of its classes where it has them."""
    onnx.utils.extract_model(source, path, [start], [end])
    model = onnx.load(path)
    kept = {p.key: p.value for p in onnx.load(source).metadata_props}
    if not labels:
        kept.pop("cam.labels", None)
    helper.set_model_props(model, kept)
    onnx.save(model, path)


def features_of(model: onnx.ModelProto) -> str:
    """What the last activation makes."""
    return next(node.output[0] for node in reversed(model.graph.node) if node.op_type == "Relu")
