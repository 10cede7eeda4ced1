"""The table of methods."""

from __future__ import annotations

from ..errors import InputError
from ..head import Head
from .ablation_cam import ablationcam
from .from_gradients import gradcam, gradcam_plus_plus, hirescam, layercam, xgradcam
from .method import Method
from .occlusion import occlusion
from .recipro_cam import reciprocam
from .rise import rise
from .score_cam import fast_scorecam, iscam, scorecam, sscam

METHODS: dict[str, Method] = {
    "gradcam": Method(
        gradcam, "channels weighted by their mean gradient", "Selvaraju et al. 2017, Grad-CAM"
    ),
    "gradcam++": Method(
        gradcam_plus_plus,
        "mean over positive gradients, weighted by second order; several instances",
        "Chattopadhay et al. 2018, Grad-CAM++",
    ),
    "xgradcam": Method(
        xgradcam, "gradients weighted by activation, sums to the score", "Fu et al. 2020, XGrad-CAM"
    ),
    "hirescam": Method(
        hirescam,
        "gradient times activation at each position; exact for linear heads",
        "Draelos and Carin 2020, HiResCAM",
    ),
    "layercam": Method(
        layercam,
        "positive gradient times activation; early layers too",
        "Jiang et al. 2021, LayerCAM",
    ),
    "scorecam": Method(
        scorecam,
        "channels weighted by how well they mask the picture; a pass each, slow",
        "Wang et al. 2020, Score-CAM",
        needs=frozenset({"passes"}),
    ),
    "fast-scorecam": Method(
        fast_scorecam,
        "scorecam of the 10 channels that vary most; misses what the others show",
        "tf-keras-vis, Faster-ScoreCAM",
        needs=frozenset({"passes"}),
    ),
    "sscam": Method(
        sscam,
        "scorecam by 35 noisy masks a channel; very slow",
        "Naidu and Michael 2020, SS-CAM",
        needs=frozenset({"passes"}),
    ),
    "iscam": Method(
        iscam,
        "scorecam in 10 steps up from black; very slow",
        "Naidu et al. 2020, IS-CAM",
        needs=frozenset({"passes"}),
    ),
    "ablationcam": Method(
        ablationcam,
        "channels weighted by the share of the score they hold; turns round where that is negative",
        "Ramaswamy and Desai 2020, Ablation-CAM",
        needs=frozenset({"tail"}),
    ),
    "reciprocam": Method(
        reciprocam,
        "score of each place of the layer alone, no gradient; blind to what places do together",
        "Byun and Lee 2022, Recipro-CAM",
        needs=frozenset({"tail"}),
        gives="map",
    ),
    "rise": Method(
        rise,
        "mean of 4000 random masks by the score behind them; any model, slow, coarse",
        "Petsiuk et al. 2018, RISE",
        needs=frozenset({"passes"}),
        gives="map",
        at="input",
    ),
    "occlusion": Method(
        occlusion,
        "score lost as a grey window goes over the picture; blind to what two places share",
        "Zeiler and Fergus 2014, Occlusion",
        needs=frozenset({"passes"}),
        gives="map",
        at="input",
    ),
}
"""By name. To add one: a function, a row here, its loops in its test file."""

USUAL = {
    **dict.fromkeys(("boxes", "dense classes", "picture"), "hirescam"),
    "sequence": "layercam",
}
"""By kind of head, the method that is taken where none is named; `gradcam` of all others.

A mean over space smears over the objects of a picture; docs/targets.md has the figures."""


AUTO = "auto"
"""Asks for the usual method, and for `reciprocam` where an operator has no derivative."""


def usual_method(head: Head | None) -> str:
    """The method for a score, where none is named."""
    return "gradcam" if head is None else USUAL.get(head.asked, "gradcam")


def find_method(name: str) -> Method:
    """The row of METHODS, or an error that names them."""
    if name not in METHODS:
        raise InputError(f"no method '{name}'; there are {', '.join(METHODS)}")
    return METHODS[name]


def needs_passes(name: str) -> bool:
    """Does it run the model, or a part of it, many times?"""
    return name == AUTO or not METHODS[name].of_arrays


def about_input(name: str) -> bool:
    """Is it a method whose map has the cells of the input, so that layers do not count?

    Raises:
        InputError: no such method.
    """
    return name != AUTO and find_method(name).at == "input"
