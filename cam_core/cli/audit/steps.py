"""What is done between opening an audit and telling of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cam_core.audit import Summary, open_table, summarise
from cam_core.audit.engines import ENGINES
from cam_core.audit.measure import columns_of
from cam_core.audit.plan import Plan
from cam_core.audit.summary import measured
from cam_core.compare.limits import Checked, Limit, read_limit
from cam_core.head import probability_of
from cam_core.report import versions

from ..threads import cores
from .asked import Audit
from .opened import Again, Fed


def summary_of(report: Path) -> Summary:
    """Of a report's rows."""
    return summarise(open_table(report))


def limits_of(asked: Audit, *, referenced: bool) -> list[Limit]:
    """What was typed."""
    known = measured(columns_of(reference=referenced))
    return [read_limit(text, known) for text in asked.fail_if]


def check(found: Summary, limits: Sequence[Limit]) -> list[Checked]:
    """Each limit on the rows."""
    return [Checked(one, one.statistic(found.values(one.metric))) for one in limits]


def said_first(ready: Plan, fed: Fed) -> list[str]:
    """What makes a report doubtful."""
    texts = [] if fed.both is None else [fed.both.said]
    texts += [ready.sides.classes.said, *(one.doubt for one in ready.sides.layers)]
    if not probability_of(ready.sides.a):
        texts.append("the model ends in scores and has no probabilities: no confidence is said")
    return [text for text in texts if text]


def facts_of(asked: Audit, command: str, given: Sequence[str | None]) -> dict[str, Any]:
    """What is good to know of a run, and changes no row."""
    models = [Path(name).name for name in given[:2] if name is not None]
    return {"command": command, "models": models, "versions": versions()}


def engine_of(asked: Audit) -> Any:
    """What makes the rows; None: this process.

    Raises:
        MissingExtraError: what it needs is not installed.
    """
    return ENGINES[asked.engine].make(Again(asked), asked.workers, cores())
