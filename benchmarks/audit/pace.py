"""A drift audit of a batch beside both plain models on it, turn by turn on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cam_core import open_backend
from cam_core.audit.measure import Opened, Shot, columns_of, row_of
from cam_core.audit.measure.looking import look_at_both
from cam_core.compare.photos import Photo
from cam_core.compare.run import bring_together
from cam_core.image.place import place

BATCH, ROUNDS, SIDE = 8, 15, 224


def pace(models: tuple[Path, Path]) -> dict[str, float]:
    """Milliseconds a photo of each, and the ratio of both: plain over audit, medians of rounds.

    The processor's time counts and no other program's.
    """
    import onnxruntime

    a, b = (open_backend(str(path), threads=1) for path in models)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    plain = [onnxruntime.InferenceSession(str(path), options) for path in models]
    x = np.random.default_rng(0).standard_normal((BATCH, 3, SIDE, SIDE)).astype(np.float32)
    name = plain[0].get_inputs()[0].name
    sides = bring_together(a, b, (x[:1], x[:1]))
    photos = [one_photo(x[i : i + 1], i) for i in range(BATCH)]

    def audited() -> None:
        found = look_at_both(sides, [one.photo for one in photos])
        assert not isinstance(found, str)
        columns = columns_of(reference=True)
        for opened, one, pair in zip(photos, found[0], found[1], strict=True):
            row_of(Shot(opened.item, 0, opened, one, pair), columns)

    turns = [
        (timed(lambda: [one.run(None, {name: x}) for one in plain]), timed(audited))
        for _ in range(ROUNDS)
    ][2:]
    forward, audit = (np.array(of) for of in zip(*turns, strict=True))
    ratio = float(np.median(forward / audit))
    scale = 1e3 / BATCH
    return {
        "plain ms": float(np.median(forward)) * scale,
        "audit ms": float(np.median(audit)) * scale,
        "plain / audit": ratio,
    }


def one_photo(x: Any, index: int) -> Opened:
    """As an opener gives it."""
    from cam_core.audit.data import Item

    where = place((SIDE, SIDE), (SIDE, SIDE), "stretch")
    return Opened(Item(str(index), x), Photo(str(index), x, x, None, where, index), (SIDE, SIDE))


def timed(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    before = time.process_time()
    work()
    return time.process_time() - before
