"""What each method costs in forward passes of the model, and how the peers compare.

python -m benchmarks.methods                          all methods and peers, and docs/methods.md
python -m benchmarks.methods --only scorecam --only rise     some methods; prints only
python -m benchmarks.methods --model resnet18 --rounds 2     a quick look; prints only
python -m benchmarks.methods --page                   docs/methods.md from the recorded rows

Ours and the peers take turns on the same picture, the same weights and as many threads; a figure
is the median over the rounds of ratios within a round. --cpu counts what the processors worked, all
threads together, in place of the time that passed: where other programs run, that is what tells.
Methods of many passes run a part of them; the cost of all is that of a part times how many parts
there are. Each row is kept as it is measured: what broke off goes on where it was if it is
asked for alike, --anew begins again.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.speed.models import BY_KEY, Model
from benchmarks.speed.row import Row, machine, read, write

from .measure import Bench, Setting
from .table import page, table

MODELS = BY_KEY | {
    "resnet18": Model("resnet18", "ResNet-18", "resnet18", "torchscript", "layer4"),
}
HERE = Path(__file__).resolve().parent
ROWS, PAGE = HERE / "rows.jsonl", HERE.parents[1] / "docs" / "methods.md"
PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""torch's threads wait asleep; read when torch is first loaded."""
CNN, TOKENS = "resnet50", "deit_s"
"""Which the page has: all methods of a picture and of a layer, and those of attention."""


def plan(asked: argparse.Namespace) -> list[tuple[Model, str]]:
    """Which methods of which models."""
    from cam_core import METHODS

    methods = asked.only or list(METHODS)
    attentive = [name for name in methods if METHODS[name].at == "attention"]
    others = [name for name in methods if name not in attentive]
    on = {asked.model: methods} if asked.model else {CNN: others, TOKENS: attentive}
    return [(MODELS[key], name) for key, names in on.items() for name in names]


def measured(
    asked: argparse.Namespace, setting: Setting, known: dict[Any, Row]
) -> Iterator[list[Row]]:
    """The rows of one method after another, those that are known left out."""
    benches: dict[str, Bench] = {}
    todo = [(m, n) for m, n in plan(asked) if ("ours", m.key, n) not in known]
    with progress(len(todo)) as say:
        for model, method in todo:
            on = replace(setting, say=lambda text, n=method: say(f"{n}: {text}", 0))  # type: ignore[misc]
            if model.key not in benches:
                benches = {model.key: Bench(model, on)}
            benches[model.key].setting = on
            yield list(benches[model.key].rows(method))
            say(method, 1)


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """A bar on the error stream, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda text, step: bar.update(task, description=text, advance=step)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line."""
    asked = _asked(arguments)
    os.environ |= {name: os.environ.get(name, value) for name, value in PASSIVE.items()}
    clock = time.process_time if asked.cpu else time.perf_counter
    setting = Setting(asked.folder, asked.rounds, asked.passes, asked.threads, clock)
    about = machine(asked.threads, asked.rounds)
    about |= {"clock": "the processors' time" if asked.cpu else "the time that passed"}
    kept_about, known = read(ROWS)
    whole = not asked.only and not asked.model
    if asked.page:
        about = kept_about
    elif not whole or asked.anew or kept_about != about:
        known = {}
    for rows in () if asked.page else measured(asked, setting, dict(known)):
        known |= {row.key: row for row in rows}
        if whole:
            write(ROWS, about, known)
    made = table(about, known, {key: model.name for key, model in MODELS.items()})
    if whole:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(made)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.methods",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=[k for k in MODELS if k != "mobilenet_v2_int8"])
    parser.add_argument("--only", action="append", default=[], metavar="METHOD")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=8, help="of a method of many")
    parser.add_argument("--cpu", action="store_true", help="count the processors' seconds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--anew", action="store_true", help="forget the rows that are kept")
    parser.add_argument("--page", action="store_true", help="write the page, measure nothing")
    parser.add_argument("--folder", type=Path, default=home / "gradcam-speed", help="of the models")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
