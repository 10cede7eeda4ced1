"""The rows of METRICS that ask where a map lies."""

from __future__ import annotations

from ..metric import Metric
from .boxes import box_overlap, localisation_error, max_box_accuracy
from .pointing import energy_in_box, pointing_game
from .relevance import relevance_mass, relevance_rank

LOCALISATION: dict[str, Metric] = {
    "pointing game": Metric(
        pointing_game,
        "does the maximum lie in a box?",
        "1 if argmax L in a box, else 0",
        "Zhang et al. 2016, Excitation Backprop",
        ("map", "boxes"),
        "higher",
    ),
    "energy in box": Metric(
        energy_in_box,
        "how much of the heat lies in the boxes?",
        "sum of L in the boxes / sum of L",
        "Wang et al. 2020, Score-CAM",
        ("map", "boxes"),
        "higher",
    ),
    "relevance mass": Metric(
        relevance_mass,
        "how much of the heat lies on the mask?",
        "sum of L on the mask / sum of L",
        "Arras et al. 2022, CLEVR-XAI",
        ("map", "masks"),
        "higher",
    ),
    "relevance rank": Metric(
        relevance_rank,
        "how many of the hottest cells lie on the mask?",
        "of the K hottest cells the share on a mask of K",
        "Arras et al. 2022, CLEVR-XAI",
        ("map", "masks"),
        "higher",
    ),
    "box overlap": Metric(
        box_overlap,
        "how well does the box round the heat fit the object?",
        "IoU of the object and the box of the largest segment of L > t max L, t = 15 %",
        "Selvaraju et al. 2017, Grad-CAM; Zhou et al. 2016, CAM",
        ("map", "boxes"),
        "higher",
    ),
    "localisation error": Metric(
        localisation_error,
        "is the object missed? By the class given (GT-known), or the predicted one",
        "1 if the box overlap < 0.5, or the class is wrong, else 0",
        "Russakovsky et al. 2015, ILSVRC",
        ("map", "boxes"),
        "lower",
    ),
    "MaxBoxAccV2": Metric(
        max_box_accuracy,
        "how many objects are boxed, at the threshold that suits all maps best?",
        "mean over d in (0.3, 0.5, 0.7) of max over t of the share of maps with a box of IoU >= d",
        "Choe et al. 2020",
        ("map", "boxes"),
        "higher",
        read="value",
        of_all=True,
    ),
}
