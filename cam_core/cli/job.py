"""What stays the same from sample to sample of a run through one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.head import Head, heads_of
from cam_core.methods import about_input
from cam_core.smoothing import as_rows
from cam_core.sources import Labels
from cam_core.targets.detection import LIKELY

from .inputs.samples import Sample
from .naming import file_name
from .views import Views, views


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
    named_layer: str = ""
    """The layer that was named, those that are fused with '+'; '' of none, or a picture each."""
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

    @cached_property
    def how(self) -> str:
        """What tells the files of a smoothed or fused map from the plain one's, as '.aug.root'."""
        return "".join(f".{word}" for word in (*as_rows(self.smooths), self.fuse) if word)

    def named(self, method: str) -> str:
        """How file names call the maps of a method: 'layercam.root', 'rise-masks-500', and at a
        layer that was named 'gradcam.relu_3', where it counts.
        """
        return f"{file_name(method)}{self.how}{'' if about_input(method) else self._at}"

    @property
    def sheet(self) -> str:
        """How file names call the maps of all methods."""
        return f"methods{self.how}{self._at}"

    @property
    def _at(self) -> str:
        return f".{file_name(self.named_layer)}" if self.named_layer else ""

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
