"""What a detector says of a picture: the boxes of its anchors, in words and for a record."""

from __future__ import annotations

from typing import Any

from ...errors import TargetError
from ..asking import Seen
from .found import Box, Detections, detections, named


def rows_of(seen: Seen, label: str, index: int | None = None) -> list[Detections]:
    """What the detector says of each row.

    Raises:
        TargetError: it is no detector, or one that has no such class.
    """
    head = seen.asking.head
    if head is None or head.boxes is None or seen.size is None:
        kind = "a score that nobody knows" if head is None else head.kind
        raise TargetError(
            f"target '{label}' asks for a box, and the model gives {kind}: "
            "ask for nothing to see what suits it"
        )
    key, names = (detections, seen.threshold), seen.asking.labels
    if key not in seen.made:
        seen.made[key] = detections(
            seen.score,
            seen.outputs,
            head,
            seen.asking.class_axis,
            seen.size,
            seen.threshold,
            None if names is None else len(names),
        )
    rows: list[Detections] = seen.made[key]
    if index is not None:
        _require(index, rows[0], label)
    return rows


def _require(index: int, row: Detections, label: str) -> None:
    """Refuses a class of which there are never boxes."""
    if row.own is not None:  # each box says its own class
        return
    count = len(row.scores)
    if not 0 <= index < count:
        raise TargetError(
            f"{label}: class {index} is out of range: the score has {count} (0 to {count - 1})"
        )
    if index == row.background:
        raise TargetError(
            f"{label}: class {index} is the background, which has no boxes: ask for another class"
        )


def record(box: Box, row: Detections, seen: Seen) -> dict[str, Any]:
    """A box for JSON, its corners in pixels of the photo."""
    labels = seen.asking.labels
    known = labels is not None and 0 <= box.index < len(labels)
    return {
        "class": box.index,
        "label": named(box.index, labels) if known else None,
        "score": box.score,
        "probability": box.probability,
        "corners": corners_of(box, seen),
        "anchor": box.anchor,
        "read_as": row.meaning,
        **({} if box.angle is None else {"angle": box.angle}),
        **({} if row.strengths.of(box.channel, box.anchor) >= row.least else {"below": row.least}),
    }


def corners_of(box: Box, seen: Seen) -> list[float]:
    """x0, y0, x1, y1 in pixels of the photo, or of the input where there is none."""
    x0, y0, x1, y1 = box.corners
    return [round(v, 2) for v in (*seen.to_photo((x0, y0)), *seen.to_photo((x1, y1)))]


def said(box: Box, row: Detections, seen: Seen) -> str:
    value = box.score if box.probability is None else box.probability
    where = ",".join(f"{v:.0f}" for v in corners_of(box, seen))
    return f"{named(box.index, seen.asking.labels)} {value:.3g} at {where}"
