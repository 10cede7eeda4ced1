"""What a run says: the order by each metric, what each method costs, what the check of it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from cam_core.errors import CamError
from cam_core.methods import find_method
from cam_core.metrics import METRICS, Interval
from cam_core.metrics.sanity import Cascade
from cam_core.plural import counted
from cam_core.ranking import Cost, Ranked, agreed, checked, fewest, ranked

from .run import Run

LEVEL, DRAWS, SEED = 0.95, 2_000, 0
FLIPS = (
    "A ranking holds for this network, these photos and this metric: it flips between networks, "
    "data sets and metrics."
)


@dataclass(frozen=True)
class Result:
    """All of it."""

    run: Run
    by: Mapping[str, Sequence[Ranked]]
    """By metric that any method has a number of, the methods in order."""
    without: Mapping[str, str]
    """The other metrics, and why."""
    checks: Mapping[str, Cascade]
    """By method; {} where none was made."""
    unchecked: str = ""
    """Why not."""

    @property
    def methods(self) -> list[str]:
        """Those that were measured, in the order of the first metric; then the refused."""
        first = next(iter(self.by.values()), ())
        own = [one.method for one in first] or self.run.tally.at_work
        return [*own, *self.run.tally.refused]

    def row(self, metric: str, method: str) -> Ranked | None:
        """Of one method by one metric."""
        return next((one for one in self.by[metric] if one.method == method), None)

    def cost(self, method: str) -> Cost | None:
        """As measured."""
        return self.run.costs.of(method)

    @property
    def best(self) -> dict[str, list[str]]:
        """By metric the methods in first place, the best mean first."""
        return {m: [one.method for one in rows if one.place == 1] for m, rows in self.by.items()}

    @property
    def said(self) -> list[str]:
        """In sentences: which are best, whether metrics agree, and what that is worth."""
        found = [f"best by {m}: {_tied(names)}" for m, names in self.best.items()]
        common = agreed(self.best)
        if len(self.best) > 1 and common:
            found.append(f"in first place by every metric: {', '.join(common)}")
        elif len(self.best) > 1:
            found.append("no method is in first place by every metric: they disagree")
        count = len(self.run.tally.photos)
        if count < fewest(LEVEL):
            found.append(
                f"{counted(count, 'photo tells', 'photos tell')} no methods apart: "
                f"{fewest(LEVEL)} are the least, and dozens are better"
            )
        return [*found, FLIPS]


def result(run: Run) -> Result:
    """Ranks what was measured, and checks the methods on a model with shuffled weights."""
    tally = run.tally
    without = {m: why for m in tally.metrics if (why := tally.none_of(m))}
    ways = {m: cast("Literal['higher', 'lower']", METRICS[m].better) for m in tally.metrics}
    options: dict[str, Any] = {"level": LEVEL, "draws": DRAWS, "seed": SEED}
    by = {m: ranked(tally.values(m), ways[m], **options) for m in tally.metrics if m not in without}
    if not run.questions:
        return Result(run, by, without, {}, "not asked for")
    try:
        found = checked(run.setup.backend, run.questions, tally.at_work, run.layers)
    except CamError as error:
        return Result(run, by, without, {}, str(error))
    return Result(run, by, without, found)


def record(result: Result) -> dict[str, Any]:
    """All numbers, ready for JSON."""
    tally = result.run.tally
    return {
        "targets": tally.targets,
        "missed": list(result.run.missed),
        "layers": sorted(result.run.explained_at),
        "scored": sorted(result.run.scored),
        "level": LEVEL,
        "draws": DRAWS,
        "seed": SEED,
        "least_photos": fewest(LEVEL),
        "methods": [_method(result, name) for name in result.methods],
        "metrics": {m: _metric(result, m, rows) for m, rows in result.by.items()},
        "metrics_without_numbers": dict(result.without),
        "sanity_photos": len(result.run.questions),
        "sanity_note": result.unchecked,
        "said": result.said,
    }


def _method(result: Result, name: str) -> dict[str, Any]:
    cost, check = result.cost(name), result.checks.get(name)
    passes = None if cost is None else cost.passes
    measured = len(result.run.costs.by_method.get(name, ()))
    return {
        "method": name,
        "refused": result.run.tally.refused.get(name),
        "needs": sorted(find_method(name).needs),
        "paper": find_method(name).paper,
        "times_the_forward_pass": None if cost is None else cost.ratio,
        "timed_on_photos": measured,
        "passes": None if passes is None else vars(passes),
        "sanity": None if check is None else check.verdict,
        "sanity_similarity": None if check is None else _interval(check.final),
    }


def _metric(result: Result, name: str, rows: Sequence[Ranked]) -> dict[str, Any]:
    metric, tally = METRICS[name], result.run.tally
    values = tally.values(name)
    notes = {one.method: tally.notes.get((name, one.method)) for one in rows}
    return {
        "better": metric.better,
        "formula": metric.formula,
        "paper": metric.paper,
        "ranking": [
            {
                "method": one.method,
                "place": one.place,
                "tied_with_the_best": one.tied,
                "mean": _interval(one.mean),
                "behind_the_best": _interval(one.behind),
                "note": notes[one.method],
            }
            for one in rows
        ],
        "values": {m: [None if np.isnan(v) else float(v) for v in of] for m, of in values.items()},
    }


def _interval(one: Interval | None) -> dict[str, Any] | None:
    if one is None:
        return None
    numbers = {"mean": one.mean, "low": one.low, "high": one.high}
    return numbers | {"photos": one.rows, "left_out": one.left_out}


def _tied(names: Sequence[str]) -> str:
    first, *others = names
    return f"{first}, with which {_and(others)} {_tie(others)}" if others else first


def _tie(names: Sequence[str]) -> str:
    return "ties" if len(names) == 1 else "tie"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
