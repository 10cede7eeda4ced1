"""`gradcam targets`: what can be asked of a model, and what the answers are on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options
from ..typed import Typed, flag, opening, pieces

if TYPE_CHECKING:
    from cam_core.backend import Array, Backend, Look
    from cam_core.targets import Asking, ScoredTarget

    from ..inputs.opened import Setup

FEW = 5
"""Numbers of a kind that are listed."""
VALUES = {
    "boxes": "box:all",
    "classes": f"top:{FEW}",
    "multi-label": f"top:{FEW}",
    "unknown": f"top:{FEW}",
    "dense classes": f"top:{FEW}",
    "similarity": "caption:all",
}
"""By kind of head, the question whose answers are listed; of others the usual one."""


@dataclass(frozen=True, kw_only=True)
class AskedTargets(Typed):
    """What was typed after `targets`."""

    model: str
    image: Path | None


@dataclass(frozen=True)
class Answer:
    """A number that can be explained, on a picture."""

    target: str
    """As it is asked for."""
    label: str
    score: float
    probability: float | None
    detail: Mapping[str, Any]


@click.command(short_help="List what can be asked of a model, with values on a picture.")
@click.argument("model")
@click.argument("image", required=False, type=FILE)
@options(
    AskedTargets,
    *("score", *PIXELS, "static", "input", "labels", "label-offset", "threshold", *ANYWHERE),
    *("json", "output"),
)
def targets(asked: AskedTargets) -> None:
    """List what --target takes for the MODEL, and the values on the IMAGE where one is given.

    \b
    gradcam targets model.onnx
    gradcam targets yolo.onnx street.jpg --threshold 0.4
    """
    from cam_core.asking import asking_of

    from ..output import print_json, write_json

    setup = set_up(asked)
    asking = asking_of(setup.backend, setup.names)
    found = record(asked, setup, asking)
    write_json(asked.out, found)
    if asked.as_json:
        print_json(found)
    else:
        show(found, setup)


def set_up(asked: AskedTargets) -> Setup:
    """The model, and the picture where there is one."""
    from cam_core.discover import open_backend
    from cam_core.recording import require_model
    from cam_core.sources import Sources

    from ..inputs.opened import bring_together

    require_model(asked.model)
    backend = open_backend(asked.model, **opening(asked))
    sources = Sources.of(backend, asked.model, flag)
    images = () if asked.image is None else (asked.image,)
    given = pieces(asked)
    return bring_together(backend, sources, asked, images, given, required=bool(images))


def record(asked: AskedTargets, setup: Setup, asking: Asking) -> dict[str, Any]:
    """All that is said."""
    from cam_core.head import heads_of
    from cam_core.listing import listed
    from cam_core.targets import usual

    heads, slots = heads_of(setup.backend), setup.slots
    sample = None if not slots else setup.reader.open(slots[0])
    look = None if sample is None else setup.backend.look(sample.x, layers=())
    placement = None if sample is None else sample.placement
    found: dict[str, Any] = {
        "command": "targets",
        "model": asked.model,
        "score": setup.backend.score_name,
        "heads": [asdict(head) for head in heads],
        "classes": setup.backend.classes,
        "usual": usual(asking)[1],
        "ask": [
            one._asdict()
            for one in listed(setup.backend, setup.names, look=look, placement=placement)
        ],
        "outputs": [{"output": head.output, "kind": head.kind} for head in heads],
        "image": None if not slots else slots[0].name,
        "input": None if not slots else setup.fed,
    }
    if look is None:
        return found
    answers, note = answers_of(setup, asking, sample, look, asked.threshold)
    shapes = [
        list(look.outputs[h.output].shape) if h.output in look.outputs else None for h in heads
    ]
    outputs = [one | {"shape": s} for one, s in zip(found["outputs"], shapes, strict=True)]
    said = [asdict(answer) for answer in answers]
    return found | {"outputs": outputs, "answers": said, "note": note}


def answers_of(
    setup: Setup, asking: Asking, sample: Any, look: Look, threshold: float
) -> tuple[list[Answer], str]:
    """The numbers on a picture, and why there are none."""
    import numpy as np

    from cam_core.asking import seen_by
    from cam_core.errors import TargetError
    from cam_core.targets import parse_target, usual
    from cam_core.targets.scores import pool

    seen = seen_by(setup.backend, sample.x, look, setup.names, placement=sample.placement)
    seen = replace(seen, threshold=threshold)
    texts = [VALUES.get(asking.kind, usual(asking)[1])]
    y = pool(look.score, asking.class_axis)[0]
    if texts[0].startswith("top:"):
        texts = [f"top:{min(FEW, len(y))}"]
    elif texts[0] == "value" and len(y) > 1:
        texts = [f"value:{i}" for i in np.argsort(-y, kind="stable")[:FEW]]
    options: dict[str, Any] = {"class_axis": asking.class_axis, "head": asking.head}
    asked = [one for text in texts for one in parse_target(text, setup.names, **options)]
    try:
        found = [target for question in asked for target in question.found_in(seen)]
    except TargetError as error:
        return [], str(error)
    return [answer(one, look, setup.backend, setup.names) for one in found], ""


def answer(
    target: ScoredTarget, look: Look, backend: Backend, names: Sequence[str] | None
) -> Answer:
    """One number."""
    y = look.score
    classes = target.classes(y)
    index = None if classes is None else int(classes[0])
    probability = target.probability
    if probability is None and index is not None and target.single:
        probability = likely(y, index, backend)
    return Answer(
        target.name(index),
        target.title(index, names),
        float(target.score(y)[0]),
        probability,
        target.detail[0] if target.detail else {},
    )


def likely(y: Array, index: int, backend: Backend) -> float | None:
    """What the model makes of one score of the first row; None of a dense one."""
    from cam_core.head import probability_of
    from cam_core.targets.scores import pool

    from ..naming import probabilities

    logits = pool(y, backend.class_axis)
    made = probabilities(logits[:1], probability_of(backend)) if logits.size == y.size else None
    return None if made is None else float(made[0, index])


def show(found: Mapping[str, Any], setup: Setup) -> None:
    """As tables."""
    from cam_core.head import heads_of

    from ..report import console, grid, heads_said, line, lines

    out = console()
    out.print(grid({"target": "", "the number that is explained": "fold"}, _asked(found)))
    lines(out, heads_said(heads_of(setup.backend)))
    line(out, "usual", f"--target {found['usual']}")
    if setup.names is not None:
        rest = ", ..." if len(setup.names) > FEW else ""
        line(out, "labels", f"{', '.join(setup.names[:FEW])}{rest} ({setup.named})")
    outputs = [_output(one) for one in found["outputs"]]
    line(out, "outputs", "; ".join(outputs))
    if found["image"] is None:
        return
    line(out, "image", found["image"])
    line(out, "input", found["input"])
    if found["note"]:
        line(out, "note", found["note"])
        return
    columns = {"target": "fold", "label": "fold", "value": "r", "prob.": "r", "where": "fold"}
    out.print(grid(columns, [_answered(one) for one in found["answers"]]))


def _asked(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["target"], one["what"]) for one in found["ask"]]


def _output(one: Mapping[str, Any]) -> str:
    shape = one.get("shape")
    return f"out:{one['output']}" + ("[...]" if shape is None else f" {shape[1:]}")


def _answered(one: Mapping[str, Any]) -> tuple[str, ...]:
    likely = "" if one["probability"] is None else f"{one['probability']:.3f}"
    corners = one["detail"].get("box", {}).get("corners", ())
    where = ",".join(f"{v:.0f}" for v in corners)
    return one["target"], one["label"], f"{one['score']:.4g}", likely, where
