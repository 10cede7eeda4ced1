"""Sessions for the two halves of a gradient: one forward pass, then any number of backward ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from cam_core.backend import Array

from .runtime import open_session, run
from .split import COTANGENT, Split


@dataclass(frozen=True)
class Runner:
    """How sessions are opened."""

    folder: Path | None = None
    """Where external weights lie."""
    providers: Sequence[str] | None = None
    optimization: str = "all"
    custom_ops: Sequence[str] = ()

    def open(self, model: onnx.ModelProto) -> Any:
        """A session for `model`."""
        return open_session(
            model,
            folder=self.folder,
            asked=self.providers,
            optimization=self.optimization,
            custom_ops=self.custom_ops,
        )


class Passes:
    """The forward model that keeps what the backward one reads, and the backward one."""

    def __init__(self, plan: Split, runner: Runner) -> None:
        self.plan = plan
        self._front = runner.open(plan.forward)
        self._back = runner.open(plan.backward)

    def forward(self, part: Mapping[str, Array]) -> dict[str, Any]:
        """The model's outputs, the score, the layers and the residuals, for one batch."""
        names = [o.name for o in self._front.get_outputs()]
        found = dict(zip(names, run(self._front, names, dict(part)), strict=True))
        return found | {n: part[n] for n in self.plan.fetched if n in part}

    def backward(
        self,
        kept: Sequence[Mapping[str, Any]],
        parts: Sequence[Mapping[str, Array]],
        cotangent: Array,
    ) -> dict[str, Array]:
        """The gradients by the name of their tensor; several batches are one row each."""
        wanted = {i.name for i in self._back.get_inputs()}
        names = [o.name for o in self._back.get_outputs()]
        found = []
        for i, residuals in enumerate(kept):
            mine = cotangent[i : i + 1] if len(kept) > 1 else cotangent
            given = {**parts[i], **residuals, COTANGENT: mine}
            found.append(run(self._back, names, {n: a for n, a in given.items() if n in wanted}))
        arrays = joined(names, found)
        return {tensor: arrays[name] for tensor, name in self.plan.gradients.items()}


def joined(names: Sequence[str], parts: Sequence[Sequence[Any]]) -> dict[str, Array]:
    """Outputs by name, the batches joined; what is no array (a ZipMap's dictionaries) left out."""
    found = {}
    for i, name in enumerate(names):
        pieces = [part[i] for part in parts]
        if isinstance(pieces[0], np.ndarray):
            found[name] = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    return found
