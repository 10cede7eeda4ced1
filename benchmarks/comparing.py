"""What comparing two models costs, over the plain forward passes of both.

    python -m benchmarks.comparing [../shared/data] [--photos 64]

Processor seconds of this process (all its threads), photos prepared before: the plain forwards of
both models in batches of 16; the comparison without the sample that floor and ceiling are measured
on; and with it; of a float model against itself, opened twice, and against its int8 copy. The first
passes, which set up the models, are left out. A share is the median over the rounds of what it is
within a round, with its quartiles.
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


def photos(data: Path, count: int, info: Any) -> Any:
    """Those of the folder, mirrored and turned until there are as many, [N, C, H, W]."""
    pixels = [read(path) for path in sorted((data / "images").iterdir())]
    turned = [np.rot90(p, k)[:, ::m] for k in range(4) for m in (1, -1) for p in pixels][:count]
    made = [preprocess(np.ascontiguousarray(p), PRESETS["imagenet"], info).x for p in turned]
    return np.concatenate(made)


def seconds(works: Sequence[Callable[[], Any]], rounds: int = 15) -> Any:
    """Of each round and work [rounds, works], by turns: a shared machine is not always as fast."""
    found = np.zeros((rounds, len(works)))
    for taken in found:
        for i, work in enumerate(works):
            begun = time.process_time()
            work()
            taken[i] = time.process_time() - begun
    return found


def measure(a: Any, b: Any, x: Any) -> Any:
    """Seconds of the plain forwards of both, and of comparisons without and with the sample, by
    round.
    """
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
        plain, *compared = measure(a, open_backend(models / name), x).T
        said = f"{FLOAT} and {name}, {len(x)} photos"
        print(f"{said}, plain forwards of both: {np.median(plain):.2f} s")
        for sample, taken in zip((0, SAMPLE), compared, strict=True):
            low, share, high = np.quantile(plain / taken, [0.25, 0.5, 0.75])
            print(
                f"  compared, sample of {sample}: {np.median(taken):.2f} s, "
                f"the forwards are {share:.2f} ({low:.2f} to {high:.2f})"
            )


if __name__ == "__main__":
    main()
