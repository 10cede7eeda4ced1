"""One image after another through one model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array, Backend, Capture, InputInfo
from cam_core.errors import InputError, ModelError
from cam_core.explain import check_finite, from_capture
from cam_core.explanation import Explanation
from cam_core.image import Prepared, Preprocess, card, preprocess, read
from cam_core.labels import label_of
from cam_core.scores import pool
from cam_core.targets import ClassTarget, ContrastTarget, ScoredTarget, TopTarget
from cam_core.write import npy, write_together

from .labels import Labels
from .output import png, to_json, versions


@dataclass(frozen=True)
class Row:
    """What the table says of one image and target."""

    image: str
    target: str
    """The class index, or the target in words where it is about no single class."""
    label: str
    score: float
    probability: float | None
    raw_max: float
    diagnosis: str
    stem: str
    """The name of the files, without what says their kind."""
    top: tuple[tuple[int, str, float], ...]
    """The best classes of the image: index, label and probability; none of a dense score."""
    layer: str
    preprocessing: str


@dataclass(frozen=True)
class Job:
    """What stays the same from image to image."""

    model: str
    model_sha256: str | None
    backend: Backend
    spec: Preprocess
    source: str
    """Where the preprocessing comes from, in words."""
    labels: Labels | None
    method: str
    layer: str | None
    folder: Path
    signed: bool

    def run(self, path: Path, targets: Sequence[ScoredTarget]) -> list[Row]:
        """Explain one image; its files appear together, once all its targets are done."""
        image = read(path)
        prepared = preprocess(image, self.spec, image_input(self.backend))
        check_finite(prepared.x)
        layers = None if self.layer is None else [self.layer]
        files: dict[str, bytes] = {}
        rows: dict[str, Row] = {}
        for target in targets:
            capture = self.backend.capture(prepared.x, target, layers=layers)[0]
            row, explanation = self.explain(path, prepared, capture, target)
            if row.stem not in rows:  # two targets may turn out to be the same class
                rows[row.stem] = row
                files |= self.render(path, image, prepared, row, explanation)
        write_together(self.folder, files)
        return list(rows.values())

    def explain(
        self, path: Path, prepared: Prepared, capture: Capture, target: ScoredTarget
    ) -> tuple[Row, Explanation]:
        """The numbers of one target."""
        logits = pool(capture.logits, getattr(self.backend, "class_axis", 1))  # [1, C]
        if self.labels is not None:
            self.labels.check(logits.shape[1])
        names = None if self.labels is None else self.labels.names
        explanation = from_capture(capture, target, self.method, labels=names)
        if explanation.map.ndim != 3:
            raise ModelError(
                f"layer '{capture.layer}': its map {list(explanation.map.shape[1:])} is not a "
                "picture. Choose a layer with height and width: gradcam layers lists them."
            )
        dense = logits.size != capture.logits.size  # a sum over positions is no logit
        likely = None if dense else probabilities(logits)[0]
        index = None if explanation.classes is None else int(explanation.classes[0])
        asked = name_target(target, index)
        single = index is not None and not isinstance(target, ContrastTarget)
        row = Row(
            image=str(path),
            target=asked,
            label=name_label(target, index, names),
            score=float(explanation.score[0]),
            probability=float(likely[index]) if single and likely is not None else None,
            raw_max=float(explanation.raw_max[0]),
            diagnosis=explanation.diagnosis[0],
            stem=f"{path.stem}.{file_name(asked)}.{self.method}",
            top=() if likely is None else best(likely, names),
            layer=explanation.layer,
            preprocessing=prepared.description,
        )
        return row, explanation

    def render(
        self, path: Path, image: Array, prepared: Prepared, row: Row, explanation: Explanation
    ) -> dict[str, bytes]:
        """The bytes of each file of one image and target, by name."""
        picture = card(
            image,
            explanation.heatmap(prepared.placement.size)[0],
            prepared.placement,
            title=row.label or subject(row),
            lines=caption(row, self.method),
            limits=(float(explanation.map[0].min()), row.raw_max),
            reason=row.diagnosis,
        )
        files = {
            f"{row.stem}.png": png(picture),
            f"{row.stem}.npy": npy(explanation.map[0]),
            f"{row.stem}.json": to_json(self.record(path, prepared, row, explanation)),
        }
        if self.signed:
            files[f"{row.stem}.signed.npy"] = npy(explanation.signed[0])
        return files

    def record(
        self, path: Path, prepared: Prepared, row: Row, explanation: Explanation
    ) -> dict[str, Any]:
        """All that is needed to make the map again, and to judge it."""
        return {
            "image": str(path),
            "model": self.model,
            "model_sha256": self.model_sha256,
            "score_tensor": getattr(self.backend, "score_name", None),
            **explanation.facts(),
            "label": row.label or None,
            "probability": row.probability,
            "top": [
                {"class": index, "label": label or None, "probability": p}
                for index, label, p in row.top
            ],
            "preprocessing": {"source": self.source, **prepared.as_dict(self.spec)},
            "provider": getattr(self.backend, "provider", None),
            "versions": versions(),
        }


def image_input(backend: Backend) -> InputInfo:
    """The one input of an image model."""
    inputs = backend.inputs()
    if len(inputs) != 1:
        names = ", ".join(f"'{info.name}'" for info in inputs)
        raise InputError(
            f"the model takes {len(inputs)} inputs ({names}); a photo is one. "
            "Build the arrays yourself and call cam_core.explain."
        )
    return inputs[0]


def probabilities(logits: Array) -> Array:
    """Softmax [N, C] in float64, the sigmoid of a single class; what is one already stays."""
    y = logits.astype(np.float64)
    if y.shape[1] == 1:
        return np.exp(-np.logaddexp(0.0, -y))
    if y.min() >= 0 and np.allclose(y.sum(axis=1), 1, atol=1e-3):
        return y
    e = np.exp(y - y.max(axis=1, keepdims=True))
    p: Array = e / e.sum(axis=1, keepdims=True)
    return p


def best(
    likely: Array, names: Sequence[str] | None, count: int = 5
) -> tuple[tuple[int, str, float], ...]:
    """Index, label and probability of the likeliest classes; likely is [C]."""
    order = np.argsort(-likely, kind="stable")[:count].tolist()
    return tuple((c, "" if names is None else label_of(c, names), float(likely[c])) for c in order)


def name_target(target: ScoredTarget, index: int | None) -> str:
    """What stands for a target in tables and file names.

    A plain class or rank is called by the class it turned out to be.
    """
    plain = isinstance(target, ClassTarget | TopTarget) and index is not None
    return str(index) if plain else target.label


def name_label(target: ScoredTarget, index: int | None, names: Sequence[str] | None) -> str:
    """The label of the target's class, or '' where there is none."""
    if names is None or index is None:
        return ""
    if isinstance(target, ContrastTarget):
        return f"{label_of(target.a, names)} - {label_of(target.b, names)}"
    return label_of(index, names)


def file_name(text: str) -> str:
    """Without what file systems mind: 'prob:243' is 'prob-243'."""
    return re.sub(r"[^\w+.-]+", "-", text).strip("-.") or "target"


def subject(row: Row) -> str:
    """'class 243', or 'target prob:243'."""
    return f"{'class' if row.target.isdecimal() else 'target'} {row.target}"


def caption(row: Row, method: str) -> list[str]:
    """The small print under the picture."""
    facts = [subject(row)] if row.label else []
    facts.append(f"score {row.score:.4g}")
    if row.probability is not None:
        facts.append(f"probability {row.probability:.3g}")
    facts.append(f"map maximum {row.raw_max:.3g}")
    return [" · ".join(facts), f"{method} at {row.layer}"]
