"""One sample after another through one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array, Backend, Capture, InputInfo
from cam_core.captures import captures
from cam_core.errors import InputError, ModelError
from cam_core.explain import check_finite, from_capture
from cam_core.explanation import Explanation
from cam_core.image import Placement, card
from cam_core.sources.labels import Labels
from cam_core.targets import ScoredTarget
from cam_core.targets.scores import pool
from cam_core.write import npy, write_together

from .inputs.samples import Sample
from .naming import best, file_name, probabilities, subject
from .output import png, to_json, versions

__all__ = ["Job", "Look", "Row", "image_input", "probabilities"]


@dataclass(frozen=True)
class Row:
    """What the table says of one sample and target."""

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
    """The best classes of the sample: index, label and probability; none of a dense score."""
    layer: str
    preprocessing: str


@dataclass(frozen=True)
class Look:
    """One target of one sample."""

    row: Row
    explanation: Explanation
    unit: str
    """What the map is measured in: maps of one unit may share their colours."""


@dataclass(frozen=True)
class Job:
    """What stays the same from sample to sample."""

    model: str
    model_sha256: str | None
    backend: Backend
    source: str
    """Where the preprocessing comes from, in words."""
    labels: Labels | None
    method: str
    layer: str | None
    folder: Path
    signed: bool

    def look(
        self,
        sample: Sample,
        targets: Sequence[ScoredTarget],
        step: Callable[[], None] = lambda: None,
    ) -> list[Look]:
        """Explain one sample; targets that turn out to be the same class count once."""
        check_finite(sample.x)
        layers = None if self.layer is None else [self.layer]
        found: dict[str, Look] = {}
        seen = captures(self.backend, sample.x, targets, layers=layers)
        for target, (capture,) in zip(targets, seen, strict=True):
            look = self.explain(sample, capture, target)
            found.setdefault(look.row.stem, look)
            step()
        return list(found.values())

    def explain(self, sample: Sample, capture: Capture, target: ScoredTarget) -> Look:
        """The numbers of one target."""
        logits = pool(capture.logits, getattr(self.backend, "class_axis", 1))  # [N, C]
        if self.labels is not None:
            self.labels.check(logits.shape[1])
        names = None if self.labels is None else self.labels.names
        explanation = from_capture(capture, target, self.method, labels=names)
        if explanation.map.ndim != 3 and not sample.slot.feed:
            raise ModelError(
                f"layer '{capture.layer}': its map {list(explanation.map.shape[1:])} is not a "
                "picture. Choose a layer with height and width: gradcam layers lists them."
            )
        dense = logits.size != capture.logits.size  # a sum over positions is no logit
        likely = None if dense else probabilities(logits)[0]
        index = None if explanation.classes is None else int(explanation.classes[0])
        asked = target.name(index)
        single = index is not None and target.single
        row = Row(
            image=sample.slot.name,
            target=asked,
            label=target.title(index, names),
            score=float(explanation.score[0]),
            probability=float(likely[index]) if single and likely is not None else None,
            raw_max=float(explanation.raw_max[0]),
            diagnosis=explanation.diagnosis[0],
            stem=f"{sample.slot.stem}.{file_name(asked)}.{self.method}",
            top=() if likely is None else best(likely, names),
            layer=explanation.layer,
            preprocessing=sample.description,
        )
        return Look(row, explanation[0], target.unit)

    def write(self, sample: Sample, looks: Iterable[Look], tops: dict[str, float]) -> list[Any]:
        """The files of one sample, which appear together; returns the records.

        Args:
            tops: by unit, the raw value that the last colour stands for; each its own if absent.
        """
        files: dict[str, bytes] = {}
        records = []
        for look in looks:
            row, explanation = look.row, look.explanation
            picture = self.draw(sample, look, tops.get(look.unit))
            if picture is not None:
                files[f"{row.stem}.png"] = png(picture)
            files[f"{row.stem}.npy"] = npy(explanation.map[0])
            records.append(self.record(sample, look))
            files[f"{row.stem}.json"] = to_json(records[-1])
            if self.signed:
                files[f"{row.stem}.signed.npy"] = npy(explanation.signed[0])
        write_together(self.folder, files)
        return records

    def draw(self, sample: Sample, look: Look, top: float | None) -> Array | None:
        """The picture, uint8 [H, W, 3]; None where there is nothing to draw on."""
        row, explanation, image = look.row, look.explanation, sample.picture
        if image is None or sample.placement is None or explanation.map.ndim not in (2, 3):
            return None
        heat = spread(explanation, sample.placement)
        low = float(explanation.map[0].min())
        limits = (low, row.raw_max)
        if top is not None:
            if not explanation.blank[0]:
                heat = (low + heat * (row.raw_max - low)) / top
            limits = (0.0, top)
        return card(
            image,
            heat,
            sample.placement,
            title=row.label or subject(row.target),
            lines=caption(row, self.method),
            limits=limits,
            reason=row.diagnosis,
        )

    def record(self, sample: Sample, look: Look) -> dict[str, Any]:
        """All that is needed to make the map again, and to judge it."""
        row, backend, path = look.row, self.backend, sample.slot.path
        return {
            "image": str(path) if sample.slot.name == path.name else sample.slot.name,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "opset": getattr(backend, "opset", None),
            "provider": getattr(backend, "provider", None),
            "optimization": getattr(backend, "optimization", None),
            "score_tensor": getattr(backend, "score_name", None),
            **look.explanation.facts(),
            "target": row.target,
            "label": row.label or None,
            "probability": row.probability,
            "top": [
                {"class": index, "label": label or None, "probability": p}
                for index, label, p in row.top
            ],
            "labels": None if self.labels is None else self.labels.source,
            "preprocessing": {
                "source": "the array itself" if sample.slot.feed else self.source,
                **sample.record,
            },
            "versions": versions(),
        }


def spread(explanation: Explanation, placement: Placement) -> Array:
    """The heatmap [h, w] over the whole input; that of a signal is the same in every row."""
    if explanation.map.ndim == 3:
        whole: Array = explanation.heatmap(placement.size)[0]
        return whole
    line: Array = explanation.heatmap(placement.size[1:])[0]  # [T]
    return np.repeat(line[None], placement.size[0], axis=0)


def caption(row: Row, method: str) -> list[str]:
    """The small print under the picture."""
    facts = [subject(row.target)] if row.label else []
    facts.append(f"score {row.score:.4g}")
    if row.probability is not None:
        facts.append(f"probability {row.probability:.3g}")
    facts.append(f"map maximum {row.raw_max:.3g}")
    return [" · ".join(facts), f"{method} at {row.layer}"]


def image_input(backend: Backend) -> InputInfo:
    """The one input of an image model."""
    inputs = backend.inputs()
    if len(inputs) != 1:
        names = ", ".join(f"'{info.name}'" for info in inputs)
        raise InputError(f"the model takes {len(inputs)} inputs ({names}); a photo is one.")
    return inputs[0]
