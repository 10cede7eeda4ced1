"""What several targets of one sample share besides their own files: one picture, one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.explanation import Explanation
from cam_core.image.joint import signed_sheet, tinted_card
from cam_core.image.png import png
from cam_core.image.tinted import colour_of
from cam_core.maps.combine import resize
from cam_core.write import npy

from .explained import Explained, Unit
from .inputs.samples import Sample
from .pictures import mark_of


@dataclass(frozen=True)
class Joint:
    """All of one question."""

    kind: str
    label: str
    method: str
    each: Sequence[Explained]

    def draw(self, sample: Sample, tops: Mapping[Unit, float]) -> Array | None:
        """Its picture uint8 [H, W, 3], over a photo alone.

        Args:
            tops: by unit, the raw value of the last colour, where all pictures have one scale.
        """
        return KINDS[self.kind].draw(self, sample, tops.get(self.each[0].unit))

    def facts(self) -> Mapping[str, Any]:
        """What its record says of it."""
        return KINDS[self.kind].facts(self)

    @property
    def limit(self) -> float | None:
        """The raw value of the last colour, where its maps have one scale; None: each its own."""
        return KINDS[self.kind].limit([one.explanation for one in self.each])

    @property
    def maps(self) -> Array:
        """The maps [k, *S] at the size of the first; of a difference with its negative part."""
        return np.concatenate(KINDS[self.kind].maps([one.explanation for one in self.each]))


@dataclass(frozen=True)
class Kind:
    """How one kind is drawn and told."""

    draw: Callable[[Joint, Sample, float | None], Array | None]
    facts: Callable[[Joint], Mapping[str, Any]]
    maps: Callable[[Sequence[Explanation]], list[Array]]
    limit: Callable[[Sequence[Explanation]], float | None] = lambda each: None


def joints(explained: Sequence[Explained]) -> list[Joint]:
    """The questions that have something shared, in order."""
    found: dict[tuple[str, str, str], dict[int, Explained]] = {}
    for one in explained:
        for kind, label, place in one.shares:
            found.setdefault((kind, label, one.method), {})[place] = one
    return [Joint(*key, [one for _, one in sorted(of.items())]) for key, of in found.items()]


def files(stem: str, joint: Joint, facts: bytes, picture: Array | None) -> dict[str, bytes]:
    """`stem.png` where there is a picture, the maps as one `stem.npy`, and the facts."""
    found = {} if picture is None else {f"{stem}.png": png(picture)}
    return found | {f"{stem}.npy": npy(joint.maps), f"{stem}.json": facts}


def _draw_boxes(joint: Joint, sample: Sample, top: float | None) -> Array | None:
    if sample.picture is None or sample.placement is None:
        return None
    size = sample.placement.size
    marks = [mark_of(one, colour_of(i)) for i, one in enumerate(joint.each)]
    heats = [one.explanation.heatmap(size)[0] for one in joint.each]
    each = "box" if len(heats) == 1 else "boxes"
    lines = ["each map over its own maximum", f"{joint.method} at {joint.each[0].row.layer}"]
    return tinted_card(
        sample.picture,
        heats,
        sample.placement,
        [one for one in marks if one is not None],
        title=f"{len(heats)} {each}",
        lines=lines,
    )


def _tell_boxes(joint: Joint) -> Mapping[str, Any]:
    each = [
        {**one.explanation.detail[0]["box"], "colour": list(colour_of(i)), "files": one.row.stem}
        for i, one in enumerate(joint.each)
    ]
    return {"boxes": each}


def _draw_versus(joint: Joint, sample: Sample, top: float | None) -> Array | None:
    size = None if sample.placement is None else sample.placement.size
    if sample.picture is None or sample.placement is None or size is None:
        return None
    raw = _signed([one.explanation for one in joint.each])
    placed = [e.explanation.lies_over(size) for e in joint.each]
    if not all(placed):
        return None
    values = [_over_input(one.explanation, v, size) for one, v in zip(joint.each, raw, strict=True)]
    predicted, true, difference = joint.each
    said = [_named(predicted), _named(true)]
    labels = [f"predicted: {said[0]}", f"true: {said[1]}", "predicted - true"]
    limit = top or joint.limit or 1.0
    return signed_sheet(
        sample.picture,
        values,
        sample.placement,
        labels,
        title=f"{predicted.row.label or predicted.row.target}, and not "
        f"{true.row.label or true.row.target}",
        lines=[
            f"score {predicted.row.score:.4g} against {true.row.score:.4g} · "
            f"red speaks for, blue against",
            f"{joint.method} at {difference.row.layer}",
        ],
        limit=limit,
    )


def _named(one: Explained) -> str:
    row = one.row
    likely = "" if row.probability is None else f", probability {row.probability:.3g}"
    return f"{row.label or f'class {row.target}'}, score {row.score:.4g}{likely}"


def _tell_versus(joint: Joint) -> Mapping[str, Any]:
    names = ("predicted", "true", "difference")
    told = {
        name: {**one.explanation.facts(), "probability": one.row.probability}
        for name, one in zip(names, joint.each, strict=True)
    }
    return {"maps": list(names), **told}


def _plain(each: Sequence[Explanation]) -> list[Array]:
    return [resize(one.map, each[0].map.shape[1:]) for one in each]


def _signed(each: Sequence[Explanation]) -> list[Array]:
    """The positive maps of both, and the whole of the difference [1, *S]."""
    *classes, difference = each
    return [*(one.map for one in classes), difference.signed]


def _largest(each: Sequence[Explanation]) -> float:
    """Of all three, in either direction."""
    return max(float(np.abs(values).max()) for values in _signed(each))


def _over_input(explanation: Explanation, values: Array, size: tuple[int, int]) -> Array:
    """Values [1, *S] of a map over the whole input [*size], 0 where they cover nothing."""
    region = explanation.region
    along = (0, 1) if region is None else region.along(2)
    windows = None if region is None else region.windows
    found = resize(values, [size[axis] for axis in along], windows)
    for axis in sorted({0, 1} - set(along)):
        found = np.expand_dims(found, axis + 1)
    whole: Array = np.broadcast_to(found, (1, *size))[0]
    return whole


KINDS = {
    "boxes": Kind(_draw_boxes, _tell_boxes, _plain),
    "versus": Kind(_draw_versus, _tell_versus, _signed, _largest),
}
"""By what `ScoredTarget.together` says."""
