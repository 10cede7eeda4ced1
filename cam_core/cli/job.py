"""One sample after another through one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cam_core.answers import explained
from cam_core.backend import Array, Backend
from cam_core.errors import ModelError, TargetError
from cam_core.explain import check_finite, seen_by
from cam_core.explanation import Explanation
from cam_core.head import ENTRY, Head, heads_of
from cam_core.looking import Looks
from cam_core.methods import about_input
from cam_core.own_map import own_map
from cam_core.sources import Labels
from cam_core.targets import ScoredTarget, Seen
from cam_core.targets.detection import LIKELY
from cam_core.targets.scores import pool

from .inputs.samples import Sample
from .naming import Top, best, probabilities, stem_of
from .steps import Step
from .typed import flag

NOTHING = np.empty(0)
"""What is left of the input of a picture that was explained."""


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
    reads: str = ""
    """The line that a reader reads; '' of anything else."""
    picture: str = ""
    """The name of the one picture of all characters of a line; '' where each target has its own."""


@dataclass(frozen=True)
class Beside:
    """A second picture that a target is about as well, with a map of its own."""

    sample: Sample
    explanation: Explanation


class Share(NamedTuple):
    """A part in a picture that all targets of one question share."""

    kind: str
    """What `ScoredTarget.together` says."""
    label: str
    """The question."""
    place: int
    """Which of its targets."""


ALL_IN_ONE = {"versus"}
"""Kinds whose targets have no files of their own."""


@dataclass(frozen=True)
class Explained:
    """One target of one sample."""

    row: Row
    explanation: Explanation
    unit: str
    """What the map is measured in: maps of one unit may share their colours."""
    beside: Beside | None = None
    shares: tuple[Share, ...] = ()
    alone: bool = True
    """Has it files of its own?"""


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
    prepare: Callable[[Path], Sample] | None = None
    """What makes an input of another picture, to compare with."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, where known."""
        return None if self.labels is None else self.labels.names

    @cached_property
    def heads(self) -> Sequence[Head]:
        """What the model's outputs are, the one with the score first."""
        return heads_of(self.backend)

    @property
    def selected(self) -> bool:
        """Does the score hold one number a box, and the class of each is another output?"""
        boxes = self.heads[0].boxes if self.heads else None
        return boxes is not None and boxes.own is not None

    @property
    def probability(self) -> str:
        """What makes a probability of a score: `softmax`, `sigmoid` or '' for nothing."""
        return self.heads[0].probability if self.heads else ""

    def explain(
        self,
        sample: Sample,
        targets: Sequence[ScoredTarget],
        step: Step | None = None,
    ) -> list[Explained]:
        """Explain one sample; targets that turn out to be the same class count once."""
        step = Step() if step is None else step
        looks = self._look(sample, step.within)
        seen = seen_by(self.backend, sample.x, looks.first, self.names, placement=sample.placement)
        seen = replace(seen, threshold=self.threshold, answer=self._answer)
        found: dict[str, Explained] = {}
        for question in targets:
            for place, target in enumerate(found_in(question, seen, sample.slot.name)):
                one = self.explain_target(sample, looks, target)
                known = found.get(one.row.stem)
                found[one.row.stem] = shared(question, place, one, known)
            step()
        return self._together(sample, [self._named(sample, one) for one in found.values()])

    def _named(self, sample: Sample, one: Explained) -> Explained:
        """What has no files of its own is in those of its question."""
        if one.alone:
            return one
        stem = stem_of(sample.slot.stem, one.shares[0].label, self.method)
        return replace(one, row=replace(one.row, stem=stem))

    def _together(self, sample: Sample, found: list[Explained]) -> list[Explained]:
        """Several characters of a line over a photo are one picture."""
        characters = [one for one in found if "char" in (*one.explanation.detail, {})[0]]
        if len(characters) < max(2, len(found)) or sample.placement is None:
            return found
        name = f"{sample.slot.stem}.characters.{self.method}"
        return [replace(one, row=replace(one.row, picture=name)) for one in found]

    def explain_target(self, sample: Sample, looks: Looks, target: ScoredTarget) -> Explained:
        """The numbers of one target; of several layers merged."""
        explanation = self._explanation(sample, looks, target)
        y = looks.first.score
        logits = pool(y, self.backend.class_axis)  # [N, C]
        if self.labels is not None and not self.selected:
            self.labels.check(logits.shape[1], flag)
        dense = logits.size != y.size  # a sum over positions is no logit
        row = self._row(sample, target, explanation, None if dense else logits[:1])
        beside = self._beside(target, y)
        return Explained(row, explanation[0], target.unit, beside)

    def _beside(self, target: ScoredTarget, y: Array) -> Beside | None:
        """The same number over the other picture that it is about."""
        found = target.mirrored(y)
        if found is None:
            return None
        sample, looks = self._other(found.picture)
        explanation = self._explanation(sample, looks, found.target)
        return Beside(replace(sample, x=NOTHING), explanation[0])

    def _answer(self, picture: str) -> Array:
        """The score of another picture."""
        return self._other(picture)[1].first.score

    def _other(self, picture: str) -> tuple[Sample, Looks]:
        """Another picture, prepared as all are, and looked at once."""
        if picture not in self._others:
            assert self.prepare is not None  # `plan` says how
            sample = self.prepare(Path(picture))
            self._others[picture] = sample, self._look(sample)
        return self._others[picture]

    @cached_property
    def _others(self) -> dict[str, tuple[Sample, Looks]]:
        return {}

    def _look(self, sample: Sample, told: Callable[[float], None] = lambda share: None) -> Looks:
        check_finite(sample.x)
        layers, bare = None if self.layer is None else [self.layer], about_input(self.method)
        return Looks(self.backend, sample.x, layers, told=told, bare=bare)

    def _explanation(self, sample: Sample, looks: Looks, target: ScoredTarget) -> Explanation:
        questions = looks.questions(target)
        explanation = explained(questions, self.method, labels=self.names)
        own = own_map(self.heads, looks.first.score, looks.first.outputs)
        explanation = replace(explanation, own=own)
        if sample.placement is not None and not explanation.lies_over(sample.placement.size):
            raise ModelError(
                f"layer '{explanation.layer}': its map {list(explanation.map.shape[1:])} is not a "
                "picture. Choose a layer with height and width (gradcam layers lists them); where "
                "the model leaves its size open, --size may give it both."
            )
        return explanation

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
            stem=stem_of(sample.slot.stem, asked, self.method),
            top=() if ranked is None else best(ranked[0], self.probability, self.names),
            layer=explanation.layer,
            preprocessing=sample.description,
            entry=self.heads[0].entry if self.heads else ENTRY,
            reads=line_of(explanation.detail),
        )


def line_of(detail: Sequence[Mapping[str, Any]]) -> str:
    """The line that a reader reads, where a target is about one."""
    facts = detail[0] if detail else {}
    text, character = facts.get("text"), facts.get("char")
    return str(text["reads"] if text else character["line"] if character else "")


def shared(
    question: ScoredTarget, place: int, one: Explained, known: Explained | None
) -> Explained:
    """An explanation with its part in what a question shares; known: as another found it."""
    before = () if known is None else known.shares
    own = (Share(question.together, question.label, place),) if question.together else ()
    alone = question.together not in ALL_IN_ONE or (known is not None and known.alone)
    return replace(one if known is None else known, shares=(*before, *own), alone=alone)


def found_in(question: ScoredTarget, seen: Seen, name: str) -> Sequence[ScoredTarget]:
    """What a question turns out to be in a sample; of several, the one that has nothing is named.

    Raises:
        TargetError: there is nothing of the kind.
    """
    try:
        return question.found_in(seen)
    except TargetError as error:
        raise TargetError(f"{name}: {error}") from error
