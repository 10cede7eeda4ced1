"""What an output of a model is: its kind, how one knows, and the tensor that is explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .region import Places

PROBABILITIES = {
    "Softmax": "softmax",
    "LogSoftmax": "softmax",
    "Sigmoid": "sigmoid",
    "Log": "exp",
}
"""What a model applies to a score -> what makes a probability of it."""
KINDS = (
    *("classes", "multi-label", "binary", "regression", "embedding", "dense classes", "boxes"),
    *("sequence", "caption", "similarity", "picture", "unknown"),
)
Reads = Literal["", "mean", "maximum", "flattened", "windows"]
"""How a head reads the places of a layer; windows: through attention within them."""
WITHOUT = {"regression", "embedding", "picture", "unknown"}
"""Kinds whose numbers are no probability, whatever the model applies to them."""

ENTRIES = {
    "classes": "class",
    "multi-label": "label",
    "binary": "value",
    "regression": "value",
    "embedding": "dimension",
    "dense classes": "class",
    "boxes": "class",
    "sequence": "symbol",
    "caption": "word",
    "similarity": "match",
    "picture": "channel",
    "unknown": "number",
}
"""What one number of each kind is called."""
ENTRY = "class"
"""Where nobody says of what kind they are."""


@dataclass(frozen=True)
class OwnClass:
    """Where boxes that the file itself selected say which class they are of."""

    output: str
    axis: int | None = None
    """Along which of its axes that number lies beside others; None: it is alone."""
    at: int = 0


@dataclass(frozen=True)
class BoxNumbers:
    """Where a detector has the boxes of its anchors: some numbers each, for `targets.detection`.

    The anchors are in the order of the score's: its axes but those of rows and classes, row-major.
    """

    output: str
    """Which output holds them."""
    axis: int
    """Along which of its axes the numbers lie side by side."""
    start: int = 0
    """Where they begin."""
    background: int | None = None
    """The class of the score that stands for nothing."""
    count: int = 4
    """How many there are."""
    further: tuple[str, ...] = ()
    """Outputs alike, of the other scales, in the order of the score's anchors."""
    written: str = ""
    """How they are written, one of `detection.WRITTEN`; '': the numbers themselves tell."""
    own: OwnClass | None = None
    """Of boxes that the file selected: the score is that of their own class, which they say."""
    batched: bool = True
    """Does the output count rows on its first axis? Else it is all of one row."""
    angle: int | None = None
    """Where along the axis the angle of a turned box lies."""
    gridded: bool = True
    """Do they stand at cells of a grid? Queries do not."""
    more: int = 0
    """Where along the axis further numbers of each box begin; 0: there are none."""
    points: int = 0
    """How many of these a keypoint has: x, y and perhaps a probability; 0: they are none."""
    apart: tuple[str, ...] = ()
    """Outputs that have the keypoints alone, as many and laid out as those of the boxes."""
    prototypes: str = ""
    """The output [N, k, h, w] whose maps these weigh: their sum is the box's mask, as logits."""
    masks: str = ""
    """The tensor [n, 1, h, w] with the mask of each box, as probabilities on a grid of its own; of
    a batch [N, n, h, w]."""
    mask_logits: str = ""
    """The tensor [n, C, h, w], a map a class, of whose sigmoids these are; '': not known. Of a
    batch [N, n, C, h, w], or one map a box."""
    heats: str = ""
    """The tensor [n, K, h, w] with a heat map of each keypoint on such a grid."""
    each: int = 1
    """How many anchors of a cell lie one after the other along the axis, with all their numbers."""
    priors: tuple[tuple[tuple[float, float], ...], ...] = ()
    """Widths and heights in pixels of the anchors of a cell, fine scales first; (): not known."""
    unsure: bool = False
    """Is nothing applied to the scores, so that only they tell whether the last is no class?"""
    anchors: int | None = None
    """How many there are, of an output with all of them whose size the file fixes."""
    of_words: bool = False
    """Are the classes the words of a text that the model is fed? None of them is no class."""


@dataclass(frozen=True)
class Head:
    """One output."""

    output: str
    """Its name."""
    kind: str
    """One of KINDS."""
    evidence: str
    """How one knows, in words."""
    tensor: str
    """The logits, or what else stands before the output's last activation."""
    class_axis: int | None = None
    """Where the classes are in that tensor; None where there are none."""
    activation: str = ""
    """What the model applies to it, such as Softmax; Log: the score is a logarithm of its own."""
    boxes: BoxNumbers | None = None
    """Of class scores at anchors: where the boxes are."""
    by_step: bool = False
    """Of a sequence: is each step a character, up to a class that ends the line? Else it is CTC."""
    labels: tuple[str, ...] = ()
    """The names of the classes that the model itself writes there; empty where it writes none."""
    labels_source: str = ""
    """Which part of the model does."""
    places: Places | None = None
    """Where its cells lie in an input; None where it has none, or where they lie is not known."""
    nowhere: str = ""
    """In words, at which node it was lost where they lie; '' where nothing was lost."""
    floating: bool = True
    """Does the output itself hold floating point numbers? Labels and counts have no derivative."""

    @property
    def asked(self) -> str:
        """What is asked of it, one of KINDS: of class scores that have boxes, boxes; of class
        scores of which nobody knows where they lie no region.
        """
        if self.boxes is not None:
            return "boxes"
        return "unknown" if self.kind == "dense classes" and self.places is None else self.kind

    @property
    def probability(self) -> str:
        """`softmax` along the class axis, `sigmoid` of each, or '': the model has none.

        Similarities are made to be compared by a softmax over what they were compared with.
        """
        usual = "softmax" if self.kind == "similarity" else ""
        return "" if self.kind in WITHOUT else PROBABILITIES.get(self.activation, usual)

    @property
    def entry(self) -> str:
        """What one of its numbers is called: a class, a value, a dimension."""
        boxes = self.kind == "boxes" and self.class_axis is None
        return "box number" if boxes else ENTRIES[self.kind]

    @property
    def ranked(self) -> bool:
        """May its numbers be classes, so that the best of them say something?"""
        return self.kind not in WITHOUT or self.kind == "unknown"

    def record(self) -> dict[str, Any]:
        """Ready for JSON; the names of the classes are said where a class is."""
        own = {name: value for name, value in asdict(self).items() if name != "labels"}
        return own | {"entry": self.entry}

    @property
    def said(self) -> str:
        """In one line."""
        apart = self.tensor not in ("", self.output)
        name = f"{self.output} from {self.tensor}" if apart else self.output
        return f"{name}: {self.kind} ({self.evidence})"


def heads_of(backend: object) -> Sequence[Head]:
    """What a backend says of its outputs, the one with the score first; () of one that is silent.

    `explain` asks less of a backend than the whole contract.
    """
    asked = getattr(backend, "heads", None)
    return () if asked is None else asked()


def head_of(backend: object) -> Head | None:
    """What a backend says of its score; None of one that is silent."""
    return next(iter(heads_of(backend)), None)


def probability_of(backend: object) -> str:
    """What makes a probability of a backend's score: `softmax`, `sigmoid` or '' for none."""
    head = head_of(backend)
    return "" if head is None else head.probability


def entry_of(backend: object) -> str:
    """What one number of a backend's score is called; a class where it says nothing."""
    head = head_of(backend)
    return ENTRY if head is None else head.entry
