"""A classifier whose unit 3 sees red and unit 0 blue, and folders of photos with such patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from PIL import Image

COLOURS = ("blue", "green", "red")
UNITS = np.array([[-1, -1, 1], [1, 1, 1], [-1, 1, -1], [1, -1, -1], [0.1, 0.1, 0.1]], np.float32)
"""[K, RGB]: blue, light, green, red, and what sees everything a little."""
HEAD = np.array([[0, 0, 0, 2, 0.5], [1, -1, 0, 0, 0.1], [0, 0, 1, -2, 0]], np.float32)
"""[C, K]; class 0 is red, class 1 blue but not light, class 2 green and not red."""
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 32, 32] x) => (float[N, 3] y) {
    p = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(x)
    c = Conv(p, units)
    a = Relu(c)
    g = GlobalAveragePool(a)
    f = Flatten(g)
    y = Gemm<transB = 1>(f, head)
}"""


def write_model(path: Path) -> Path:
    model = onnx.parser.parse_model(TEXT)
    for name, value in {"units": UNITS[:, :, None, None], "head": HEAD}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    path.write_bytes(model.SerializeToString())
    return path


def photo(rng: np.random.Generator, colour: int, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """A dark photo [64, 64, 3] with a square of blue (0), green or red, and where it is."""
    pixels = rng.integers(0, 30, (64, 64, 3)).astype(np.uint8)
    y, x = 2 * rng.integers(0, (64 - side) // 2, 2)  # whole cells, so that no edge is half lit
    mask = np.zeros((64, 64), bool)
    mask[y : y + side, x : x + side] = True
    pixels[mask] = 0
    pixels[mask, 2 - colour] = 255
    return pixels, mask


def write_folders(root: Path, rng: np.random.Generator, count: int = 4) -> tuple[Path, Path]:
    """Photos without masks in `photos`, and in `concepts` a folder a colour with masks."""
    photos, concepts = root / "photos", root / "concepts"
    photos.mkdir()
    for c, name in enumerate(COLOURS):
        (concepts / name).mkdir(parents=True)
        Image.fromarray(photo(rng, c)[0]).save(photos / f"{name}.png")
        for i in range(count):
            pixels, mask = photo(rng, c)
            Image.fromarray(pixels).save(concepts / name / f"{i}.png")
            Image.fromarray(mask).save(concepts / name / f"{i}.mask.png")
    return photos, concepts
