"""Numbers about explanations: a row of METRICS each, and how sure their means are."""

from .comparing import Measured, compare
from .intervals import Interval, mean_interval, paired_difference
from .metric import NEEDS, Metric, Need
from .scoring import Counted, backend_score
from .table import METRICS, find_metric

__all__ = [
    "METRICS",
    "NEEDS",
    "Counted",
    "Interval",
    "Measured",
    "Metric",
    "Need",
    "backend_score",
    "compare",
    "find_metric",
    "mean_interval",
    "paired_difference",
]
