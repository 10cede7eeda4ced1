"""Do a torch module and its export look at the same thing? A line for each model of the zoo.

    python -m benchmarks.zoo.focus [--exporter dynamo] [NAME...]

Weights are seeded, photos are blurred noise; `gradcam compare`'s verdict on 12 of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cam_core import open_backend
from cam_core.compare import Comparison, compare
from converters.torch import to_onnx

from .models import build, calibrate, sizes

PHOTOS, SAMPLE = 12, 3
"""How many, and how many noise and other classes are tried on."""
MEAN, STD = 0.45, 0.225
"""About what the models were trained to see."""


def photos(height: int, width: int) -> Any:
    """Blobs and grain [PHOTOS, 3, H, W]."""
    rng = np.random.default_rng(0)
    coarse = torch.as_tensor(rng.random((PHOTOS, 3, 8, 8), np.float32))
    blobs = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear").numpy()
    grain = 0.1 * rng.random(blobs.shape, np.float32)
    return ((blobs + grain - MEAN) / STD).astype(np.float32)


def compared(name: str, exporter: str, size: tuple[int, int], folder: Path) -> Comparison:
    """The module as A, its export as B."""
    net, x = build(name), photos(*size)
    calibrate(net, torch.as_tensor(x[:2]))
    path, _ = to_onnx(net, x[:2], folder / "net.onnx", exporter=exporter, verify=False)  # type: ignore[arg-type]
    return compare(open_backend(net, example=x[:1]), open_backend(path), x, sample=SAMPLE)


def row(name: str, exporter: str) -> str:
    """A line of the table; of the sizes the first that the exporter takes."""
    failed = ""
    for size in sizes(name, build(name)):
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = compared(name, exporter, size, Path(folder))
            except Exception as error:  # the exporters raise whatever they like
                failed = failed or f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
                continue
        (matched,) = found.sides.layers
        return f"| {name} | {size[0]}x{size[1]} | {matched.a} | {found.verdict.line} |"
    return f"| {name} | - | - | {failed} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["resnet18", "mobilenet_v3_small"])
    parser.add_argument("--exporter", default="torchscript")
    asked = parser.parse_args(arguments)
    print("| model | input | layer | verdict |\n| --- | --- | --- | --- |")
    for name in asked.names:
        print(row(name, asked.exporter), flush=True)


if __name__ == "__main__":
    main()
