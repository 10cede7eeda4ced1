"""A small audit whose numbers are known by hand, also in processes of their own to be killed.

python -m tests.core.audit.tiny PHOTOS OUT SECONDS   # a photo takes so long
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cam_core.audit.data import Item, open_data
from cam_core.audit.measure import Opened
from cam_core.audit.opening import Prepared
from cam_core.audit.plan import Plan, plan
from cam_core.audit.run import run
from cam_core.backend import InputInfo, Layer
from cam_core.image import Preprocess
from tests.core.linear import LABELS, Linear

SIZE = (8, 12)
INFO = InputInfo("x", ("N", 3, *SIZE), np.dtype(np.float32), channel_axis=1)
SPEC = Preprocess(scale=1 / 255, fit="stretch")
W = np.array([[1.0, -0.5, 0.2], [-0.3, 1.0, 0.1], [0.1, -0.2, 1.0]])
"""An ant is red, a bee green, a cat blue."""


@dataclass
class Tiny(Linear):
    """With what `compare` asks of a backend besides."""

    classes = 3
    score_name = "y"
    layer_note = provider = ""
    metadata: Any = None
    settings: Any = None

    def __post_init__(self) -> None:
        self.metadata, self.settings = {}, {"provider": "numpy"}

    def inputs(self) -> list[InputInfo]:
        return [INFO]

    def layers(self) -> list[Layer]:
        return [Layer("x", "Conv", ("N", 3, *SIZE), default=True)]

    def with_weights(self, change: Callable[[str, Any], Any]) -> Tiny:
        return Tiny(change("W", self.W))


def model(noise: float = 0.0) -> Any:
    """The model; with noise another build of it."""
    return Tiny(W + noise * np.random.default_rng(5).normal(size=W.shape))


def photos(folder: Path, count: int, broken: Sequence[int] = ()) -> Path:
    """Photos of one colour more or less, in folders of their class; some of them are no photo."""
    rng = np.random.default_rng(8)
    for i in range(count):
        label = i % 3
        pixels = rng.integers(0, 120, (*SIZE, 3))
        pixels[2:6, 3:9, label] += 130
        file = folder / LABELS[label] / f"{i:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        if i in broken:
            file.write_bytes(b"no photo at all")
        else:
            Image.fromarray(pixels.astype(np.uint8)).save(file)
    return folder


def tiny_plan(
    folder: str | Path, *, referenced: bool = True, seconds: float = 0.0, **how: Any
) -> Plan:
    """An audit of these photos; files of three rows."""
    opener = Prepared(INFO, SPEC)

    def slow(item: Item, index: int) -> Opened:
        time.sleep(seconds)
        return opener(item, index)

    known: dict[str, Any] = {"labels": (LABELS, LABELS), "bounds": 3}
    reference = model(0.01) if referenced else None
    found = plan(model(), reference, open_data(folder), opener, **{**known, **how})
    return replace(found, opener=slow, part=3, batch=2)


def serve(plan: Plan, out: Path) -> None:
    """A run in a process of its own for each line that comes in: its number, then how it ended."""
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            run(plan, out)
            os._exit(0)
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(number: int) -> None:
    """To who reads the process."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(tiny_plan(Path(sys.argv[1]), seconds=float(sys.argv[3])), Path(sys.argv[2]))
