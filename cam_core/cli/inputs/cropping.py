"""`--crop`: a detector says which parts of the photos the model is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cam_core.asking import seen_by
from cam_core.boxes import box_questions, boxes_of
from cam_core.errors import InputError, NothingFoundError, TargetError
from cam_core.explain import check_finite
from cam_core.image import cut
from cam_core.targets import ScoredTarget

from ..naming import file_name
from ..output import sha256
from ..typed import Typed, flag, running
from .picture_sizes import told
from .reader import Reader
from .samples import Slot

if TYPE_CHECKING:
    from cam_core.backend import Backend

    from .opened import Setup

USAGE = "gradcam explain detector.onnx classifier.onnx photo.jpg --crop box:0"


def detector_first(models: Sequence[str], asked: Typed) -> tuple[str | None, list[str]]:
    """The detector, where boxes are asked for, and the models that are explained.

    Raises:
        InputError: boxes of a single model, or a margin of none.
    """
    if asked.crops and len(models) < 2:
        raise InputError(
            f"--crop '{asked.crops[0]}': it takes a detector and the model that is shown its "
            f"boxes, and there is one model: {USAGE}"
        )
    if asked.crops:
        return models[0], list(models[1:])
    for name, given in (("margin", asked.crop_margin), ("labels", asked.crop_labels)):
        if given:
            raise InputError(f"--crop-{name} goes with --crop: {USAGE}")
    return None, list(models)


@dataclass(frozen=True)
class Cropper:
    """A detector, and what is asked of it."""

    model: str
    setup: Setup
    questions: Sequence[ScoredTarget]
    threshold: float
    margin: float

    def __call__(self, slots: Sequence[Slot]) -> tuple[list[Slot], list[str]]:
        """A slot for each box of each photo, and a line for each photo that has none."""
        from ..report import progress
        from .opened import taken

        reader = taken(self.setup.reader, slots, self.setup.backend, None)
        found: list[Slot] = []
        missed: list[str] = []
        look = partial(_slots, replace(self, setup=replace(self.setup, reader=reader)))
        with progress(len(slots), "finding boxes") as step:
            for slot in slots:
                try:
                    found += look(slot)
                except NothingFoundError as error:
                    missed.append(str(error))
                step()
        return found, missed

    def record(self) -> dict[str, Any]:
        """What made the crops."""
        labels = self.setup.labels
        return {
            "margin": self.margin,
            "detector": self.model,
            "detector_sha256": sha256(self.model),
            "threshold": self.threshold,
            "detector_preprocessing": self.setup.source,
            "detector_labels": labels and labels.source,
        }

    @property
    def words(self) -> str:
        """In one line."""
        around = f", {self.margin:g} of its sides around it" if self.margin else ""
        asked = ", ".join(question.label for question in self.questions)
        return f"{asked} of {Path(self.model).name}{around}; its photos: {self.setup.source}"


def open_cropper(model: str, asked: Typed) -> Cropper:
    """The detector, prepared as its own file says or as such ones mostly want it.

    Raises:
        InputError: it is none, or has no such class.
    """
    from cam_core.discover import open_backend
    from cam_core.sources import Sources

    from .opened import bring_together

    backend = open_backend(model, **running(asked))
    own = Typed(labels_file=asked.crop_labels)
    sources = Sources.of(backend, model, _spelled)
    setup = bring_together(backend, sources, own, (), {}, required=False)
    questions = _questions(backend, model, asked.crops, setup.names)
    setup = replace(setup, reader=_alone(setup.reader, model))
    return Cropper(model, setup, questions, asked.threshold, asked.crop_margin)


def _questions(
    backend: Backend, model: str, asked: Sequence[str], names: Sequence[str] | None
) -> list[ScoredTarget]:
    """What is asked of the detector.

    Raises:
        InputError: it is none, or has no such class.
    """
    cure = f"; name the detector first: {USAGE}"
    try:
        box_questions(backend, (), names)
        cure = "" if names is not None else "; --crop-labels FILE names the detector's classes"
        return box_questions(backend, asked, names)
    except TargetError as error:
        raise InputError(f"--crop: '{model}': {error}{cure}") from error


def _alone(reader: Reader, model: str) -> Reader:
    """The reader of a detector that takes a photo, and perhaps its size.

    Raises:
        InputError: it takes more.
    """
    reader = replace(reader, extras=told(reader.infos))
    main = [] if reader.spec is None or reader.main is None else [reader.main.name]
    lacking = {info.name for info in reader.infos} - {*reader.extras, *main}
    if lacking:
        raise InputError(
            f"--crop with '{model}' as detector: it takes more than a photo "
            f"({', '.join(sorted(lacking))}): find its boxes in Python, by cam_core.find_boxes"
        )
    return reader


def _spelled(name: str) -> str:
    return "--crop-labels" if name == "labels" else flag(name)


def _slots(of: Cropper, slot: Slot) -> list[Slot]:
    """Those of one photo."""
    setup = of.setup
    if slot.feed:
        raise InputError(f"'{slot.name}' is the model's input, not a photo: --crop cuts photos")
    sample = setup.reader.open(slot)
    check_finite(sample.x)
    look = setup.backend.look(sample.x, layers=())
    seen = seen_by(setup.backend, sample.x, look, setup.names, placement=sample.placement)
    assert sample.placement is not None
    try:
        boxes = boxes_of(of.questions, replace(seen, threshold=of.threshold))
        cuts = [cut(sample.placement.photo, box["corners"], of.margin, box) for box in boxes]
    except (TargetError, InputError) as error:
        raise type(error)(f"{slot.name}: {error}") from error
    return [
        replace(
            slot,
            name=f"{slot.name} {box_named(one.box)}",
            stem=f"{slot.stem}.{file_name(one.box['asked'])}",
            cut=one,
            whole=slot.name,
        )
        for one in cuts
    ]


def box_named(box: Mapping[str, Any]) -> str:
    """A box as tables and pictures call it: how it is asked for, its class and its strength."""
    strength = box["score"] if box["probability"] is None else box["probability"]
    name = box["label"] or f"class {box['class']}"
    asked = "" if box["asked"] in (name, str(box["class"])) else f"{box['asked']} "
    return f"{asked}{name} {strength:.2f}"
