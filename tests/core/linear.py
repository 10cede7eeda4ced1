"""A linear model as a backend, whose maps are known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from cam_core.backend import Capture, Gradients, Target
from cam_core.errors import LayerError

LABELS = ["ant", "bee", "cat"]


@dataclass
class Linear:
    """y^c = mean_S sum_k W_ck x^k: at layer 'x' the gradient is known by hand."""

    W: np.ndarray
    looks: int = 0
    pulls: int = 0
    class_axis = 1

    def look(
        self, x: np.ndarray, *, layers: Sequence[str] | None = None, inputs: Sequence[str] = ()
    ) -> SimpleNamespace:
        if layers is not None and list(layers) not in ([], ["x"], ["2x"], ["x", "2x"]):
            raise LayerError(f"no layer {layers}")
        self.looks += 1
        y = np.mean(x, axis=(2, 3)) @ self.W.T

        def pull(target: Target) -> Gradients:
            self.pulls += 1
            G = np.ones_like(x) * (target(y, {"y": y}) @ self.W)[:, :, None, None]
            G = G / np.prod(x.shape[2:])
            return Gradients({"x": G, "2x": G / 2})

        A = {"x": x, "2x": 2 * x}
        asked = ["x"] if layers is None else layers
        return SimpleNamespace(
            score=y, outputs={"y": y}, layers=asked, activations=A, regions={}, pull=pull
        )


def one(A: object, G: object, y: Sequence[float] = (1.0, 2.0)) -> Capture:
    """A capture of one row and a 1-D space, channels first."""
    return Capture("x", *(np.array([v], np.float32) for v in (y, A, G)))
