"""One sample after another through one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cam_core.asking import seen_by
from cam_core.backend import Array
from cam_core.errors import CamError, LayerError, ModelError, NothingFoundError, TargetError
from cam_core.explain import check_finite
from cam_core.explanation import Explanation
from cam_core.head import ENTRY
from cam_core.looking import Looks
from cam_core.methods import about_input, find_method
from cam_core.smoothing import explained
from cam_core.targets import ScoredTarget, Seen
from cam_core.targets.scores import pool

from .explained import NOTHING, Beside, Explained, Key, Row, line_of, of_layer, shared
from .filing import filed
from .inputs.samples import Sample
from .job import Job
from .naming import best, probabilities, stem_of
from .refused import Refused, of_all
from .steps import Step
from .typed import flag
from .views import require_apart


@dataclass(frozen=True)
class Explaining:
    """A job at work; other pictures that targets are about are looked at once."""

    job: Job
    refused: Refused = field(default_factory=Refused)
    _others: dict[str, tuple[Sample, Looks]] = field(default_factory=dict)

    def explain(
        self,
        sample: Sample,
        targets: Sequence[ScoredTarget],
        step: Step | None = None,
        miss: Callable[[str], None] = lambda line: None,
    ) -> list[Explained]:
        """Explain one sample; targets that turn out to be the same class count once.

        `miss` is told of each target that there is nothing of in it.
        """
        step, job = Step() if step is None else step, self.job
        looks, methods = self._look(sample, step.within)
        seen = seen_by(job.backend, sample.x, looks.first, job.names, placement=sample.placement)
        seen = replace(seen, threshold=job.threshold, answer=self._answer)
        found: dict[Key, Explained] = {}
        for question in targets:
            for method in methods:
                require_apart(question, job.views(method))
            for place, target in enumerate(found_in(question, seen, sample.slot.name, miss)):
                for key, one in self._by_each(sample, looks, target, methods).items():
                    found[key] = shared(question, place, one, found.get(key))
            step()
        return filed(job, sample, found)

    def _look(
        self, sample: Sample, told: Callable[[float], None] = lambda share: None
    ) -> tuple[Looks, Sequence[str]]:
        """At a sample, and the methods that go on: where the model has no layer, those of none."""
        job = self.job
        try:
            return look(job, sample, job.methods, told), job.methods
        except LayerError as error:
            bare = [method for method in job.methods if about_input(method)]
            if job.layers or not bare:
                raise
            for method in job.methods:
                if method not in bare:
                    self.refused.failed(method, sample.slot.name, error)
            return look(job, sample, bare, told), bare

    def _by_each(
        self, sample: Sample, looks: Looks, target: ScoredTarget, methods: Sequence[str]
    ) -> dict[Key, Explained]:
        """One target by each method that can.

        Raises:
            CamError: none can.
        """
        found: dict[Key, Explained] = {}
        failed: dict[str, CamError] = {}
        for method in methods:
            try:
                for view in self.job.views(method):
                    one = self._target(sample, looks, target, method, view)
                    found[one.row.target, method, view] = one
            except CamError as error:
                failed[method] = error
            else:
                self.refused.worked(method)
        if failed and not found:
            raise of_all(failed)
        for method, why in failed.items():
            self.refused.failed(method, sample.slot.name, why)
        return found

    def _target(
        self, sample: Sample, looks: Looks, target: ScoredTarget, method: str, view: int | None
    ) -> Explained:
        """The numbers of one target at one of the layers; of all of them merged if None."""
        job = self.job
        explanation = explanation_of(job, sample, looks, target, method, view)
        y = looks.first.score
        logits = pool(y, job.backend.class_axis)  # [N, C]
        if job.labels is not None and not job.selected:
            job.labels.check(logits.shape[1], flag)
        dense = logits.size != y.size  # a sum over positions is no logit
        row = row_of(job, sample, target, method, explanation, None if dense else logits[:1])
        if view is not None:
            row = replace(row, stem=f"{row.stem}{of_layer(explanation)}")
        beside = self._beside(target, y, method, view)
        return Explained(row, explanation[0], (target.unit, method), beside)

    def _beside(
        self, target: ScoredTarget, y: Array, method: str, view: int | None
    ) -> Beside | None:
        """The same number over the other picture that it is about."""
        found = target.mirrored(y)
        if found is None:
            return None
        sample, looks = self._other(found.picture)
        explanation = explanation_of(self.job, sample, looks, found.target, method, view)
        return Beside(replace(sample, x=NOTHING), explanation[0])

    def _answer(self, picture: str) -> Array:
        """The score of another picture."""
        return self._other(picture)[1].first.score

    def _other(self, picture: str) -> tuple[Sample, Looks]:
        """Another picture, prepared as all are, and looked at once."""
        if picture not in self._others:
            assert self.job.prepare is not None  # `plan` says how
            sample = self.job.prepare(Path(picture))
            self._others[picture] = sample, self._look(sample)[0]
        return self._others[picture]


def look(job: Job, sample: Sample, methods: Sequence[str], told: Callable[[float], None]) -> Looks:
    """At a sample, where the job looks."""
    check_finite(sample.x)
    return Looks(job.backend, sample.x, job.layers or None, told=told, methods=methods)


def explanation_of(
    job: Job, sample: Sample, looks: Looks, target: ScoredTarget, method: str, view: int | None
) -> Explanation:
    """The map of one target by one method.

    Raises:
        ModelError: it is no picture, and the sample is one.
    """
    questions = looks.questions(target)
    of = questions if view is None else [questions[view]]
    how: dict[str, Any] = {"fuse": job.fuse, "smooth": job.smooths}
    explanation = explained(of, method, labels=job.names, **how)
    explanation = replace(explanation, own=looks.own_map)
    if sample.placement is not None and not explanation.lies_over(sample.placement.size):
        raise ModelError(
            f"layer '{explanation.layer}': its map {list(explanation.map.shape[1:])} is not a "
            "picture. Choose a layer with height and width (gradcam layers lists them); where "
            "the model leaves its size open, --size may give it both."
        )
    return explanation


def row_of(
    job: Job,
    sample: Sample,
    target: ScoredTarget,
    method: str,
    explanation: Explanation,
    logits: Array | None,
) -> Row:
    """The line of the table; logits are [1, C], None of a dense score."""
    index = None if explanation.classes is None else int(explanation.classes[0])
    asked = target.name(index)
    several = len(job.methods) > 1 and sample.placement is not None
    ranked = logits if all(head.ranked for head in job.heads[:1]) else None
    likely = None if logits is None else probabilities(logits, job.probability)
    single = index is not None and target.single
    probability = float(likely[0, index]) if single and likely is not None else None
    return Row(
        image=sample.slot.name,
        target=asked,
        label=target.title(index, job.names),
        score=float(explanation.score[0]),
        probability=probability if target.probability is None else target.probability,
        raw_max=float(explanation.raw_max[0]),
        diagnosis=explanation.diagnosis[0],
        stem=stem_of(sample.slot.stem, asked, job.named(method)),
        top=() if ranked is None else best(ranked[0], job.probability, job.names),
        layer=explanation.layer,
        preprocessing=sample.description,
        entry=job.heads[0].entry if job.heads else ENTRY,
        reads=line_of(explanation.detail),
        sheet=f"{sample.slot.stem}.{job.sheet}" if several else "",
        layered=find_method(explanation.method).layered,
        chosen="" if explanation.method == method else chosen_said(explanation, method),
    )


def chosen_said(explanation: Explanation, asked: str) -> str:
    """What `auto` or `best` turned out to be, and why: 'hirescam (best, as ...)'."""
    why = f", as {explanation.chosen}" if explanation.chosen else ""
    return f"{explanation.method} ({asked}{why})"


def found_in(
    question: ScoredTarget, seen: Seen, name: str, miss: Callable[[str], None]
) -> Sequence[ScoredTarget]:
    """What a question turns out to be in a sample; `miss` is told where there is nothing of it.

    Raises:
        TargetError: it cannot be asked of this model.
    """
    try:
        return question.found_in(seen)
    except NothingFoundError as error:
        miss(f"{name}: {error}")
        return ()
    except TargetError as error:
        raise TargetError(f"{name}: {error}") from error
