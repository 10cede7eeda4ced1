"""What an explanation costs, in units of the model's own forward pass.

    python -m benchmarks.speed model.onnx [model.onnx ...] [--rounds 25] [--threads 2]

Plain, instrumented and gated files run in short blocks, in turn, in one process, so that whatever
else the machine does meets all of them; the ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from backends.onnx import instrument

TOP = np.array([-1])


def session(model: onnx.ModelProto, threads: int) -> ort.InferenceSession:
    """A CPU session whose threads do not spin: spinning ones slow the next session down."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def candidates(path: Path, threads: int) -> dict[str, tuple[ort.InferenceSession, dict[str, Any]]]:
    """Name -> (session, what it is fed beside the input)."""
    gated = session(instrument(path, gate=True), threads)
    return {
        "plain": (session(onnx.load(path), threads), {}),
        "cam_class": (session(instrument(path), threads), {"cam_class": TOP}),
        "top:1": (session(instrument(path, target="top:1"), threads), {}),
        "top:5": (session(instrument(path, target="top:5"), threads), {}),
        "gate open": (gated, {"cam_class": TOP, "cam_enable": np.array(True)}),
        "gate shut": (gated, {"cam_class": TOP, "cam_enable": np.array(False)}),
    }


def measure(path: Path, rounds: int, threads: int) -> dict[str, float]:
    """Median ratio of each candidate to the plain forward pass of the same round."""
    runs = candidates(path, threads)
    image = runs["plain"][0].get_inputs()[0]
    kind = np.float16 if image.type == "tensor(float16)" else np.float32
    shape = [d if isinstance(d, int) else 1 for d in image.shape]
    x = {image.name: np.random.default_rng(0).normal(size=shape).astype(kind)}
    block = max(1, round(0.03 / _seconds(runs["plain"][0], x, 3)))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 2):
        for name, (run, extra) in runs.items():
            times[name].append(_seconds(run, x | extra, block))
    plain = times["plain"]
    return {
        name: statistics.median(t / p for t, p in zip(found[2:], plain[2:], strict=True))
        for name, found in times.items()
    }


def _seconds(run: ort.InferenceSession, feed: dict[str, Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run.run(None, feed)
    return (time.perf_counter() - start) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    for i, path in enumerate(given.models):
        found = measure(path, given.rounds, given.threads)
        if not i:
            print(f"{'model':32}" + "".join(f"{name:>11}" for name in found))
        print(f"{path.stem:32}" + "".join(f"{ratio:11.3f}" for ratio in found.values()))


if __name__ == "__main__":
    main()
