"""From rows to a report: a verdict, statistics, slices."""

from .baseline import Baseline, against
from .record import Summary, record, summarise
from .table import Table, measured, open_table

__all__ = [
    "Baseline",
    "Summary",
    "Table",
    "against",
    "measured",
    "open_table",
    "record",
    "summarise",
]
