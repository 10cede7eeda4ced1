"""The table of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from ..errors import InputError
from ..head import Head
from .ablation_cam import ablationcam
from .attention import gradeclip, gradrollout, legrad, legrad_final, rollout
from .class_agnostic import fem, random
from .eigen import eigencam, eigencam_centred, eigengradcam
from .evidence import balance, bicam, counterfactual, elementwise, odam
from .from_gradients import gradcam, gradcam_plus_plus, hirescam, layercam, xgradcam
from .from_input_gradients import (
    fullgrad,
    gradient,
    gradient_times_input,
    guided,
    guided_gradcam,
    integrated,
    shapleycam,
    smoothgrad,
    smoothgradcam_plus_plus,
)
from .linear_head import cam
from .method import Method, Pulls
from .occlusion import occlusion
from .options import read, spelled
from .recipro_cam import reciprocam
from .rise import rise
from .score_cam import fast_scorecam, iscam, scorecam, sscam

OF_ATTENTION: dict[str, Any] = {
    "needs": frozenset({"attention", "gradients"}),
    "gives": "map",
    "at": "attention",
}
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
    "cam": Method(
        cam,
        "weights of the linear head; only where a mean over space and one product follow",
        "Zhou et al. 2016, CAM",
        needs=frozenset({"head"}),
    ),
    "counterfactual": Method(
        counterfactual,
        "negative mean gradient: what speaks against the class",
        "Selvaraju et al. 2017, Grad-CAM, section 7",
    ),
    "elementwise": Method(
        elementwise,
        "positive products of gradient and activation; nothing cancels",
        "pytorch-grad-cam, GradCAMElementWise",
    ),
    "bicam": Method(
        bicam,
        "for and against at each place, whole; their ratio in the record",
        "Su and Luo 2026, BiCAM",
        facts=balance,
    ),
    "odam": Method(
        odam,
        "smoothed gradient times activation at each position; boxes of detectors",
        "Zhao et al. 2024, ODAM",
    ),
    "eigencam": Method(
        eigencam,
        "first singular vector of the activations; knows no class",
        "Muhammad and Yeasin 2020, Eigen-CAM",
        traceable=False,
        needs=frozenset(),
    ),
    "eigencam-centred": Method(
        eigencam_centred,
        "first principal component of the activations; knows no class",
        "pytorch-grad-cam, EigenCAM",
        traceable=False,
        needs=frozenset(),
        gives="map",
    ),
    "eigengradcam": Method(
        eigengradcam,
        "first singular vector of gradient times activation",
        "pytorch-grad-cam, EigenGradCAM",
        traceable=False,
    ),
    "fem": Method(
        fem,
        "share of rare, high activations of each channel; knows no class",
        "Fuad et al. 2020, FEM",
        needs=frozenset(),
    ),
    "random": Method(
        random,
        "random weights: the baseline that a method must beat",
        "pytorch-grad-cam, RandomCAM",
        needs=frozenset(),
    ),
    "gradient": Method(
        gradient,
        "largest |dY/dx| of a pixel's channels; noisy, no sign",
        "Simonyan et al. 2014, saliency maps",
        gives="map",
        at="input",
    ),
    "gradientxinput": Method(
        gradient_times_input,
        "gradient times input, pixel by pixel; silent where the input is 0",
        "Shrikumar et al. 2016",
        at="input",
    ),
    "guided": Method(
        guided,
        "positive gradients through rectifiers alone; fails sanity checks (Adebayo et al. 2018)",
        "Springenberg et al. 2015, guided backpropagation",
        needs=frozenset({"guided gradients"}),
        gives="map",
        at="input",
    ),
    "guided-gradcam": Method(
        guided_gradcam,
        "guided times enlarged gradcam; its detail fails sanity checks (Adebayo et al. 2018)",
        "Selvaraju et al. 2017, Guided Grad-CAM",
        needs=frozenset({"gradients", "guided gradients"}),
        gives="map",
        at="input",
    ),
    "smoothgrad": Method(
        smoothgrad,
        "gradient, mean over 50 noisy inputs; no sign",
        "Smilkov et al. 2017, SmoothGrad",
        needs=frozenset({"input gradients", "passes"}),
        gives="map",
        at="input",
    ),
    "smoothgradcam++": Method(
        smoothgradcam_plus_plus,
        "gradcam++, its gradients those of 8 noisy inputs",
        "Omeiza et al. 2019, Smooth Grad-CAM++",
        needs=frozenset({"gradients", "passes"}),
    ),
    "shapleycam": Method(
        shapleycam,
        "gradcam with second order; the same where the score is linear behind the layer",
        "Cai 2025, ShapleyCAM",
        needs=frozenset({"gradients", "second derivatives"}),
    ),
    "integrated": Method(
        integrated,
        "gradients on the way from a baseline, on which it depends; sums to the rise in score",
        "Sundararajan et al. 2017, integrated gradients",
        needs=frozenset({"input gradients", "passes"}),
        gives="map",
        at="input",
    ),
    "fullgrad": Method(
        fullgrad,
        "gradient times input and gradient times bias of every layer; no sign",
        "Srinivas and Fleuret 2019, FullGrad",
        needs=frozenset({"input gradients", "biases"}),
        gives="map",
        at="input",
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
    "rollout": Method(
        rollout,
        "attention weights multiplied through the blocks; knows no class",
        "Abnar and Zuidema 2020, Attention rollout",
        **OF_ATTENTION | {"needs": frozenset({"attention"})},
    ),
    "gradrollout": Method(
        gradrollout,
        "positive gradient times attention, multiplied through the blocks",
        "Chefer et al. 2021, Generic attention explainability",
        **OF_ATTENTION,
    ),
    "legrad": Method(
        legrad,
        "positive gradient at the attention of each block, of the score of its mean token",
        "Bousselham et al. 2024, LeGrad",
        **OF_ATTENTION,
    ),
    "legrad-final": Method(
        legrad_final,
        "as legrad, of the model's own score; for heads that take no mean token",
        "after LeGrad",
        **OF_ATTENTION,
    ),
    "gradeclip": Method(
        gradeclip,
        "what each value adds to the score at the last attention, by likeness of query and key",
        "Zhao et al. 2025, Grad-ECLIP",
        **OF_ATTENTION,
    ),
}
"""By name. To add one: a function, a row here, its loops in its test file."""

USUAL = {
    **dict.fromkeys(("boxes", "dense classes", "picture"), "hirescam"),
    "sequence": "layercam",
}
"""By kind of head, the method that is taken where none is named; `gradcam` of all others.

A mean over space smears over the objects of a picture; docs/targets.md has the figures."""


BEST = "best"
"""Asks for what the tables of docs/methods.md put first for such a head: `best.best_methods`."""
AUTO = "auto"
"""Asks for the usual method, and for `reciprocam` where an operator has no derivative."""


def usual_method(head: Head | None) -> str:
    """The method for a score, where none is named."""
    return "gradcam" if head is None else USUAL.get(head.asked, "gradcam")


def find_method(text: str) -> Method:
    """The row of METHODS, with its options where some are given: `legrad:blocks=1`.

    Raises:
        InputError: there is no such method, or it takes no such option; the line has all of them.
    """
    return with_options(text)[1]


def with_options(text: str, given: Mapping[str, Any] | None = None) -> tuple[str, Method]:
    """How a method with these options besides is spelled, and its row, which has them all.

    Options are left out where they are as they are by default; of those in `given` an array is
    not spelled, and counts all the same.

    Raises:
        InputError: as of `find_method`.
    """
    name, options = read(text)
    if name in (AUTO, BEST):
        raise InputError(f"'{name}' is a choice of `explain`: name the method itself here")
    if name not in METHODS:
        raise InputError(f"no method '{name}'; {near_methods(name)}")
    row, options = METHODS[name], options | dict(given or {})
    if not options:
        return name, row
    return spelled(name, row.formula, options), replace(
        row, formula=partial(row.formula, **options)
    )


def canonical(text: str) -> str:
    """A method with its options in the one way that files and records have it."""
    return text if text in (AUTO, BEST) else with_options(text)[0]


def near_methods(name: str) -> str:
    """What may have been meant, else all that there are."""
    near = get_close_matches(name, [*METHODS, AUTO, BEST], 3)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(METHODS)}"


def needs_passes(name: str) -> bool:
    """Does it run the model, or a part of it, many times?"""
    return name == AUTO or (name != BEST and not find_method(name).of_arrays)


def about_input(name: str) -> bool:
    """Is it a method whose map has the cells of the input, so that layers do not count?

    Raises:
        InputError: no such method.
    """
    return name not in (AUTO, BEST) and not find_method(name).layered


def pulls_of(names: Sequence[str]) -> Pulls:
    """The gradient of the picture that a look is to be ready for, where these methods will ask.

    A guided one has no other gradient, so that it suits those alone that read nothing else.

    Raises:
        InputError: no such method.
    """
    found = {"" if name in (AUTO, BEST) else find_method(name).pulls for name in names}
    return "guided" if found == {"guided"} else "plain" if "plain" in found else ""
