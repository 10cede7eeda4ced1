"""`gradcam doctor`: how does a model want its photos?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.image import PRESETS

from ..option_types import FILE
from ..options import PIXELS, RUNTIME, options
from ..typed import PIECES, Typed, flag, opening, pieces

if TYPE_CHECKING:
    from cam_core.backend import Array, InputInfo
    from cam_core.doctor import Candidate, Examined

    from ..inputs.opened import Setup

MOST = 16
"""Photos that are looked at: more of them hardly tell more."""


LISTED = 3
"""Ways that the verdict names; the table has all."""


@dataclass(frozen=True, kw_only=True)
class AskedDoctor(Typed):
    """What was typed after `doctor`."""

    model: str
    images: tuple[Path, ...]
    against: str | None
    against_preprocess: str | None


@click.command(short_help="Find out how a model wants its photos: colours, range, fit.")
@click.argument("model")
@click.argument("images", type=FILE, nargs=-1, required=True)
@options(AskedDoctor, "score", *PIXELS, "static", *RUNTIME, "json", "output")
@click.option(
    "--against", metavar="OTHER", help="A model that is known to be fed right, to agree with."
)
@click.option(
    "--against-preprocess",
    type=click.Choice(list(PRESETS)),
    help="How OTHER is fed. Default: what its own files say, else a guess.",
)
def doctor(asked: AskedDoctor) -> int:
    """Try presets on the photos that MODEL is fed, and say which it wants.

    RGB and BGR, 0-255, 0-1, -1..1, the numbers of ImageNet and of CLIP, channels first and last,
    crop, stretch and letterbox. With --against OTHER (the model before its conversion, say) the
    way in which MODEL agrees with it; alone, the way in which it is confident and consistent: sure
    of a photo, sure of the same of its mirror image and of cuts of it, and not of the same of all.

    MODEL and OTHER are files, or 'package.module:factory', a function that gives a torch module.
    How MODEL is fed now is what the flags or its files say. Exit code 1: that is not among the
    best, or none will do.

    \b
    gradcam doctor model.onnx photos --against model.float.onnx --against-preprocess imagenet
    gradcam doctor model.onnx photos --preprocess unit
    """
    from ..output import READ, check_file, print_json, write_json

    check_file(asked.out, "-o", {READ: [asked.model, asked.against or ""]})
    setup = set_up(asked, asked.model)
    photos = photos_of(setup)
    used = used_of(setup)
    found = examine(asked, setup, used, photos)
    facts = record(asked, setup, found, len(photos))
    write_json(asked.out, facts)
    print_json(facts) if asked.as_json else tell(facts)
    return 0 if found.verdict.enough and not found.verdict.named else 1


def set_up(asked: AskedDoctor, model: str, like: Sequence[InputInfo] = ()) -> Setup:
    """A model, and the photos as it is fed them; `like` the other one's inputs."""
    from cam_core.compare.opening import open_side
    from cam_core.errors import InputError
    from cam_core.recording import require_model
    from cam_core.sources import Sources

    from ..inputs.opened import bring_together

    require_model(model)
    backend = open_side(model, like, **opening(asked))
    if (count := len(backend.inputs())) > 1:
        raise InputError(f"the doctor is for models of one photo: '{model}' takes {count} inputs.")
    sources = Sources.of(backend, model, flag)
    return bring_together(backend, sources, asked, list(asked.images), pieces(asked))


def photos_of(setup: Setup) -> list[Array]:
    """At most MOST of them, evenly drawn.

    Raises:
        InputError: an array was given, of which nobody knows how it was made.
    """
    from cam_core.errors import InputError

    slots = setup.slots
    count = min(len(slots), MOST)
    found = []
    for slot in (slots[i * len(slots) // count] for i in range(count)):
        photo = setup.reader.picture(slot)
        if photo is None:
            raise InputError(f"'{slot.name}' holds a model's input: give photos to prepare anew.")
        found.append(photo)
    return found


def used_of(setup: Setup) -> Candidate:
    """How the model is fed as things are."""
    from cam_core.doctor import current
    from cam_core.errors import InputError

    spec, info = setup.reader.spec, setup.reader.main
    if spec is None or info is None:
        raise InputError("the doctor is for models of one photo: this one takes something else.")
    return current(spec, info)


def examine(asked: AskedDoctor, setup: Setup, used: Candidate, photos: Sequence[Array]) -> Examined:
    """Against the other model, or alone."""
    from cam_core.doctor import against, alone
    from cam_core.doctor.examine import scores_of
    from cam_core.errors import InputError

    from ..report import progress

    if asked.against is None:
        with progress(18, "presets", slow=True) as step:
            return alone(setup.backend, used, photos, step)
    nothing: dict[str, Any] = dict.fromkeys((*PIECES, "rescale", "scale"))
    own = replace(asked, **nothing, preprocess=asked.against_preprocess, score=None)
    other = set_up(own, asked.against, setup.backend.inputs())
    reference = scores_of(other.backend, used_of(other), photos)
    if reference is None:
        raise InputError(f"'{asked.against}' does not take these photos: see `gradcam check`.")
    with progress(18, "presets", slow=True) as step:
        return against(setup.backend, used, photos, reference, step)


def record(asked: AskedDoctor, setup: Setup, found: Examined, photos: int) -> dict[str, Any]:
    """Ready for JSON."""
    from cam_core.doctor import flags

    ways = [
        {
            "name": way.name,
            "flags": flags(way),
            "mean": float(values.mean()),
            "lowest": float(values.min()),
            "photos": [float(v) for v in values],
        }
        for way, values in zip(found.candidates, found.values, strict=True)
    ]
    verdict = found.verdict
    return {
        "command": "doctor",
        "model": asked.model,
        "against": asked.against,
        "photos": photos,
        "used": setup.source,
        "measure": "consistency" if asked.against is None else "agreement",
        "ways": [ways[i] for i in verdict.order],
        "tied": [ways[i]["name"] for i in verdict.tied],
        "named": [ways[i]["name"] for i in verdict.named],
        "verdict": sentence(asked, found),
    }


def sentence(asked: AskedDoctor, found: Examined) -> str:
    """The verdict in a line."""
    from cam_core.doctor import flags

    verdict = found.verdict
    now, best = (float(found.values[i].mean()) for i in (0, verdict.best))
    name = Path(asked.model).name
    does = "is confident and consistent" if asked.against is None else "agrees"
    if not verdict.enough:
        return f"none of these: {name} {does} by {best:.2f} at best, {now:.2f} as it is fed"
    if not verdict.named:
        doubt = [found.candidates[i].name for i in verdict.tied if i != 0]
        tied = f"; these photos do not tell it from {either(doubt)}" if doubt else ""
        return f"{name} {does} ({now:.2f}) as it is fed{tied}"
    ways = [found.candidates[i] for i in verdict.named]
    said = either([way.name for way in ways])
    tied = ", which these photos do not tell apart" if ways[1:] else ""
    typed = "" if ways[0].reshaped else f": {flags(ways[0])}"
    return f"{name} {does} ({best:.2f}, {now:.2f} as it is fed) when fed {said}{tied}{typed}"


def either(names: Sequence[str]) -> str:
    """One of these ways, of which some have commas in their names."""
    if len(names) == 1:
        return names[0]
    quoted = [f"'{name}'" for name in names]
    if len(names) > LISTED + 1:
        quoted = [*quoted[:LISTED], f"{len(names) - LISTED} others"]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def tell(facts: dict[str, Any]) -> None:
    """For people."""
    from ..report import console, grid, lines

    out = console()
    rows = [
        ("~" if way["name"] in facts["tied"] else "", way["name"], *_numbers(way))
        for way in facts["ways"]
    ]
    headings = {"": "", "fed": "fold", facts["measure"]: "r", "lowest": "r"}
    out.print(grid(headings, rows), soft_wrap=True)
    said = [("~", "the best, and what these photos do not tell from it")]
    said += [] if facts["against"] is None else [("against", facts["against"])]
    said += [("photos", str(facts["photos"])), ("used", facts["used"])]
    lines(out, [*said, ("verdict", facts["verdict"])])


def _numbers(way: dict[str, Any]) -> tuple[str, str]:
    return f"{way['mean']:.4f}", f"{way['lowest']:.4f}"
