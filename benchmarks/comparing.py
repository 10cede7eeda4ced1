"""What comparing two models costs, over the plain forward passes of both.

    python -m benchmarks.comparing [../shared/data] [--photos 64]

Seconds of the processor (all threads of this process) and by the clock, photos prepared before: the
plain forwards of both models in batches of 16; the comparison without the sample that floor and
ceiling are measured on; and with it; of a float model against itself, opened twice, and against its
int8 copy. The first passes, which set up the models, are left out. A share is the median over the
rounds of what it is within a round, with its quartiles.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cam_core import open_backend
from cam_core.compare import compare
from cam_core.compare.run import BATCH, SAMPLE
from cam_core.image import PRESETS, preprocess, read

from .quantised import FLOAT, INT8

CLOCKS = "by the processor", "by the clock"


def photos(data: Path, count: int, info: Any) -> Any:
    """Those of the folder, mirrored and turned until there are as many, [N, C, H, W]."""
    pixels = [read(path) for path in sorted((data / "images").iterdir())]
    turned = [np.rot90(p, k)[:, ::m] for k in range(4) for m in (1, -1) for p in pixels][:count]
    made = [preprocess(np.ascontiguousarray(p), PRESETS["imagenet"], info).x for p in turned]
    return np.concatenate(made)


def seconds(works: Sequence[Callable[[], Any]], rounds: int = 15) -> Any:
    """Of the processor and by the clock [2, works, rounds], by turns: machines are not always as
    fast.
    """
    found = np.zeros((2, len(works), rounds))
    for i in range(rounds):
        for taken, work in zip(found.swapaxes(0, 1), works, strict=True):
            begun = now()
            work()
            taken[:, i] = now() - begun
    return found


def now() -> Any:
    """Both, in seconds."""
    return np.array([time.process_time(), time.perf_counter()])


def measure(a: Any, b: Any, x: Any) -> Any:
    """`seconds` of the plain forwards of both, and of comparisons without and with the sample."""
    parts = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
    compare(a, b, x[:BATCH], sample=2)  # sets up what runs the models
    layer = {"layer": a.look(x[:1]).layers[0], "layer_b": b.look(x[:1]).layers[0]}

    def forwards() -> None:
        for backend in (a, b):
            for part in parts:
                backend.forward(part)

    def compared(sample: int) -> None:
        compare(a, b, x, sample=sample, **layer)

    return seconds([forwards, partial(compared, 0), partial(compared, SAMPLE)])


def main() -> None:
    """Prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--photos", type=int, default=64)
    asked = parser.parse_args()
    models = asked.data / "models"
    a = open_backend(models / FLOAT)
    x = photos(asked.data, asked.photos, a.inputs()[0])
    for name in (FLOAT, INT8):
        taken = measure(a, open_backend(models / name), x)
        print(f"{FLOAT} and {name}, {len(x)} photos; plain forwards of both: {said(taken[:, 0])}")
        for sample, own in zip((0, SAMPLE), taken.swapaxes(0, 1)[1:], strict=True):
            print(f"  compared, sample of {sample}: {said(own)}")
            for clock, plain, compared in zip(CLOCKS, taken[:, 0], own, strict=True):
                low, share, high = np.quantile(plain / compared, [0.25, 0.5, 0.75])
                print(f"    {clock}, the forwards are {share:.2f} ({low:.2f} to {high:.2f})")


def said(taken: Any) -> str:
    """Medians over the rounds."""
    worked, passed = np.median(taken, axis=1)
    return f"{worked:.2f} s of the processor, {passed:.2f} s by the clock"


if __name__ == "__main__":
    main()
