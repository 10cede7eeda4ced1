"""What the training scripts share: layers, a schedule, and the way into an .onnx file."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from cam_core.image import PRESETS
from examples.demo.scenes import Scene

MAX_SIZE = 1_000_000
"""Bytes of a model that goes into the repository."""


def unit(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, padding: int | None = None
) -> nn.Sequential:
    """Convolution, batch norm, ReLU; as many places as before, or a `stride`-th."""
    inside = kernel // 2 if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, inside, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def begin() -> None:
    """One seed and one thread, so that a script makes the same file again."""
    torch.manual_seed(0)
    torch.set_num_threads(1)


def pictures(scenes: Sequence[Scene]) -> torch.Tensor:
    """uint8 [N, 3, H, W]."""
    return torch.from_numpy(np.stack([scene.pixels.transpose(2, 0, 1) for scene in scenes]))


def fit(
    net: nn.Module,
    count: int,
    loss: Callable[[torch.Tensor], torch.Tensor],
    *,
    epochs: int,
    rows: int = 64,
    rate: float = 4e-3,
) -> None:
    """AdamW under a one-cycle rate; `loss` takes the numbers of the scenes of a batch [rows]."""
    steps = count // rows
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    net.train()
    for epoch in range(epochs):
        total, begun = 0.0, time.perf_counter()
        for batch in torch.randperm(count)[: steps * rows].reshape(steps, rows):
            value = loss(batch)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += value.item()
        seconds = time.perf_counter() - begun
        print(f"epoch {epoch + 1:2}: loss {total / steps:.4f}, {seconds:.0f} s", flush=True)
    net.eval()


def export(
    net: nn.Module,
    given: Mapping[str, torch.Tensor],
    free: Mapping[str, Mapping[int, str]],
    output: str,
    path: Path,
    facts: Mapping[str, str],
) -> None:
    """The .onnx file with its metadata; `free`: the axes of inputs and output of any extent.

    By TorchScript: torch.export of 2.13 bakes the number of steps of an LSTM in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            kwargs=dict(given),
            f=str(path),
            input_names=list(given),
            output_names=[output],
            dynamic_axes={name: dict(axes) for name, axes in free.items()},
            opset_version=17,
            dynamo=False,
        )
    describe(path, facts)


def describe(path: Path, facts: Mapping[str, str]) -> None:
    """Metadata, and that the file is a good one and a small one."""
    model = onnx.load(path)
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    assert model.ByteSize() < MAX_SIZE
    onnx.save(model, path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def listed(words: Sequence[str]) -> str:
    """A list as JSON, for the metadata."""
    return json.dumps(list(words))


def unscaled() -> str:
    """For the metadata: the picture is pixels / 255."""
    return json.dumps(asdict(PRESETS["unit"]))
