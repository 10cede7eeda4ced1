"""What each method costs in forward passes of the model, and how the peers compare.

python -m benchmarks.methods                          ResNet-50, all methods and peers
python -m benchmarks.methods --model resnet18 --rounds 2     a quick look
python -m benchmarks.methods --only scorecam --only rise     some methods

Candidates take turns on the same picture, the same weights and as many threads, and a figure is the
median over the rounds of ratios within a round: a busy machine slows both. On a very busy one --cpu
counts what the processors worked, all threads together, in place of the time that passed. Methods
of many passes run a part of them; the cost of all is that of a part times how many parts there are.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.blocks import Run, Spread, interleave, ratio
from benchmarks.speed.models import BY_KEY, Model, file, net
from benchmarks.speed.sessions import picture, runner, session

from .peers import CLASS, PEERS

MODELS = BY_KEY | {
    "resnet18": Model("resnet18", "ResNet-18", "resnet18", "torchscript", "layer4"),
}
PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""torch's threads wait asleep; read when torch is first loaded."""


@dataclass(frozen=True)
class Part:
    """Which part of a long method is run."""

    options: dict[str, Any]
    passes: int
    """Of the part."""
    whole: int
    """Of the method as it is by default."""


def parts(count: int, K: int) -> dict[str, Part]:
    """Of the methods of many passes, where a layer has K channels."""
    few = {"channels": count}
    return {
        "scorecam": Part(few, count, K),
        "fast-scorecam": Part({}, 10, 10),
        "sscam": Part({"channels": 1, "samples": count}, count, 35 * K),
        "iscam": Part({"channels": 1, "samples": count}, count, 10 * K),
        "rise": Part({"masks": count}, count, 4000),
    }


def measure(model: Model, only: Sequence[str], asked: argparse.Namespace) -> Iterator[str]:
    """A line of the table for each method, and for each peer."""
    from backends.onnx import OnnxBackend
    from cam_core import METHODS, explain

    path = file(model, asked.folder)
    backend = OnnxBackend(path)
    x = picture((1, 3, 224, 224))
    layer = model.module
    K = explain(backend, x, CLASS, "gradcam", layer=layer).alpha.shape[1]  # type: ignore[union-attr]
    runs: dict[str, Run] = {"plain": runner(session(path, asked.threads))}
    cut = parts(asked.passes, K)
    for name in only or METHODS:
        options = cut[name].options if name in cut else {}
        at = None if METHODS[name].at == "input" else layer

        def run(name: str = name, at: str | None = at, options: Any = options) -> object:
            return explain(backend, x, CLASS, name, layer=at, **options)

        runs[name] = run
    runs |= {f"peer {name}": one for name, one in _peers(model, only, x, asked)}
    clock = time.process_time if asked.cpu else time.perf_counter
    seconds = interleave(runs, asked.rounds, clock=clock, say=_say)
    plain = sorted(seconds["plain"])[asked.rounds // 2]
    yield f"{model.name}, layer {layer} of {K} channels; plain forward pass {1000 * plain:.0f} ms"
    for name in runs:
        if name in METHODS:
            share = cut[name].whole / cut[name].passes if name in cut else 1
            yield f"{name:<16} {_times(ratio(seconds, name), share)} forward passes"
    for name in (n for n in runs if n.startswith("peer ")):
        own = name.removeprefix("peer ")
        share = cut[own].passes / asked.passes if own in cut else K / asked.passes
        found = ratio(seconds, name, own)
        yield f"{own:<16} {_times(found, share)} times as fast as {PEERS[own][0]}"


def _peers(
    model: Model, only: Sequence[str], x: Any, asked: argparse.Namespace
) -> Iterator[tuple[str, Run]]:
    """One run of as many passes by each peer that is installed."""
    import torch

    torch.set_num_threads(asked.threads)
    for name in (n for n in PEERS if n in (only or PEERS)):
        try:
            module = net(model).eval()
            yield name, PEERS[name][1](module, model.module, torch.as_tensor(x), asked.passes)
        except ImportError as error:
            print(f"{name}: {error.name} is not installed", file=sys.stderr)


def _times(found: Spread, share: float) -> str:
    low, mid, high = (share * v for v in (found.low, found.median, found.high))
    return f"{mid:10.4g} ({low:.4g} to {high:.4g})"


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.methods",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=[k for k in MODELS if k != "mobilenet_v2_int8"])
    parser.add_argument("--only", action="append", default=[], metavar="METHOD")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=32, help="of a method of many")
    parser.add_argument("--cpu", action="store_true", help="count the processors' seconds")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=home / "gradcam-speed", help="of the models")
    asked = parser.parse_args(arguments)
    os.environ |= {name: os.environ.get(name, value) for name, value in PASSIVE.items()}
    for line in measure(MODELS[asked.model or "resnet50"], asked.only, asked):
        print(line, flush=True)


if __name__ == "__main__":
    main()
