"""What an explanation costs on a GPU, in units of the forward pass, beside the peers.

    python -m benchmarks.cuda [--models resnet50 vit_b_16 convnext_tiny] [--types float32 float16]
                              [--batches 1 32 256] [--rounds 25] [--device cuda]

onnxruntime's candidates take device memory and leave device memory: input, logits and map. `graph`
is the file of fixed shapes, replayed as a CUDA graph. The peers run the torch module with the same
weights, layer, class and pictures on the same device; their maps end in host memory, as they make
them. Every candidate runs in turn, in short blocks that end with the device idle; the ratios are
medians over the rounds. TF32 is allowed to both sides, and both search for the fastest convolution.
`off` is how far the first map is from that of the same file on the CPU (relative L2).
`--device cpu` tries the script out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from backends.onnx import Bound
from cam_core.errors import CamError

from ..speed.blocks import interleave, ratio, spread
from ..speed.models import BY_KEY, SIZE, Model
from ..speed.row import reason
from ..speed.sessions import picture
from .runs import candidates, on_cpu

MODELS = ("resnet50", "vit_b_16", "convnext_tiny")
TYPES = ("float32", "float16")
BATCHES = (1, 32, 256)
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
RATIOS = (
    ("explained", "plain"),
    ("graph explained", "graph"),
    ("graph explained", "plain"),
    ("explained", "torch"),
    ("pytorch-grad-cam", "plain"),
    ("pytorch-grad-cam", "torch"),
    ("captum", "plain"),
    ("captum", "torch"),
)
"""The columns: what is timed, in units of what."""
CHECKED = ("explained", "graph explained")
"""Whose map of the first picture is compared with the CPU's."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cuda",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", default=MODELS, choices=BY_KEY)
    parser.add_argument("--types", nargs="+", default=TYPES, choices=TYPES)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--size", type=int, default=SIZE, help="of the pictures")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--folder", type=Path, default=CACHE / "gradcam-speed", help="of the models"
    )
    asked = parser.parse_args(arguments)
    if asked.device == "cuda":
        require_cuda()
    print(about(asked.device))
    columns = [*(f"{a} / {b}" for a, b in RATIOS), *(f"{name} off" for name in CHECKED)]
    print(row(["model", "type", "batch", "plain ms", *columns]))
    print(row(["---"] * (4 + len(columns))))
    for key in asked.models:
        for kind in asked.types:
            for batch in asked.batches:
                found, notes = measure(BY_KEY[key], kind, batch, asked)
                print(row([BY_KEY[key].name, kind, str(batch), *found]), flush=True)
                for note in notes:
                    print(f"{key}, {kind}, {batch}: {note}", file=sys.stderr)


def require_cuda() -> None:
    """One line and the end where onnxruntime or torch has no GPU."""
    import torch

    text = "g (float[1] x) => (float[1] y) { y = Neg(x) }"
    probe = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> {text}')
    try:
        Bound(probe, providers=["cuda"])
    except CamError as error:
        sys.exit(f"no CUDA device here: {error}")
    if not torch.cuda.is_available():
        sys.exit(f"no CUDA device here: torch {torch.__version__} sees none")


def about(device: str) -> str:
    """The machine and the versions, in a line."""
    import onnxruntime
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    cuda = f", CUDA {torch.version.cuda}" if device == "cuda" else ""
    return f"{name}{cuda}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}\n"


def measure(model: Model, kind: str, batch: int, asked: Any) -> tuple[list[str], list[str]]:
    """The cells of one line, and why some are empty."""
    runs: dict[str, Callable[[], Any]] = {}
    notes: list[str] = []
    x = picture((batch, 3, asked.size, asked.size), kind)
    for name, make in candidates(model, kind, x, asked):
        try:
            runs[name] = make()
            runs[name]()
        except Exception as error:  # the others are still worth having: out of memory, float16
            runs.pop(name, None)
            notes.append(f"{name}: {reason(error)}")
    seconds = interleave(runs, asked.rounds)
    cells = [f"{1e3 * spread(seconds['plain']).median:.2f}"] if "plain" in seconds else ["-"]
    for name, unit in RATIOS:
        known = name in seconds and unit in seconds
        cells.append(f"{ratio(seconds, name, unit).median:.3f}" if known else "-")
    expected = on_cpu(model, kind, x[:1], asked)
    for name in CHECKED:
        maps = runs[name]() if name in runs else None
        cells.append("-" if maps is None else f"{off(maps['cam_map'].numpy()[:1], expected):.1e}")
    return cells, notes


def off(found: Any, expected: Any) -> float:
    """Relative L2."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def row(cells: Sequence[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
