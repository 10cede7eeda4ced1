"""What a target, its class and its files are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cam_core.backend import Array
from cam_core.head import ENTRY
from cam_core.targets.classes.probability import EACH
from cam_core.targets.labels import label_of


class Likely(NamedTuple):
    """One of a sample's best classes."""

    which: int
    """The class."""
    label: str
    """'' where nobody names it."""
    value: float
    """Its probability."""


class Scored(Likely):
    """One of them where the model makes no probability of a score: the value is the score."""

    __slots__ = ()


Top = tuple[Likely, ...]
ABOUT_A_FILE = re.compile(r"\b((?:un)?like:|mask:)(.+?)(@[^@/\\.]+)?$")
"""`like:FILE`, `unlike:FILE`, `mask:FILE@12`."""


def probabilities(logits: Array, how: str) -> Array | None:
    """Softmax or sigmoid [N, C] in float64, as the model has it; None where it has neither."""
    y = logits.astype(np.float64)
    if how in EACH:
        return EACH[how].value(y)
    if how != "softmax":
        return None
    e = np.exp(y - y.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def best(logits: Array, how: str, names: Sequence[str] | None, count: int = 5) -> Top:
    """The classes of the largest of some logits [C], with their probabilities or scores."""
    found = probabilities(logits[None], how)
    kind, values = (Scored, logits) if found is None else (Likely, found[0])
    order = np.argsort(-values, kind="stable")[:count].tolist()
    return tuple(
        kind(c, "" if names is None else label_of(c, names), float(values[c])) for c in order
    )


def top_line(top: Top, entry: str = ENTRY) -> str:
    """'tiger cat 0.560 · ...' of the likeliest classes; scores are said to be that.

    `entry`: what those without a name are called.
    """
    text = " · ".join(f"{label or f'{entry} {c}'} {value:.3f}" for c, label, value in top)
    return f"{text} (scores)" if isinstance(top[0], Scored) else text


def as_record(top: Top) -> list[dict[str, Any]]:
    """Ready for JSON; `score` instead of `probability` where the model has none."""
    return [
        {
            "class": one.which,
            "label": one.label or None,
            "probability": None if isinstance(one, Scored) else one.value,
        }
        | ({"score": one.value} if isinstance(one, Scored) else {})
        for one in top
    ]


def file_name(text: str) -> str:
    """Without what file systems mind: 'prob:243' is 'prob-243'."""
    return re.sub(r"[^\w+.-]+", "-", text).strip("-.") or "target"


def stem_of(sample: str, target: str, method: str, *, whole: bool = False) -> str:
    """How the files of a sample's target begin.

    `whole`: with the folders and the suffix of a file that the target is about.
    """
    return f"{sample}.{file_name(target if whole else shortened(target))}.{method}"


def shortened(target: str) -> str:
    """'like:photos/b.png' as 'like:b': a file that a target is about by its stem."""
    return ABOUT_A_FILE.sub(lambda m: f"{m[1]}{Path(m[2]).stem}{m[3] or ''}", target)


def subject(target: str, entry: str = ENTRY) -> str:
    """'class 243', or 'target prob:243'."""
    return f"{entry if target.isdecimal() else 'target'} {target}"
