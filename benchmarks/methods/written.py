"""What methods cost that a file makes itself, in forward passes of the plain model.

python -m benchmarks.methods.written vit.onnx rollout gradeclip legrad legrad:blocks=1 --rounds 21

The plain model runs twice, as `plain` and as `again`: what they differ by is the noise. Both the
time that passed and what the processor worked are told; on a busy machine the second counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.onnx import instrument
from benchmarks.speed.blocks import Run, interleave, ratio
from benchmarks.speed.sessions import runner, session


def candidates(path: Path, methods: Sequence[str], threads: int) -> dict[str, Run]:
    """The plain model twice, and the file of each method."""
    runs = {name: runner(session(path, threads)) for name in ("plain", "again")}
    for text in methods:
        own = session(instrument(path, method=text), threads)
        fed: Any = {given.name: np.array([-1]) for given in own.get_inputs()[1:]}
        runs[text] = runner(own, **fed)
    return runs


def main() -> None:
    """A line for each candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    runs = candidates(asked.model, asked.methods, asked.threads)
    for what, clock in (("passed", time.perf_counter), ("worked", time.process_time)):
        seconds = interleave(runs, asked.rounds, clock=clock)
        plain = sorted(seconds["plain"])[asked.rounds // 2]
        print(f"{asked.model.name}, time {what}, plain {1000 * plain:.2f} ms")
        for name in runs:
            found = ratio(seconds, name)
            print(f"  {name:<22} {found.median:.3f} ({found.low:.3f} to {found.high:.3f})")


if __name__ == "__main__":
    main()
