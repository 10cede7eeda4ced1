"""What is known of a model's photos and classes, for whoever calls from Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..backend import Backend, InputInfo
from ..image import Preprocess
from .preprocessing import Sources


@dataclass(frozen=True)
class Known:
    """Preprocessing and labels, and in words where they come from."""

    input: InputInfo | None
    """The image that the model takes; None where it takes none."""
    preprocess: Preprocess | None
    preprocess_source: str
    """A guess is said to be one."""
    labels: tuple[str, ...] | None
    """Names by class; None where nobody says them."""
    labels_source: str


def known(model: str | Path, backend: Backend | None = None) -> Known:
    """What a model file, and the files beside it, say of its photos and its classes.

    Args:
        model: where it lies.
        backend: the same model, where it is open already.

    Raises:
        InputError: metadata, or a file beside the model, that cannot be read.
    """
    from ..discover import open_backend

    opened = open_backend(model) if backend is None else backend
    sources = Sources.of(opened, model)
    labels, labels_source = sources.labels(opened.classes)
    image = next((info for info in opened.inputs() if len(info.shape) == 4), None)
    spec, source = (None, "none") if image is None else sources.preprocess(image)
    names = None if labels is None else labels.names
    return Known(image, spec, source, names, labels_source)
