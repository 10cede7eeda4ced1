"""From rows to a report: a verdict, statistics, slices."""

from .record import Summary, record, summarise
from .table import Table, open_table

__all__ = ["Summary", "Table", "open_table", "record", "summarise"]
