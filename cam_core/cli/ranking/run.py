"""Photos one after another: one look for all methods, then the metrics of their maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from cam_core.answers import explained
from cam_core.asking import seen_by
from cam_core.backend import Array, InputInfo
from cam_core.errors import CamError, ModelError, NothingFoundError
from cam_core.explain import check_finite, suited
from cam_core.explanation import Explanation
from cam_core.head import head_of
from cam_core.image import Placement
from cam_core.looking import Looks
from cam_core.plural import counted
from cam_core.ranking import Case, Costs, Seen, Tally, cost
from cam_core.ranking.asking import asked_of, boxes_of
from cam_core.ranking.sanity import Question
from cam_core.sources.boxes import BoxesByPhoto
from cam_core.targets import ScoredTarget
from cam_core.targets.labels import label_of

from ..contact import small
from ..inputs.opened import Setup
from ..inputs.samples import Sample
from ..steps import Step
from ..threads import ahead
from .pace import Pace, in_words

PICTURED = 4
"""Photos that are in the picture."""
COSTED = 3
"""Photos that the methods are timed on."""


@dataclass(frozen=True)
class Shown:
    """What is drawn of one photo."""

    name: str
    asked: str
    photo: Array
    placement: Placement
    heats: Mapping[str, Array | None]
    """By method, over the input; None of a blank map."""


@dataclass
class Run:
    """One model, some methods, and what comes of photo after photo; no photo stays."""

    setup: Setup
    methods: Sequence[str]
    tally: Tally
    targets: Sequence[ScoredTarget]
    """Asked of each photo; none: what its labels say, else what suits the model."""
    boxes: BoxesByPhoto | None
    layer: str | None
    threshold: float
    checks: int
    """Photos that the sanity check is made on."""
    say: Callable[[str], None] = lambda line: None
    costs: Costs = field(default_factory=Costs)
    shown: list[Shown] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    """Of the photos that were measured."""
    explained_at: set[str] = field(default_factory=set)
    """The layers."""
    scored: set[str] = field(default_factory=set)
    """What Y is where metrics change the input, in words."""

    @property
    def layers(self) -> list[str] | None:
        """As `look` takes them."""
        return None if self.layer is None else [self.layer]

    def photos(self, step: Step) -> None:
        """All of them; `step` is told within each how much of it is done."""
        reader, slots = self.setup.reader, self.setup.slots
        samples = ahead(lambda i: reader.open(slots[i], i), range(len(slots)))
        parts = len(self.tally.methods) * (1 + len(self.tally.metrics))
        pace = Pace(step, len(slots), parts, self._estimate)
        for index, sample in enumerate(samples):
            cases = self.photo(sample, index, pace.part)
            pace.photo(measured=bool(cases))
            if cases and len(self.tally.photos) <= COSTED:
                self._time(cases[0])
            pace.next()
        if not self.tally.targets:
            lines = self.missed or ["no photo has anything to ask about"]
            raise NothingFoundError(f"nothing to rank by: {lines[0]}")

    def photo(self, sample: Sample, index: int, told: Callable[[], None]) -> list[Case]:
        """Its questions, measured; `told` hears of each map and number, missed ones are lines."""
        cases = list(self.cases(sample, index, told))
        if not cases:
            return []
        if not self.tally.at_work:
            reason = next(iter(self.tally.refused.values()))
            raise ModelError(f"none of these methods works on this model: {reason}")
        self.tally.add(sample.slot.name, cases, told)
        self.paths.append(sample.slot.path)
        first = cases[0]
        self.scored.add("the target's number" if first.likely is None else _said(first))
        if len(self.shown) < PICTURED and sample.picture is not None:
            self._show(sample, first)
        if len(self.questions) < self.checks:
            signed = {m: one.signed for m, one in first.maps.items()}
            self.questions.append(Question(first.x, first.target, signed))
        return cases

    def cases(self, sample: Sample, index: int, told: Callable[[], None]) -> Iterator[Case]:
        """Its questions, each with the maps of all methods, from one look."""
        check_finite(sample.x)
        setup, backend = self.setup, self.setup.backend
        looks = Looks(backend, sample.x, self.layers, methods=self.methods)
        seen = seen_by(backend, sample.x, looks.first, setup.names, placement=sample.placement)
        seen = replace(seen, threshold=self.threshold)
        for question, boxes in self.asked(sample, index):
            try:
                found = question.found_in(seen)
            except NothingFoundError as error:
                self.missed.append(f"{sample.slot.name}: {error}")
                continue
            for target in found:
                held = target.held(looks.of(target.tensor).score)
                case = self._case(sample, looks, held, boxes, told)
                if case is not None:
                    yield case

    def asked(self, sample: Sample, index: int) -> Iterator[tuple[ScoredTarget, Array | None]]:
        """The questions of a photo, and the boxes of each; None: those of its class."""
        setup, own = self.setup, [t.of_row(index, len(self.setup.slots)) for t in self.targets]
        if own or self.boxes is None:
            yield from ((target, None) for target in own or self._usual)
            return
        head, labelled = head_of(setup.backend), self.boxes.get(sample.slot.path.stem, [])
        each = head is not None and head.boxes is not None
        found = asked_of(labelled, setup.names, setup.backend.classes, each=each)
        if not found:
            self.missed.append(f"{sample.slot.name}: no labelled box of a class of the model")
        for one in found:
            yield from ((t, one.boxes) for t in suited(setup.backend, [one.target], setup.names))

    @cached_property
    def _usual(self) -> list[ScoredTarget]:
        """What is asked where nothing is said."""
        return self.setup.targets((), several=False)

    def _case(
        self,
        sample: Sample,
        looks: Looks,
        target: ScoredTarget,
        boxes: Array | None,
        told: Callable[[], None],
    ) -> Case | None:
        maps: dict[str, Explanation] = {}
        asked = looks.questions(target)
        for method in self.tally.at_work:
            try:
                maps[method] = explained(asked, method, labels=self.setup.names)[0]
            except CamError as error:
                self.tally.failed(method, sample.slot.name, error)
            else:
                self.tally.explained(method)
                self.explained_at.add(maps[method].layer)
            told()
        return self._with_boxes(
            Case(
                self.setup.backend,
                sample.x,
                target,
                maps,
                self._info(maps),
                _seen(sample.placement),
                boxes,
                self.layers,
            ),
            sample,
        )

    def _with_boxes(self, case: Case, sample: Sample) -> Case | None:
        """The same with the boxes of its class; None where the model sees none of them."""
        if self.boxes is None or not case.maps:
            return case
        boxes = case.boxes
        if boxes is None:
            first = next(iter(case.maps.values()))
            index = None if first.classes is None else int(first.classes[0])
            label = "" if index is None else label_of(index, self.setup.names)
            boxes = boxes_of(self.boxes.get(sample.slot.path.stem, []), index, label)
        if boxes is None or (case.seen is not None and not case.seen.shows(boxes)):
            why = "no labelled box" if boxes is None else "the model sees none of the boxes"
            self.missed.append(f"{sample.slot.name}: {why} of {case.target.label}")
            return None
        return replace(case, boxes=boxes)

    def _info(self, maps: Mapping[str, Explanation]) -> InputInfo:
        """The input that the maps lie over."""
        infos = self.setup.backend.inputs()
        names = {one.region.input for one in maps.values() if one.region is not None}
        main = self.setup.reader.main
        named = [info for info in infos if info.name in names]
        return named[0] if named else infos[0] if main is None else main

    def _show(self, sample: Sample, case: Case) -> None:
        if sample.placement is None or sample.picture is None:
            return
        heats = {
            m: None if one.blank[0] else one.heatmap(sample.placement.size)[0]
            for m, one in case.maps.items()
            if one.lies_over(sample.placement.size)
        }
        first = next(iter(case.maps.values()))
        index = None if first.classes is None else int(first.classes[0])
        asked = case.target.title(index, self.setup.names) or case.target.name(index)
        photo = small(sample.picture)
        self.shown.append(Shown(sample.slot.name, asked, photo, sample.placement, heats))

    def _time(self, case: Case) -> None:
        for method in case.maps:
            try:
                found = cost(self.setup.backend, case.x, case.target, method, self.layers)
            except CamError:  # said where it failed
                continue
            self.costs.add(method, found)

    def _estimate(self, seconds: float, left: int) -> None:
        self.say(
            f"about {in_words(seconds * left)} for {counted(left, 'more photo')}, "
            f"{counted(len(self.tally.at_work), 'method')} and {', '.join(self.tally.metrics)}, "
            f"as a photo takes {seconds:.1f} s"
        )


def _seen(placement: Placement | None) -> Seen | None:
    return None if placement is None else Seen(placement.corner, placement.inner, placement.matrix)


def _said(case: Case) -> str:
    """What the probability is."""
    head = head_of(case.backend)
    own = head is not None and bool(head.probability)
    return "the probability of the class" + ("" if own else ", softmax of the score")
