"""The whole of it as one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..backend import Backend
from ..compare.classes import Names
from ..discover import open_backend
from ..errors import InputError
from ..image import Preprocess
from ..report import versions
from .data import Data, Item, open_data
from .hashes import hashes_of, source_of
from .measure.metrics import Estimate
from .opening import Prepared
from .plan import plan
from .run import run
from .summary import Summary, open_table, summarise

BARE = (
    "a recording that does not say what its model takes: no photo can be prepared for it; write "
    "'inputs' into recording.json"
)
Model = str | Path | Backend
"""A file, or a backend; of the latter nothing tells another model from it but what it runs on."""


def audit(
    model: Model,
    data: str | Path | Iterable[Item],
    out: str | Path,
    *,
    reference: Model | None = None,
    preprocess: Preprocess | None = None,
    labels: Names = None,
    labels_b: Names = None,
    sample: int | None = None,
    seed: int = 0,
    step: Callable[[int], None] = lambda done: None,
    dear: Callable[[Estimate], None] | None = None,
    **asked: Any,
) -> Summary:
    """All photos through a model, or through two; the rows are in `out`, whatever happens.

    The same call again goes on where the last one was interrupted, and does nothing where it was
    not.

    Args:
        model: what is audited.
        data: a path or URI as for `open_data`, or items that may be gone through again and again.
        out: the folder of the report.
        reference: what it is held against: both are fed the same bytes.
        preprocess: how a photo becomes an input; None: the data holds inputs.
        labels: the names of the model's classes.
        labels_b: those of the reference; None: the same.
        sample: so many photos, drawn by `seed`; None: all.
        seed: of the draw, of noise and shuffled weights.
        step: hears how many photos are done.
        dear: hears what `metrics` will cost, before any row is made.
        asked: as for `plan`: target, method, layer, layer_b, classes, bounds, metrics, part,
            batch.

    Raises:
        CamError: the models, the data or the folder do not fit, with the reason.
    """
    a = _opened(model)
    b = None if reference is None else _opened(reference)
    photos = open_data(data) if isinstance(data, str | Path) else data
    ours, theirs = (None if one is None else one.inputs() for one in (a, b))
    info = next(iter(ours or theirs or ()), None)
    if info is None:
        raise InputError(BARE)
    dtype = theirs[0].dtype if theirs else None
    opener = Prepared(info, preprocess, dtype, seed)
    names = labels, labels if labels_b is None else labels_b
    settings = {
        "models": [_hashes(one) for one in (model, reference) if one is not None],
        "data": data_settings(photos),
        "preprocess": None if preprocess is None else asdict(preprocess),
        "labels": [None if of is None else list(of) for of in names],
    }
    ready = plan(
        *(a, b, photos, opener),
        **{"labels": names, "sample": sample, "seed": seed, "settings": settings, **asked},
    )
    sources = [source_of(one) for one in (a, b) if one is not None]
    run(ready, out, step=step, facts={"versions": versions(), "sources": sources}, dear=dear)
    return summarise(open_table(out))


def data_settings(data: object) -> Mapping[str, Any] | None:
    """What photos they are; None of items of one's own, whose names alone tell."""
    if not isinstance(data, Data):
        return None
    paths = (data.path, data.photos, data.boxes)
    held = [None if path is None else str(path.resolve()) for path in paths]
    return {"format": data.format, "paths": held}


def _opened(model: Model) -> Backend:
    return open_backend(model) if isinstance(model, str | Path) else model


def _hashes(model: Model) -> dict[str, str] | None:
    return hashes_of(model) if isinstance(model, str | Path) else None
