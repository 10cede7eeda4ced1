"""What is done between opening an audit and telling of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cam_core.audit import Summary, open_table, summarise
from cam_core.audit.local import Local
from cam_core.audit.measure import Column, columns_of
from cam_core.audit.measure.metrics import find_extras
from cam_core.audit.plan import Plan
from cam_core.audit.summary import measured
from cam_core.compare.limits import Checked, Limit, read_limit
from cam_core.head import probability_of
from cam_core.report import versions

from ..steps import Step
from ..threads import cores
from .asked import Audit
from .opened import Again, Fed


def summary_of(report: Path) -> Summary:
    """Of a report's rows."""
    return summarise(open_table(report))


def limits_of(asked: Audit, columns: Mapping[str, Column]) -> list[Limit]:
    """What was typed; there are limits on these columns."""
    known = measured(columns)
    return [read_limit(text, known) for text in asked.fail_if]


def columns_asked(asked: Audit) -> dict[str, Column]:
    """What a row of the report will have."""
    return columns_of(reference=len(asked.given) == 3, metrics=find_extras(asked.metrics))


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
    """What makes the rows; None: this process."""
    if asked.engine == "here":
        return None

    return Local(Again(asked), asked.workers or cores())


def ticking(step: Step) -> Any:
    """Tells a bar how many photos are done."""
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        for _ in range(done - told):
            step()
        told = done

    return tell
