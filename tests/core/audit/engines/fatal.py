"""The plan of a folder for processes that are killed at one of its photos."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cam_core.audit import open_table
from cam_core.audit.plan import Plan
from tests.core.audit.tiny import tiny_plan

METRICS = ("entropy", "random_class")


@dataclass(frozen=True)
class Tiny:
    """A process that comes to the fatal photo is killed, once or each time."""

    folder: str
    fatal: int = -1
    once: Path | None = None

    def __call__(self) -> Plan:
        plan = tiny_plan(self.folder, metrics=METRICS)

        def opener(item: Any, index: int) -> Any:
            if index == self.fatal and not (self.once is not None and self.once.exists()):
                if self.once is not None:
                    self.once.write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
            return plan.opener(item, index)

        return replace(plan, opener=opener)


def rows(out: Path) -> list[dict[str, Any]]:
    """All that a report has."""
    table = open_table(out)
    return list(table.parts.rows(list(table.columns)))
