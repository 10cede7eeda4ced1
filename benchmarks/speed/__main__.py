"""What an explanation costs, in units of the model's own forward pass, beside the peers.

python -m benchmarks.speed                         everything, and docs/performance.md
python -m benchmarks.speed --only vgg16 --only peers   some models, some parts; prints only
python -m benchmarks.speed model.onnx ...          your own models; prints only
python -m benchmarks.speed --only boxes yolo.onnx  five boxes of a detector
python -m benchmarks.speed --page                  docs/performance.md from the recorded rows
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from .boxes import boxes
from .cost import classes, default, gradients
from .folder import folder
from .growth import batch, depth, resolution
from .memory import memory
from .models import BY_KEY, DETECTORS, INT8, MODELS, Model
from .openvino import openvino
from .page import page, tables
from .peers import peers
from .row import Row, Setting, machine, read, reason, write
from .seconds import instrumenting, once
from .table import GRADIENT

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROWS, NOTES = HERE / "rows.jsonl", HERE / "notes.md"
PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "images" / "cost.png"
PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""torch's threads wait asleep; read when torch is first loaded."""
NEEDED = ("torch", "torchvision", "timm", "onnxscript")
"""To build and export the models of the table."""
FLOAT = tuple(key for key in BY_KEY if key != INT8)
PARTS = {
    "default": (default, tuple(BY_KEY)),
    "classes": (classes, FLOAT),
    "gradients": (gradients, tuple(GRADIENT)),
    "depth": (depth, ("resnet50",)),
    "batch": (batch, ("mobilenet_v2", "resnet50")),
    "resolution": (resolution, ("mobilenet_v2", "resnet50")),
    "folder": (folder, ("mobilenet_v2",)),
    "peers": (peers, FLOAT),
    "openvino": (openvino, FLOAT),
    "boxes": (boxes, tuple(model.key for model in DETECTORS)),
    "memory": (memory, tuple(BY_KEY)),
    "seconds": (instrumenting, ("resnet50", "vit_b_16")),
}
"""Name -> how it is measured, and the models of the table that it is measured on."""
OWN = ("default", "classes", "gradients", "memory", "seconds")
"""The parts that are measured on the user's own files."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line."""
    asked = _parser().parse_args(arguments)
    if asked.page:
        _publish()
        return
    _check(asked)
    os.environ |= {name: os.environ.get(name, value) for name, value in PASSIVE.items()}
    own = [Model(path.stem, path.stem, path=path) for path in asked.models]
    started = time.perf_counter()
    setting = Setting(asked.folder, asked.rounds, asked.threads, _say)
    rows = {row.key: row for row in measure(own, asked.only, setting)}
    _say("")
    print(tables(rows))
    print(f"\n{(time.perf_counter() - started) / 60:.0f} minutes")
    if not own and not asked.only:
        write(ROWS, machine(asked.threads, asked.rounds), rows)
        _publish()


def _parser() -> argparse.ArgumentParser:
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", type=Path, help="your own .onnx files")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=home / "gradcam-speed", help="of the models")
    parser.add_argument("--page", action="store_true", help="only write docs/performance.md")
    return parser


def _check(asked: argparse.Namespace) -> None:
    for path in asked.models:
        if not path.is_file():
            sys.exit(f"error: there is no file {path}")
    known = list(PARTS) if asked.models else [*PARTS, *BY_KEY, *(m.key for m in DETECTORS)]
    for name in asked.only:
        if name not in known:
            sys.exit(f"error: --only {name} is unknown: there are {', '.join(known)}")
    if asked.rounds < 1 or asked.threads < 1:
        sys.exit("error: --rounds and --threads are at least 1")
    for package in () if asked.models else NEEDED:
        if find_spec(package) is None:
            sys.exit(f'error: {package} is not installed: pip install ".[cpu,bench]"')


def measure(own: Sequence[Model], only: Sequence[str], setting: Setting) -> Iterator[Row]:
    """The rows of the chosen parts and models; all of them where none is named."""
    parts = [name for name in only if name in PARTS] or list(OWN if own else PARTS)
    every = [*MODELS, *DETECTORS]
    chosen = {m.key for m in every if m.key in only} or {m.key for m in every}
    for name in parts:
        part, keys = PARTS[name]
        for model in own or [m for m in every if m.key in keys and m.key in chosen]:
            told = _within(f"{name}, {model.name}", setting)
            told.say("preparing")
            try:
                yield from part(model, told)
            except Exception as error:  # the other figures are still worth having
                yield Row(name, model.key, name, note=reason(error))
        if name == "seconds" and not own and len(chosen) == len(every):
            yield from once(_within("seconds", setting))


def _within(where: str, setting: Setting) -> Setting:
    """The same, but its progress says where."""
    return replace(setting, say=lambda text: setting.say(f"{where}: {text}"))


def _say(text: str) -> None:
    """One line on a terminal, over the last one; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _publish() -> None:
    about, rows = read(ROWS)
    if not rows:
        sys.exit(f"error: {ROWS.name} has no rows: run without --page first")
    from .picture import draw

    notes = NOTES.read_text(encoding="utf-8") if NOTES.exists() else ""
    PAGE.write_text(page(about, rows, notes), encoding="utf-8")
    draw(rows, PICTURE)


if __name__ == "__main__":
    main()
