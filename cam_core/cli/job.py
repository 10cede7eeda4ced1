"""One sample after another through one model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cam_core.backend import Array, Backend
from cam_core.errors import ModelError, NothingFoundError, TargetError
from cam_core.explain import check_finite, seen_by
from cam_core.explanation import Explanation
from cam_core.head import ENTRY, Head, heads_of
from cam_core.looking import Looks
from cam_core.methods import about_input
from cam_core.smoothing import explained
from cam_core.sources import Labels
from cam_core.targets import ScoredTarget, Seen
from cam_core.targets.detection import LIKELY
from cam_core.targets.scores import pool

from .explained import (
    NOTHING,
    Beside,
    Explained,
    Key,
    Row,
    in_full,
    line_of,
    of_layer,
    shared,
)
from .inputs.samples import Sample
from .naming import best, probabilities, stem_of
from .steps import Step
from .typed import flag
from .views import Views, require_apart, views


@dataclass(frozen=True)
class Job:
    """What stays the same from sample to sample."""

    model: str
    model_sha256: str | None
    backend: Backend
    source: str
    """Where the preprocessing comes from, in words."""
    labels: Labels | None
    methods: tuple[str, ...]
    layers: tuple[str, ...]
    """() is the default."""
    folder: Path
    signed: bool
    pictures: bool
    versions: Mapping[str, str]
    """Of what has a part in the numbers."""
    over: str = ""
    """In words, the input that the maps lie over, where there are several."""
    threshold: float = LIKELY
    """The probability from which on there is a box."""
    fuse: str | None = None
    """How several layers are one picture; a picture each if None."""
    smooths: tuple[str, ...] = ()
    prepare: Callable[[Path], Sample] | None = None
    """What makes an input of another picture, to compare with."""
    cropping: Mapping[str, Any] = field(default_factory=dict)
    """What the model is shown parts of photos by, ready for JSON."""
    cropped: str = ""
    """The same in one line; '' where it is shown whole photos."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, where known."""
        return None if self.labels is None else self.labels.names

    def views(self, method: str) -> Views:
        """The pictures of each target by a method."""
        return views(self.layers, self.fuse, method)

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
        miss: Callable[[str], None] = lambda line: None,
    ) -> list[Explained]:
        """Explain one sample; targets that turn out to be the same class count once.

        `miss` is told of each target that there is nothing of in it.
        """
        step = Step() if step is None else step
        looks = self._look(sample, step.within)
        seen = seen_by(self.backend, sample.x, looks.first, self.names, placement=sample.placement)
        seen = replace(seen, threshold=self.threshold, answer=self._answer)
        found: dict[Key, Explained] = {}
        for question in targets:
            for method in self.methods:
                require_apart(question, self.views(method))
            for place, target in enumerate(found_in(question, seen, sample.slot.name, miss)):
                for method in self.methods:
                    for view in self.views(method):
                        one = self.explain_target(sample, looks, target, method, view)
                        key = one.row.target, method, view
                        found[key] = shared(question, place, one, found.get(key))
            step()
        apart = self._apart(sample, found)
        return self._together(sample, [self._named(sample, one) for one in apart])

    def _apart(self, sample: Sample, found: Mapping[Key, Explained]) -> list[Explained]:
        """Those whose files would be called alike, as those about a/x.png and b/x.png, in full."""
        stems = Counter(one.row.stem.casefold() for one in found.values())
        return [
            one
            if stems[one.row.stem.casefold()] == 1
            else replace(one, row=replace(one.row, stem=in_full(sample, key, one)))
            for key, one in found.items()
        ]

    def _named(self, sample: Sample, one: Explained) -> Explained:
        """What has no files of its own is in those of its question."""
        if one.alone:
            return one
        stem = stem_of(sample.slot.stem, one.shares[0].label, one.method)
        return replace(one, row=replace(one.row, stem=stem))

    def _together(self, sample: Sample, found: list[Explained]) -> list[Explained]:
        """Several characters of a line over a photo are one picture."""
        characters = [one for one in found if "char" in (*one.explanation.detail, {})[0]]
        apart = any(len(self.views(method)) > 1 for method in self.methods)
        each = apart or len(characters) < max(2, len(found))
        if each or sample.placement is None:
            return found
        name = f"{sample.slot.stem}.characters"
        return [replace(one, row=replace(one.row, picture=f"{name}.{one.method}")) for one in found]

    def explain_target(
        self,
        sample: Sample,
        looks: Looks,
        target: ScoredTarget,
        method: str,
        view: int | None = None,
    ) -> Explained:
        """The numbers of one target at one of the layers; of all of them merged if None."""
        explanation = self._explanation(sample, looks, target, method, view)
        y = looks.first.score
        logits = pool(y, self.backend.class_axis)  # [N, C]
        if self.labels is not None and not self.selected:
            self.labels.check(logits.shape[1], flag)
        dense = logits.size != y.size  # a sum over positions is no logit
        row = self._row(sample, target, method, explanation, None if dense else logits[:1])
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
        explanation = self._explanation(sample, looks, found.target, method, view)
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
        bare = all(about_input(method) for method in self.methods)
        return Looks(self.backend, sample.x, self.layers or None, told=told, bare=bare)

    def _explanation(
        self, sample: Sample, looks: Looks, target: ScoredTarget, method: str, view: int | None
    ) -> Explanation:
        questions = looks.questions(target)
        of = questions if view is None else [questions[view]]
        how: dict[str, Any] = {"fuse": self.fuse, "smooth": self.smooths}
        explanation = explained(of, method, labels=self.names, **how)
        explanation = replace(explanation, own=looks.own_map)
        if sample.placement is not None and not explanation.lies_over(sample.placement.size):
            raise ModelError(
                f"layer '{explanation.layer}': its map {list(explanation.map.shape[1:])} is not a "
                "picture. Choose a layer with height and width (gradcam layers lists them); where "
                "the model leaves its size open, --size may give it both."
            )
        return explanation

    def _row(
        self,
        sample: Sample,
        target: ScoredTarget,
        method: str,
        explanation: Explanation,
        logits: Array | None,
    ) -> Row:
        """The line of the table; logits are [1, C], None of a dense score."""
        index = None if explanation.classes is None else int(explanation.classes[0])
        asked = target.name(index)
        several = len(self.methods) > 1 and sample.placement is not None
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
            stem=stem_of(sample.slot.stem, asked, method),
            top=() if ranked is None else best(ranked[0], self.probability, self.names),
            layer=explanation.layer,
            preprocessing=sample.description,
            entry=self.heads[0].entry if self.heads else ENTRY,
            reads=line_of(explanation.detail),
            sheet=f"{sample.slot.stem}.methods" if several else "",
            chosen="" if explanation.method == method else f"{explanation.method} ({method})",
        )


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
