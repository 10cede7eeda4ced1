"""Five boxes of one photo by a detector: one forward pass, and five through its heads."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from cam_core import explain_all, open_backend
from cam_core.backend import Array, Backend

from .models import Model, file
from .row import Row, Setting, ratios
from .sessions import runner, session

COUNT = 5


def boxes(model: Model, setting: Setting) -> Iterator[Row]:
    """Anchors from the first to the last, so of all scales, each with its merged map."""
    path, threads = file(model, setting.folder), setting.threads
    plain, backend = session(path, threads), open_backend(path)
    (image,) = plain.get_inputs()
    x = _picture(image)
    asked = anchors(backend, x)
    runs = {
        "plain": runner(plain),
        "one": lambda: explain_all(backend, x, asked[:1], ["hirescam"]),
        "five": lambda: explain_all(backend, x, asked, ["hirescam"]),
    }
    names = {"one": "one box", "five": f"{COUNT} boxes"}
    yield from ratios("boxes", model.key, setting.time(runs), names)


def anchors(backend: Backend, x: Array) -> list[str]:
    """As many targets, spread over all anchors.

    Raises:
        ValueError: it is no detector.
    """
    head = backend.heads()[0]
    if head.boxes is None:
        raise ValueError(f"no boxes: {head.said}")
    shape = backend.look(x, layers=()).score.shape
    count = prod(shape[1:]) // shape[backend.class_axis]
    return [f"0@anchor:{anchor}" for anchor in np.linspace(0, count - 1, COUNT).astype(int)]


def _picture(image: Any) -> Array:
    """Noise of the input's own size."""
    shape = [d if isinstance(d, int) else 1 for d in image.shape]
    found: Array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return found
