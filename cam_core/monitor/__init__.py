"""Has what a model looks at shifted since it was audited, though no picture was kept?

from cam_core.monitor import line, monitor

found = monitor("week.csv", "report")
print(line(found))
"""

from .baseline import read_baseline
from .logs import read_log
from .monitoring import Monitored, monitor
from .record import record
from .rehearsal import rehearse
from .rows import Rows, rows_of
from .words import line, said

__all__ = [
    "Monitored",
    "Rows",
    "line",
    "monitor",
    "read_baseline",
    "read_log",
    "record",
    "rehearse",
    "rows_of",
    "said",
]
