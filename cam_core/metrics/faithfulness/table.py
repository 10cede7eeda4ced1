"""The rows of METRICS that ask whether the score hangs on what a map shows."""

from __future__ import annotations

from ..metric import Metric
from .combined import adcc, arcc, coherency
from .drop import absolute_drop, absolute_gain, increase, relative_drop, relative_gain
from .occlusion import occlusion_correlation
from .removal import deletion, insertion
from .road import road

FAITHFULNESS: dict[str, Metric] = {
    "relative drop": Metric(
        relative_drop,
        "how much of the probability is lost with what the map leaves out?",
        "max(0, Y - O) / Y, O the score of x L",
        "Chattopadhay et al. 2018, Grad-CAM++ (average drop)",
        ("scores",),
        "lower",
    ),
    "absolute drop": Metric(
        absolute_drop,
        "how much of the score is lost with what the map leaves out?",
        "max(0, Y - O)",
        "pytorch-grad-cam, DropInConfidence",
        ("scores",),
        "lower",
    ),
    "increase": Metric(
        increase,
        "does the score rise?",
        "1 if O > Y, else 0",
        "Chattopadhay et al. 2018, Grad-CAM++",
        ("scores",),
        "higher",
    ),
    "relative gain": Metric(
        relative_gain,
        "how much of the probability that was lacking is gained?",
        "max(0, O - Y) / (1 - Y)",
        "Zhang et al. 2024, Opti-CAM (average gain)",
        ("scores",),
        "higher",
    ),
    "absolute gain": Metric(
        absolute_gain,
        "by how much does the score rise?",
        "max(0, O - Y)",
        "as the relative one",
        ("scores",),
        "higher",
    ),
    "insertion": Metric(
        insertion,
        "how soon is the score there when the hottest cells come back into a blur?",
        "area under Y by the share of cells put in",
        "Petsiuk et al. 2018, RISE",
        ("input", "map", "score"),
        "higher",
        read="area",
    ),
    "deletion": Metric(
        deletion,
        "how soon is it gone when they are taken away?",
        "area under Y by the share of cells taken",
        "Petsiuk et al. 2018, RISE",
        ("input", "map", "score"),
        "lower",
        read="area",
    ),
    "ROAD most first": Metric(
        road,
        "what is lost when the hottest cells are imputed?",
        "mean over percentiles of Y(hottest imputed) - Y",
        "Rong et al. 2022, ROAD",
        ("input", "map", "score"),
        "lower",
        read="most_first",
    ),
    "ROAD least first": Metric(
        road,
        "what is kept when the coldest cells are imputed?",
        "mean over percentiles of Y(coldest imputed) - Y",
        "Rong et al. 2022, ROAD",
        ("input", "map", "score"),
        "higher",
        read="least_first",
    ),
    "ROAD combined": Metric(
        road,
        "how much more is lost with the hottest cells than with the coldest?",
        "mean over percentiles of (Y(coldest imputed) - Y(hottest imputed)) / 2",
        "Rong et al. 2022, ROAD, as in pytorch-grad-cam",
        ("input", "map", "score"),
        "higher",
        read="combined",
    ),
    "occlusion correlation": Metric(
        occlusion_correlation,
        "are the patches hot that the score hangs on?",
        "Spearman's r of Y - Y(patch covered) and the mean of L in the patch",
        "Selvaraju et al. 2017, Grad-CAM, section 5.3",
        ("input", "map", "score"),
        "higher",
    ),
    "coherency": Metric(
        coherency,
        "is the map of what it keeps the same map?",
        "(1 + r(L(x), L(x L))) / 2",
        "Poppi et al. 2021, ADCC",
        ("map", "masked map"),
        "higher",
    ),
    "ADCC": Metric(
        adcc,
        "coherent, simple and faithful at once",
        "3 / (1 / coherency + 1 / (1 - complexity) + 1 / (1 - relative drop))",
        "Poppi et al. 2021, ADCC",
        ("map", "masked map", "drop"),
        "higher",
    ),
    "ARCC": Metric(
        arcc,
        "as ADCC, with ROAD in place of the drop",
        "3 / (1 / coherency + 1 / (1 - complexity) + 1 / R), R = 2 ROAD combined in [0, 1]",
        "RefineCAM 2026 (2605.14641)",
        ("map", "masked map", "road"),
        "higher",
    ),
}
