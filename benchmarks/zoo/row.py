"""One model by one exporter: export it, then compare with torch.autograd."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cam_core.errors import CamError
from converters.torch import to_onnx

from .compare import Row, compare, one_line
from .models import AS_BUILT, build, calibrate, sizes


def measure(name: str, exporter: str, folder: Path) -> Row:
    """One row; an export that fails or a refusal is a result, not an exception."""
    row = Row(name, exporter)
    path = folder / f"{name.replace('/', '.')}.{exporter}.onnx"
    try:
        net, x = _export(row, path)
    except Exception as error:  # the exporters raise whatever they like
        row.reason = one_line(error)
        return row
    try:
        compare(row, net, x, path)
    except CamError as error:
        row.status, row.reason = "refused", one_line(error)
    except Exception as error:
        row.status, row.reason = "wrong", f"{type(error).__name__}: {one_line(error)}"
    return row


WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {}),
    ("opset 18, attention unfused", {"opset": 18}),
    ("fixed batch", {"dynamic_batch": False}),
)
"""How an export is tried, in this order: a note, and options of `to_onnx`."""


def _export(row: Row, path: Path) -> tuple[torch.nn.Module, Any]:
    """The model and its input [2, 3, H, W], the first way that its exporter takes.

    Raises:
        Exception: what the plain way at the model's own size raised.
    """
    net = build(row.name)
    row.parameters = sum(p.numel() for p in net.parameters())
    tried = list(sizes(row.name, net))
    failure: Exception | None = None
    for note, options in WAYS:
        for part in net.modules():
            if options and hasattr(part, "fused_attn"):  # timm's switch
                part.fused_attn = False  # type: ignore[assignment]
        for height, width in tried:
            rng = np.random.default_rng(height)
            x = rng.normal(size=(2, 3, height, width)).astype(np.float32)
            try:
                calibrate(net, torch.as_tensor(x))
                to_onnx(net, x, path, exporter=row.exporter, verify=False, **options)  # type: ignore[arg-type]
            except Exception as error:
                failure = error if not note else failure
                continue
            row.size, row.width, row.dynamic = height, width, note != "fixed batch"
            way = f"{note}: {one_line(failure)}" if failure is not None and note else ""
            row.note = "; ".join(part for part in (AS_BUILT.get(row.name), way) if part)
            return net, x
    assert failure is not None
    raise failure


def main(arguments: Sequence[str]) -> None:
    """Prints the row of MODEL EXPORTER FOLDER as JSON, on the last line."""
    torch.set_num_threads(2)
    name, exporter, folder = arguments
    print(json.dumps(asdict(measure(name, exporter, Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1:])
