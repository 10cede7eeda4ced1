"""The steps of `gradcam blame`: photos, ranking, sets kept in float, files and words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.asking import seen_by
from cam_core.cli.inputs.opened import Setup, bring_together
from cam_core.cli.missed import tell
from cam_core.cli.report import progress
from cam_core.cli.typed import extents, flag, pieces, running
from cam_core.errors import InputError, NothingFoundError
from cam_core.sources import Sources
from cam_core.targets import ScoredTarget
from cam_core.write import find_place

from ..blaming.blame import Blame
from ..blaming.curve import Case, Drift, case_of, drift
from ..blaming.keep_lists import keep_lists
from ..blaming.node_data import node_data
from ..blaming.qoperator import as_pairs
from ..blaming.rating import Rating
from ..capturing.backend import OnnxBackend
from ..instrumenting.save import save
from ..reading.load import load
from .arguments import AskedBlame
from .blame_found import Found, Opened


def require_folder(path: Path | None) -> None:
    """Refuses a file whose folder is not there, before any work is done."""
    if path is not None:
        find_place(path)


def open_models(asked: AskedBlame) -> Opened:
    """Both models, what is asked of each photo, and the photos in two halves.

    Raises:
        InputError: no pair to blame, models that do not belong together, or no photo to ask.
    """
    options = {"score": asked.score, **extents(asked), **running(asked)}
    options = {name: value for name, value in options.items() if value is not None}
    source = load(asked.quantised)
    pairs = as_pairs(source)
    if pairs is not source:
        tell([f"{source.name} is blamed, and written, with pairs for its QLinear operators"])
    plain, other = (OnnxBackend(of, **options) for of in (asked.model, pairs))
    blame = Blame(plain, other, options)
    _ = blame.suspects  # what cannot be blamed is said before any photo is read
    sources = Sources.of(plain, asked.model, flag)
    setup = bring_together(plain, sources, asked, list(asked.images), pieces(asked))
    targets = setup.targets(asked.targets, several=False)
    cases, missed = cases_of(setup, plain, targets[0])
    if not cases:
        raise InputError(f"no photo to ask about: {missed[0]}")
    blame.require_alike(cases[0])
    halves = (cases[::2], cases[1::2]) if cases[1:] else (cases, cases)
    return Opened(asked, blame, setup, *halves, missed)


def cases_of(
    setup: Setup, plain: OnnxBackend, target: ScoredTarget
) -> tuple[list[Case], list[str]]:
    """What the float model says of each photo; and a line for each without anything to ask."""
    cases, missed = [], []
    with progress(len(setup.slots), "reading") as step:
        for index, slot in enumerate(setup.slots):
            sample = setup.reader.open(slot, index)
            look = plain.look(sample.x, layers=())
            seen = seen_by(plain, sample.x, look, setup.names, placement=sample.placement)
            try:
                asked = target.found_in(seen)[0].held(look.score)
            except NothingFoundError as error:
                missed.append(f"{slot.name}: {error}")
            else:
                cases.append(case_of(plain, slot.name, sample.x, asked))
            step()
    return cases, missed


def write(opened: Opened, found: Found, asked: AskedBlame) -> dict[str, Any]:
    """The repaired file, run again from where it was written, and the node colours."""
    from cam_core.report import to_json
    from cam_core.write import write_together

    files: dict[str, Any] = {}
    if asked.node_data is not None:
        graph = opened.blame.quantised.analysis.source.model.graph.name
        data = to_json(node_data(graph, found.ratings))
        write_together(asked.node_data.parent, {asked.node_data.name: data})
        files["node_data"] = str(asked.node_data)
    if asked.repair is not None and found.nearer:
        files["repaired"] = str(asked.repair)
        files["verified"] = repair(opened, found, asked.repair)
    return files


def repair(opened: Opened, found: Found, path: Path) -> dict[str, Any]:
    """Writes it; the file gives what was measured, or is refused."""
    blame, kept = opened.blame, found.proposed.kept
    save(blame.model_with(kept), path, blame.quantised.analysis.source)
    written = OnnxBackend(path, **blame.options)
    again = drift(written, opened.measuring, maps=False)
    same = np.isclose(again.rms, found.proposed.drift.rms, rtol=1e-4, atol=1e-9)
    if not same:
        path.unlink()
        raise InputError(
            f"'{path}' drifts by {again.rms:.4g} where the same model drifted by "
            f"{found.proposed.drift.rms:.4g} before it was written: it was not kept"
        )
    return {"rms": number(again.rms), "photos": len(opened.measuring)}


def number(value: float | None) -> float | str | None:
    """For JSON, which knows no infinity."""
    return value if value is None or np.isfinite(value) else str(value)


def record(opened: Opened, found: Found, files: Mapping[str, Any]) -> dict[str, Any]:
    """Ready for JSON."""
    blame, asked = opened.blame, opened.asked
    return {
        "command": "blame",
        "float": str(asked.model),
        "quantised": str(asked.quantised),
        "photos": {"ranking": len(opened.ranking), "measuring": len(opened.measuring)},
        "missed": list(opened.missed),
        "score": blame.plain.score_name,
        "settings": blame.quantised.settings,
        "tensors": [_tensor(rating) for rating in found.ratings],
        "unrated": list(blame.suspects.unrated),
        "before": _drift(found.before),
        "curve": [
            {
                "kept": len(ours.kept),
                "blame": _drift(ours.drift),
                "sqnr": _drift(theirs.drift),
            }
            for ours, theirs in zip(found.blamed, found.noisy, strict=True)
        ],
        "random_rms": [number(one.rms) for one in found.random],
        "named": list(found.named),
        "proposed": list(found.proposed.kept),
        "keep_lists": keep_lists(blame.suspects.named(found.proposed.kept)),
        **files,
    }


def _tensor(rating: Rating) -> dict[str, Any]:
    return {
        "name": rating.suspect.name,
        "kind": rating.suspect.kind,
        "blame": number(rating.blame),
        "sqnr_db": number(rating.sqnr),
        "reaches_score": rating.reaches,
        "nodes": list(rating.suspect.nodes),
    }


def _drift(one: Drift) -> dict[str, Any]:
    return {"rms": number(one.rms), "worst_map": one.worst_map, "median_map": one.median_map}
