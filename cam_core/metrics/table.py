"""The table of metrics."""

from __future__ import annotations

from ..errors import InputError
from .agreement import pearson, spearman, ssim
from .complexity import complexity, entropy, sparseness
from .faithfulness.table import FAITHFULNESS
from .localisation.table import LOCALISATION
from .metric import Metric
from .sanity import cascade

METRICS: dict[str, Metric] = {
    **LOCALISATION,
    **FAITHFULNESS,
    "complexity": Metric(
        complexity,
        "how much of the picture is lit?",
        "mean of L",
        "Poppi et al. 2021, ADCC",
        ("map",),
        "lower",
    ),
    "entropy": Metric(
        entropy,
        "over how many cells is the heat spread?",
        "-sum of p ln p, p = |L| / sum of |L|",
        "Bhatt et al. 2020 (complexity)",
        ("map",),
        "lower",
    ),
    "sparseness": Metric(
        sparseness,
        "how unequal are the cells?",
        "Gini index of |L|",
        "Chalasani et al. 2020",
        ("map",),
        "higher",
    ),
    "pearson": Metric(
        pearson,
        "are two maps alike, value by value?",
        "r = cov(a, b) / (sd a sd b)",
        "Pearson 1895",
        ("map", "other map"),
        "neither",
    ),
    "spearman": Metric(
        spearman,
        "are they alike in what is hotter than what?",
        "r of the ranks",
        "Spearman 1904",
        ("map", "other map"),
        "neither",
    ),
    "SSIM": Metric(
        ssim,
        "are they alike in their structure?",
        "mean over windows of (2 ma mb + c1)(2 sab + c2) / ((ma2 + mb2 + c1)(sa2 + sb2 + c2))",
        "Wang et al. 2004",
        ("map", "other map"),
        "neither",
    ),
    "randomisation": Metric(
        cascade,
        "how alike do maps stay when the weights are shuffled, from the logits down?",
        "|Spearman's r| of L and L with all weights shuffled",
        "Adebayo et al. 2018, Sanity Checks",
        ("model", "maps of a model"),
        "lower",
        read="left",
    ),
}
"""By name. To add one: a function, a row here or in its room, its loops in its test file."""


def find_metric(name: str) -> Metric:
    """The row of METRICS, or an error that names them."""
    if name not in METRICS:
        raise InputError(f"no metric '{name}'; there are {', '.join(METRICS)}")
    return METRICS[name]
