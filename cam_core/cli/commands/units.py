"""`gradcam units`: which channels a class hangs on, what excites them, what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.plural import counted

from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options
from ..typed import Typed, flag, opening, pieces

if TYPE_CHECKING:
    from cam_core.targets import ScoredTarget
    from cam_core.units import Named

    from ..inputs.opened import Setup
    from ..unit_looks import Curve, Units


@dataclass(frozen=True, kw_only=True)
class AskedUnits(Typed):
    """What was typed after `units`."""

    model: str
    photos: Path
    concepts: Path | None
    count: int
    patches: int
    out: Path


@click.command(short_help="Show which channels a class hangs on, and what they see.")
@click.argument("model")
@click.argument("photos", type=FILE)
@options(
    AskedUnits,
    *("target", "layer", "score", *PIXELS, "static", "labels", "label-offset", *ANYWHERE),
    *("json", "output"),
    target={"help": "The class whose units are shown. Default: the best over all photos."},
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for what is written; made if absent. Default: the current one.",
    },
)
@click.option(
    "--concepts",
    type=FILE,
    metavar="FOLDER",
    help="A folder for each concept, with photos of it; photo.mask.png beside photo.jpg says "
    "where in the photo it is. Units get the name of the concept that they overlap best.",
)
@click.option("--count", type=click.IntRange(1), default=5, show_default=True, help="Units a row.")
@click.option(
    "--patches", type=click.IntRange(1), default=5, show_default=True, help="Patches a unit."
)
def units(asked: AskedUnits) -> None:
    """Show the units (channels) of a layer that a class of the MODEL hangs on.

    PHOTOS is a folder. Of the units with the largest and the smallest alpha it writes the patches
    that excite each most, units.CLASS.png, and all the numbers, units.CLASS.json: alpha, what each
    unit adds to the score, its concept, and what is left of the score as the units that add most
    are silenced, one after the other.

    \b
    gradcam units model.onnx photos --target "tiger cat" --concepts concepts -o out
    """
    from cam_core.image.png import png
    from cam_core.report import to_json
    from cam_core.write import write_together

    from ..output import check_directory, print_json
    from ..unit_looks import curve, look_at, name
    from ..unit_sheet import sheet

    check_directory(asked.out)
    concepts = None if asked.concepts is None else concepts_of(asked.concepts)
    setup = set_up(asked)
    target = target_of(asked, setup)
    seen = look_at(setup, target, asked.layer)
    named = None if concepts is None else name(setup, seen, concepts)
    falling = curve(setup, seen, target, seen.weighed.most(asked.count).tolist())
    found = record(asked, setup, target, seen, named, falling)
    stem = stem_of(asked, found)
    drawn = png(sheet(found, seen, asked.patches))
    write_together(asked.out, {f"{stem}.png": drawn, f"{stem}.json": to_json(found)})
    print_json(found) if asked.as_json else show(asked, setup, found)


def concepts_of(folder: Path) -> Any:
    """Read before the model is opened."""
    from ..concepts import read_concepts

    return read_concepts(folder)


def set_up(asked: AskedUnits) -> Setup:
    """The model, and the photos."""
    from cam_core.discover import open_backend
    from cam_core.sources import Sources

    from ..concepts import MASK
    from ..inputs.given_files import find_files
    from ..inputs.opened import bring_together

    photos = [path for path in find_files([asked.photos]) if not path.stem.endswith(MASK)]
    backend = open_backend(asked.model, **opening(asked))
    sources = Sources.of(backend, asked.model, flag)
    return bring_together(backend, sources, asked, photos, pieces(asked))


def target_of(asked: AskedUnits, setup: Setup) -> ScoredTarget:
    """The one that is asked for, or the best class over all photos."""
    from ..unit_looks import find_class

    if not asked.targets:
        return find_class(setup)
    found = setup.targets(asked.targets)
    if len(found) > 1:
        raise click.UsageError("units are shown for one target: give --target once")
    return found[0]


def record(
    asked: AskedUnits,
    setup: Setup,
    target: ScoredTarget,
    seen: Units,
    named: Sequence[Named] | None,
    falling: Curve,
) -> dict[str, Any]:
    """All that is said."""
    from cam_core.units import sentence

    weighed, count = seen.weighed, asked.count
    groups = {
        "largest": weighed.largest(count).tolist(),
        "smallest": weighed.smallest(count).tolist(),
        "most": weighed.most(count).tolist(),
        "own": weighed.own(count).tolist(),
    }
    index = target.named
    label = target.label if index is None else target.title(index, setup.names)
    shown = dict.fromkeys(unit for group in groups.values() for unit in group)
    first = groups["most"][:2]
    return {
        "command": "units",
        "model": asked.model,
        "target": target.label,
        "label": label or target.label,
        "layer": seen.layer,
        "photos": [sample.slot.name for sample in seen.samples],
        "channels": len(weighed.alpha),
        **groups,
        "units": [unit_record(unit, seen, named) for unit in shown],
        "rivals": list(seen.rivals),
        "because": sentence([_named(unit, named) for unit in first]),
        "silenced": {"scores": falling.scores, "at_random": falling.at_random},
    }


def unit_record(unit: int, seen: Units, named: Sequence[Named] | None) -> dict[str, Any]:
    """The numbers of one unit."""
    over = seen.weighed.over
    found: dict[str, Any] = {
        "unit": unit,
        "alpha": float(seen.weighed.alpha[unit]),
        "adds": float(seen.weighed.adds[unit]),
        "over_rivals": None if over is None else float(over[unit]),
    }
    if named is not None:
        found |= {"concept": named[unit].concept or None, "iou": named[unit].iou}
    return found


def _named(unit: int, named: Sequence[Named] | None) -> Named:
    from cam_core.units import Named

    return Named(unit, "", 0.0) if named is None else named[unit]


def stem_of(asked: AskedUnits, found: dict[str, Any]) -> str:
    """How both files begin; a layer that was named is told."""
    from ..naming import file_name

    at = "" if asked.layer is None else f".{file_name(found['layer'])}"
    return f"units.{file_name(found['target'])}{at}"


def show(asked: AskedUnits, setup: Setup, found: dict[str, Any]) -> None:
    """A table, the sentence, and the curve."""
    from ..report import console, grid, line

    out = console()
    groups = ("largest", "smallest", "most", "own")
    kinds = {u: [g for g in groups if u in found[g]] for u in (o["unit"] for o in found["units"])}
    columns = {
        "unit": "r",
        "alpha": "r",
        "adds": "r",
        "over rivals": "r",
        "concept": "",
        "IoU": "r",
    }
    rows = [(*_cells(one), ", ".join(kinds[one["unit"]])) for one in found["units"]]
    out.print(grid({**columns, "among": "fold"}, rows))
    line(out, "class", found["label"])
    if found["because"]:
        line(out, "why", found["because"])
    for what, key in (("silent", "scores"), ("by lot", "at_random")):
        line(out, what, " > ".join(f"{v:.3g}" for v in found["silenced"][key]))
    counts = counted(found["channels"], "unit"), counted(len(setup.slots), "photo")
    line(out, "layer", f"{found['layer']}, {', '.join(counts)}")
    line(out, "input", setup.source)
    line(out, "files", f"{asked.out / stem_of(asked, found)} .png .json")


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    over = one["over_rivals"]
    return (
        str(one["unit"]),
        f"{one['alpha']:.3g}",
        f"{one['adds']:.3g}",
        "" if over is None else f"{over:.3g}",
        one.get("concept") or "",
        f"{one['iou']:.3f}" if one.get("concept") else "",
    )
