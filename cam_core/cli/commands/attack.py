"""`gradcam attack`: change a photo a little so that the model errs; what becomes of the map?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.attack import STEPS

from ..option_types import FILE, Numbers
from ..options import ANYWHERE, PIXELS, options
from ..typed import Typed, flag, opening, pieces

if TYPE_CHECKING:
    from ..attacking import Attack, Attacked, Seen
    from ..inputs.opened import Setup
    from ..inputs.samples import Sample


@dataclass(frozen=True, kw_only=True)
class AskedAttack(Typed):
    """What was typed after `attack`; `method` is the attack's."""

    model: str
    image: Path
    method: str
    eps: tuple[float, ...]
    steps: int | None
    out: Path


@click.command(short_help="Fool a model with a photo, and see whether the map survives.")
@click.argument("model")
@click.argument("image", type=FILE)
@options(
    AskedAttack,
    *("target", "layer", "score", *PIXELS, "static", "labels", "label-offset", *ANYWHERE),
    *("json", "output"),
    target={
        "help": "The class that the photo is to be taken for. Default: any but the one that it is."
    },
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for what is written; made if absent. Default: the current one.",
    },
)
@click.option(
    "--method",
    type=click.Choice(["fgsm", "pgd"]),
    default="pgd",
    show_default=True,
    help="One step (Goodfellow et al. 2015), or many (Madry et al. 2018).",
)
@click.option(
    "--eps",
    type=Numbers(1),
    default="2/255",
    show_default=True,
    help="How far a pixel may move, as a part of its range.",
)
@click.option("--steps", type=click.IntRange(1), help=f"Of --method pgd.  [default: {STEPS}]")
def attack(asked: AskedAttack) -> None:
    """Change the IMAGE so little that nobody sees it, and so that the MODEL takes it for another.

    Written are IMAGE.attack.png (the photo with the map of its own class, before and after),
    IMAGE.attacked.png (the changed picture as the model sees it) and IMAGE.attack.json.

    \b
    gradcam attack model.onnx zebra.jpg --target goldfish --eps 4/255 -o out
    """
    from cam_core.report import to_json
    from cam_core.write import write_together

    from ..attacking import attacked
    from ..output import check_directory, print_json

    if not 0 < asked.eps[0] <= 1:
        raise click.BadParameter("give a part of the range, such as 2/255.", param_hint="--eps")
    if asked.steps is not None and asked.method != "pgd":
        raise click.BadParameter(
            f"{asked.method} takes one step: leave it out, or take --method pgd.",
            param_hint="--steps",
        )
    check_directory(asked.out)
    setup = set_up(asked)
    plan = planned(asked, setup)
    sample = setup.reader.open(setup.slots[0])
    found = attacked(setup, sample, plan, asked.layer)
    said = record(asked, setup, plan, found)
    written = files(sample, plan, found) | {f"{sample.slot.stem}.attack.json": to_json(said)}
    write_together(asked.out, written)
    print_json(said) if asked.as_json else show(asked, setup, said, list(written))


def set_up(asked: AskedAttack) -> Setup:
    """The model, and the photo."""
    from cam_core.discover import open_backend
    from cam_core.errors import InputError
    from cam_core.sources import Sources

    from ..inputs.opened import bring_together

    backend = open_backend(asked.model, **opening(asked))
    sources = Sources.of(backend, asked.model, flag)
    setup = bring_together(backend, sources, asked, [asked.image], pieces(asked))
    if len(setup.slots) != 1:
        raise InputError(f"'{asked.image}': {len(setup.slots)} pictures; one is attacked.")
    return setup


def planned(asked: AskedAttack, setup: Setup) -> Attack:
    """The attack that is asked for."""
    from cam_core.errors import TargetError
    from cam_core.head import head_of

    from ..attacking import Attack

    head = head_of(setup.backend)
    if head is not None and head.kind not in ("classes", "multi-label", "unknown"):
        raise TargetError(f"'{head.output}' is {head.kind}: attacks are on models of classes.")
    wanted = None
    if asked.targets:
        found = setup.targets(asked.targets)
        wanted = found[0].named
        if len(found) > 1 or wanted is None:
            raise TargetError("--target: one class, by its number or its label.")
    steps = STEPS if asked.steps is None else asked.steps
    return Attack(asked.method, asked.eps[0], steps, wanted)


def record(asked: AskedAttack, setup: Setup, plan: Attack, found: Attacked) -> dict[str, Any]:
    """All that is said."""
    from cam_core.targets.labels import label_of

    from ..naming import as_record

    names = setup.names
    return {
        "command": "attack",
        "model": asked.model,
        "image": str(asked.image),
        "attack": plan.words,
        "method": plan.method,
        "eps": plan.eps,
        "wanted": plan.wanted,
        "class": found.own,
        "label": None if names is None else label_of(found.own, names),
        "before": {"own": found.before.own, "top": as_record(found.before.top)},
        "after": {"own": found.after.own, "top": as_record(found.after.top)},
        "fooled": fooled(plan, found),
        "likeness": None if math.isnan(found.likeness) else found.likeness,
        "layer": found.before.map.layer,
    }


def fooled(plan: Attack, found: Attacked) -> bool:
    """Is it taken for the class that was wanted, or for any other?"""
    now = found.after.top[0].which
    return now != found.own if plan.wanted is None else now == plan.wanted


def files(sample: Sample, plan: Attack, found: Attacked) -> dict[str, bytes]:
    """The sheet and the changed picture, by file name."""
    from cam_core.image.panels import painted_sheet
    from cam_core.image.png import png

    cells = [*cells_of("before", found.before), *cells_of("after", found.after)]
    name = found.before.top[0].label or f"class {found.own}"
    alike = "one map is blank" if math.isnan(found.likeness) else f"r {found.likeness:.2f}"
    lines = [plan.words, f"the maps of {name}, each over its own maximum: {alike}"]
    sheet = painted_sheet(cells, title=f"{sample.slot.name}, attacked", lines=lines, across=2)
    stem = sample.slot.stem
    return {f"{stem}.attack.png": png(sheet), f"{stem}.attacked.png": png(found.after.picture)}


def cells_of(when: str, seen: Seen) -> list[tuple[Any, str]]:
    """The picture over its best class, and the map of the class that it had."""
    from cam_core.image import overlay

    first = seen.top[0]
    label = f"{when}: {first.label or f'class {first.which}'} {first.value:.2f}"
    size = seen.picture.shape[:2]
    blank = bool(seen.map.blank[0])
    heat = seen.picture if blank else overlay(seen.picture, seen.map.heatmap(size)[0])
    return [(seen.picture, label), (heat, "blank" if blank else f"own class {seen.own:.2f}")]


def show(asked: AskedAttack, setup: Setup, said: dict[str, Any], written: list[str]) -> None:
    """A table of both, and what became of the map."""
    from ..report import console, grid, line

    out = console()
    own = said["label"] or f"class {said['class']}"
    rows = [(when, _first(said[when]), f"{said[when]['own']:.4f}") for when in ("before", "after")]
    out.print(grid({"": "", "taken for": "fold", own: "r"}, rows))
    alike = said["likeness"]
    line(out, "attack", f"{said['attack']}: {'fooled' if said['fooled'] else 'not fooled'}")
    line(out, "map", f"of {own}: " + ("blank" if alike is None else f"r {alike:.3f}"))
    if said["before"]["top"][0]["probability"] is None:
        line(out, "values", "scores: the model makes no probability of them")
    line(out, "layer", said["layer"])
    line(out, "input", setup.source)
    line(out, "wrote", ", ".join(str(asked.out / name) for name in written))


def _first(seen: dict[str, Any]) -> str:
    top = seen["top"][0]
    value = top.get("score") if top["probability"] is None else top["probability"]
    return f"{top['label'] or 'class {}'.format(top['class'])} {value:.4f}"
