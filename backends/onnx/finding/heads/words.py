"""What names and metadata say of an output."""

from __future__ import annotations

from cam_core.foreign import UNREADABLE, from_literal

from ...reading.graph import Graph

CLASSES = ("logit", "score", "cls", "conf", "prob", "class", "label")
BOXES = ("box", "regressor", "loc", "iou")
OBJECTS = ("obj",)
EMBEDDINGS = ("embed", "feature", "descriptor")
STATES = ("state", "hidden")
REGRESSIONS = ("landmark", "keypoint", "points", "coord", "regress", "depth", "value", "pose")


def says(name: str, words: tuple[str, ...]) -> str:
    """The first of these words that a name holds; '' where it holds none."""
    low = name.casefold()
    return next((word for word in words if word in low), "")


def named_classes(graph: Graph) -> int | None:
    """How many classes the metadata of the file names; None where it names none."""
    text = {e.key: e.value for e in graph.model.metadata_props}.get("names")
    if text is None:
        return None
    try:
        return len(from_literal(text)) or None
    except UNREADABLE:  # somebody else's `names`
        return None
