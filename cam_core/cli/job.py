"""One sample after another through one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cam_core.backend import Array, Backend, Capture
from cam_core.captures import pulled
from cam_core.errors import ModelError, TargetError
from cam_core.explain import check_finite, from_captures, seen_by
from cam_core.explanation import Explanation
from cam_core.head import ENTRY, Head, heads_of
from cam_core.sources import Labels
from cam_core.targets import ScoredTarget, Seen
from cam_core.targets.detection import LIKELY
from cam_core.targets.scores import pool

from .inputs.samples import Sample
from .naming import Top, best, file_name, probabilities
from .typed import flag


@dataclass(frozen=True)
class Row:
    """What the table says of one sample and target."""

    image: str
    target: str
    """The class index, or the target in words where it is about no single class."""
    label: str
    score: float
    probability: float | None
    """None where the model makes none of its score."""
    raw_max: float
    diagnosis: str
    stem: str
    """The name of the files, without what says their kind."""
    top: Top
    """The best classes of the sample; none of a dense score."""
    layer: str
    preprocessing: str
    entry: str = ENTRY
    """What one number of the score is called."""


@dataclass(frozen=True)
class Explained:
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
    pictures: bool
    versions: Mapping[str, str]
    """Of what has a part in the numbers."""
    over: str = ""
    """In words, the input that the maps lie over, where there are several."""
    threshold: float = LIKELY
    """The probability from which on there is a box."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, where known."""
        return None if self.labels is None else self.labels.names

    @cached_property
    def heads(self) -> Sequence[Head]:
        """What the model's outputs are, the one with the score first."""
        return heads_of(self.backend)

    @property
    def probability(self) -> str:
        """What makes a probability of a score: `softmax`, `sigmoid` or '' for nothing."""
        return self.heads[0].probability if self.heads else ""

    def explain(
        self,
        sample: Sample,
        targets: Sequence[ScoredTarget],
        step: Callable[[], None] = lambda: None,
    ) -> list[Explained]:
        """Explain one sample; targets that turn out to be the same class count once."""
        check_finite(sample.x)
        look = self.backend.look(sample.x, layers=None if self.layer is None else [self.layer])
        seen = seen_by(self.backend, sample.x, look, self.names, placement=sample.placement)
        seen = replace(seen, threshold=self.threshold)
        found: dict[str, Explained] = {}
        for question in targets:
            for target in found_in(question, seen, sample.slot.name):
                one = self.explain_target(sample, pulled(look, target), target)
                found.setdefault(one.row.stem, one)
            step()
        return list(found.values())

    def explain_target(
        self, sample: Sample, captured: Sequence[Capture], target: ScoredTarget
    ) -> Explained:
        """The numbers of one target; of several layers merged."""
        capture = captured[0]
        logits = pool(capture.logits, self.backend.class_axis)  # [N, C]
        if self.labels is not None:
            self.labels.check(logits.shape[1], flag)
        explanation = from_captures(captured, target, self.method, labels=self.names)
        if sample.placement is not None and not explanation.lies_over(sample.placement.size):
            raise ModelError(
                f"layer '{capture.layer}': its map {list(explanation.map.shape[1:])} is not a "
                "picture. Choose a layer with height and width (gradcam layers lists them); where "
                "the model leaves its size open, --size may give it both."
            )
        dense = logits.size != capture.logits.size  # a sum over positions is no logit
        row = self._row(sample, target, explanation, None if dense else logits[:1])
        return Explained(row, explanation[0], target.unit)

    def _row(
        self, sample: Sample, target: ScoredTarget, explanation: Explanation, logits: Array | None
    ) -> Row:
        """The line of the table; logits are [1, C], None of a dense score."""
        index = None if explanation.classes is None else int(explanation.classes[0])
        asked = target.name(index)
        ranked = logits if all(head.ranked for head in self.heads[:1]) else None
        likely = None if logits is None else probabilities(logits, self.probability)
        single = index is not None and target.single
        probability = float(likely[0, index]) if single and likely is not None else None
        return Row(
            image=sample.slot.name,
            target=asked,
            label=target.title(index, self.names),
            score=float(explanation.score[0]),
            probability=probability if target.probability is None else target.probability,
            raw_max=float(explanation.raw_max[0]),
            diagnosis=explanation.diagnosis[0],
            stem=f"{sample.slot.stem}.{file_name(asked)}.{self.method}",
            top=() if ranked is None else best(ranked[0], self.probability, self.names),
            layer=explanation.layer,
            preprocessing=sample.description,
            entry=self.heads[0].entry if self.heads else ENTRY,
        )


def found_in(question: ScoredTarget, seen: Seen, name: str) -> Sequence[ScoredTarget]:
    """What a question turns out to be in a sample; of several, the one that has nothing is named.

    Raises:
        TargetError: there is nothing of the kind.
    """
    try:
        return question.found_in(seen)
    except TargetError as error:
        raise TargetError(f"{name}: {error}") from error
