"""The table of methods."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..head import Head
from .attention import gradeclip, gradrollout, legrad, legrad_final, rollout
from .from_gradients import gradcam, gradcam_plus_plus, hirescam, layercam, xgradcam
from .method import Method

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
        traceable=False,
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
        traceable=False,
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


def usual_method(head: Head | None) -> str:
    """The method for a score, where none is named."""
    return "gradcam" if head is None else USUAL.get(head.asked, "gradcam")


def find_method(name: str) -> Method:
    """The row of METHODS, or an error that names them."""
    if name not in METHODS:
        raise InputError(f"no method '{name}'; there are {', '.join(METHODS)}")
    return METHODS[name]
