"""One method at a time: its passes counted, its cost and that of its peers, in the same rounds."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.blocks import Run, Seconds, Spread, ratio, silent, spread
from benchmarks.speed.models import Model, file, net
from benchmarks.speed.row import Row, reason
from benchmarks.speed.sessions import picture, runner, session

from .parts import Part, parts
from .peers import CLASS, PEERS, Asked

BLOCK, MOST = 0.5, 5
"""Seconds that a candidate has in a round; no more runs than that."""


@dataclass(frozen=True)
class Setting:
    """How to measure."""

    folder: Path
    """Where the models are kept."""
    rounds: int = 3
    passes: int = 8
    """That are run of a method of many."""
    threads: int = 1
    clock: Callable[[], float] = time.perf_counter
    say: Callable[[str], None] = silent


class Bench:
    """One model on both sides: the file opened once, the torch module when a peer asks for it."""

    def __init__(self, model: Model, setting: Setting) -> None:
        from backends.onnx import OnnxBackend
        from cam_core import explain

        path = file(model, setting.folder)
        self.model, self.setting = model, setting
        self.x = picture((1, 3, 224, 224))
        self.backend = OnnxBackend(path, threads=setting.threads)
        self.plain = runner(session(path, setting.threads))
        found = explain(self.backend, self.x, CLASS, "gradcam", layer=model.module)
        assert found.alpha is not None
        self.channels = int(found.alpha.shape[1])
        self.parts = parts(setting.passes, self.channels)
        self._module: Any = None

    def rows(self, method: str) -> Iterator[Row]:
        """How many passes, the cost in forward passes, and what each peer takes in the same."""
        from cam_core.errors import CamError

        key = self.model.key
        try:
            yield Row("passes", key, method, note=self.passes(method))
        except CamError as error:
            yield Row("ours", key, method, note=reason(error))
            return
        runs: dict[str, Run] = {"plain": self.plain, "ours": lambda: self.explain(method)}
        taken, lacking = self._peers(method)
        runs |= {name: run for name, (run, _) in taken.items()}
        seconds = in_turn(runs, self.setting)
        part = self.parts.get(method)
        own = ratio(seconds, "ours")
        yield Row("ours", key, method, own if part is None else _each(own, part, first=1.0))
        for name, (_, passes) in taken.items():
            whole = part.whole if part else self.channels
            found = ratio(seconds, name)
            yield Row(name, key, method, _each(found, Part(passes, whole)) if passes else found)
        yield from (Row(name, key, method, note=why) for name, why in lacking.items())

    def explain(self, method: str, backend: Any = None) -> object:
        """One run of a method, or of the part of it that is run."""
        from cam_core import METHODS, explain

        part = self.parts.get(method)
        options = part.options if part else {}
        layer = self.model.module if METHODS[method].layered else None
        on = self.backend if backend is None else backend
        return explain(on, self.x, CLASS, method, layer=layer, **options)

    def passes(self, method: str) -> str:
        """As counted, of the whole method: `1 + 50 back`; tails are passes from the layer on."""
        from cam_core import METHODS
        from cam_core.ranking.cost import Counting, Passes

        found = Passes()
        self.explain(method, Counting(self.backend, found))
        if METHODS[method].at == "attention":
            return ""  # runs a model of its own, beside what is counted
        part = self.parts.get(method)
        forward, backward = (n if part is None else _whole(n, part) for n in _ways(found))
        told = f"{forward}"
        told += f" + {backward} back" if backward else ""
        return told + (f" + {found.tails} tails" if found.tails else "")

    def _peers(self, method: str) -> tuple[dict[str, tuple[Run, int]], dict[str, str]]:
        """Those that run, and why others do not."""
        taken, lacking = {}, {}
        for name, make in PEERS.get(method, {}).items():
            try:
                with redirect_stdout(StringIO()), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    run, passes = make(self._asked())
                    run()
                taken[name] = run, passes
            except Exception as error:  # theirs share no base class
                lacking[name] = reason(error)
        return taken, lacking

    def _asked(self) -> Asked:
        """A module without the hooks of other peers."""
        import copy

        import torch

        torch.set_num_threads(self.setting.threads)
        if self._module is None:
            self._module = net(self.model).eval()
        x = torch.as_tensor(self.x)
        return Asked(copy.deepcopy(self._module), self.model.module, x, self.setting.passes)


def in_turn(runs: Mapping[str, Run], setting: Setting) -> Seconds:
    """Each once a round, in an order drawn anew, after one round that does not count.

    What is short is run up to MOST times a round, of which the mean counts.
    """
    found: Seconds = {name: [] for name in runs}
    names, order, counts = list(runs), np.random.default_rng(0), dict.fromkeys(runs, 1)
    for number in range(-1, setting.rounds):
        setting.say(f"round {number + 1} of {setting.rounds}")
        for i in order.permutation(len(names)):
            name = names[i]
            taken = _seconds(runs[name], counts[name], setting.clock)
            if number >= 0:
                found[name].append(taken)
            else:
                counts[name] = int(np.clip(BLOCK / max(taken, 1e-6), 1, MOST))
    return found


def _seconds(run: Run, count: int, clock: Callable[[], float]) -> float:
    start = clock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(count):
            run()
    return (clock() - start) / count


def _each(found: Spread, part: Part, first: float = 0.0) -> Spread:
    return spread([part.all(v, first) for v in (found.low, found.median, found.high)])


def _ways(found: Any) -> tuple[int, int]:
    return found.forward, found.backward


def _whole(count: int, part: Part) -> int:
    """Of the whole method, where so many were counted of the part and its look."""
    return count + part.whole - part.passes if count >= part.passes else count
