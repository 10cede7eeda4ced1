"""`gradcam rank`: which method is best on one's own model and photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options
from ..ranking.asked import Rank
from ..typed import flag, opening, pieces

if TYPE_CHECKING:
    from cam_core.sources.boxes import BoxesByPhoto

    from ..inputs.opened import Setup
    from ..ranking.run import Run

FAITHFUL = ("ROAD combined", "ADCC")
PLACED = ("energy in box", "pointing game")
MISSED = 5
"""Lines about questions that could not be asked."""
DEAR = frozenset({"tail", "passes"})
"""What a method needs that takes dozens of passes or thousands."""


@click.command(short_help="Rank the methods on your own model and photos.")
@click.argument("model")
@click.argument("images", nargs=-1, type=FILE, required=True)
@options(
    Rank,
    *("target", "layer", "score", *PIXELS, "static", "labels", "label-offset", "threshold"),
    *(*ANYWHERE, "json", "output"),
    target={
        "help": "What is asked of each photo; repeatable, see 'gradcam targets'. Default: the "
        "classes of its labelled boxes, without them what suits the model, such as the top class.",
    },
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for rank.json, rank.md and rank.png; made if absent. Default: the "
        "current one.",
    },
)
@click.option(
    "--boxes",
    type=FILE,
    metavar="LABELS",
    help="The boxes of the objects: COCO's "
    ".json, Pascal VOC's .xml, ImageNet's .csv, YOLO's .txt, or a folder of them.",
)
@click.option(
    "--methods",
    "asked_methods",
    metavar="A,B",
    help="Which, see 'gradcam methods'; with options as rise:masks=500,cells=5. "
    "Default: all but those that run the model dozens of times or more a map.",
)
@click.option(
    "--metrics",
    "asked_metrics",
    metavar="A,B",
    help="By which, see docs/metrics.md; "
    "the first decides the order of the table. Default: ROAD combined and ADCC, before "
    "them energy in box and pointing game where there are --boxes.",
)
@click.option(
    "--sanity",
    "checks",
    default=8,
    show_default=True,
    type=click.IntRange(0),
    help="Photos on which a model with shuffled weights is asked as well; 0: none.",
)
def rank(asked: Rank) -> None:
    """Rank the methods by metrics, on your own MODEL and IMAGES.

    Of each metric: the mean over photos with its interval, the place, and which methods tie with
    the best (the interval of their difference to it, photo by photo, holds 0). Of each method: what
    it costs, as measured here, and whether its maps change when the model's weights are shuffled.

    A ranking holds for this network, these photos and this metric: it flips between networks, data
    sets and metrics. What counts is photos like those the model will see, dozens of them.

    A method that the model cannot do is told with its reason. Those that run the model dozens of
    times or more a map (scorecam, rise and the like, where there are any) are left out unless
    --methods names them. "energy in box", "pointing game" and "entropy" cost next to nothing, ROAD
    and ADCC 19 and 3 passes a map, insertion and deletion 101.

    \b
    gradcam rank model.onnx photos/ --boxes labels.json --preprocess imagenet
    gradcam rank model.onnx photos/ --methods gradcam,hirescam --metrics insertion,deletion
    """
    from ..output import print_json
    from ..ranking.files import record, write
    from ..ranking.result import result
    from ..report import progress

    run, left_out = plan(asked)
    with progress(len(run.setup.slots), "ranking", slow=True) as step:
        run.photos(step)
    found = result(run)
    facts = record(asked, found, left_out)
    files = write(asked, found, facts, told(left_out))
    if asked.as_json:
        print_json(facts)
    else:
        from ..ranking.words import show, written

        show(found, [*told(left_out), *written(asked.out, files)])
    tell_left_out(run.missed)


def plan(asked: Rank) -> tuple[Run, list[str]]:
    """What is to be done, and the methods that are left out as they were not named."""
    from cam_core.methods import METHODS, find_method
    from cam_core.ranking import Tally, require

    from ..methods_asked import methods_of
    from ..missed import tell
    from ..output import check_directory
    from ..ranking.run import Run

    check_directory(asked.out)
    named = words(asked.asked_methods, "--methods")
    for name in named:
        find_method(name)
    cheap = [name for name, method in METHODS.items() if not method.needs & DEAR]
    metrics = words(asked.asked_metrics, "--metrics") or [
        *(PLACED if asked.boxes else ()),
        *FAITHFUL,
    ]
    for name in metrics:
        require(name, boxes=asked.boxes is not None)
    setup = set_up(asked)
    chosen, notes = methods_of(setup.backend, named or cheap, asked.layer)
    tell(notes)
    methods = list(chosen)
    run = Run(
        setup,
        methods,
        Tally(methods, metrics),
        setup.targets(asked.targets) if asked.targets else (),
        boxes_of(asked, setup),
        asked.layer,
        asked.threshold,
        asked.checks,
        say=lambda line: click.echo(line, err=True),
    )
    return run, [name for name in METHODS if name not in methods and not named]


def words(text: str | None, name: str) -> list[str]:
    """Names with commas between them, each once; methods with their options."""
    from cam_core.methods.options import listed

    found = listed(text or "")
    if text is not None and not all(found):
        raise click.BadParameter("names with commas between them: a,b.", param_hint=name)
    return list(dict.fromkeys(filter(None, found)))


def set_up(asked: Rank) -> Setup:
    """The model, and the photos."""
    from cam_core.discover import open_backend
    from cam_core.sources import Sources

    from ..inputs.given_files import find_files
    from ..inputs.opened import bring_together

    images = find_files(asked.images)
    backend = open_backend(asked.model, **opening(asked))
    sources = Sources.of(backend, asked.model, flag)
    return bring_together(backend, sources, asked, images, pieces(asked))


def boxes_of(asked: Rank, setup: Setup) -> BoxesByPhoto | None:
    """Those of the photos, by name; None where there are no labels."""
    from cam_core.errors import InputError
    from cam_core.image.read import glance
    from cam_core.sources.boxes import read_boxes

    if asked.boxes is None:
        return None
    paths = [slot.path for slot in setup.slots if not slot.feed]
    sizes = {path.stem: glance(path)[::-1] for path in paths if path.suffix not in (".npy", ".npz")}
    found = read_boxes(asked.boxes, sizes)
    if not any(found.get(stem) for stem in sizes):
        raise InputError(f"boxes '{asked.boxes}': none of these photos has a box there.")
    named = any(isinstance(box.label, str) for stem in sizes for box in found.get(stem, ()))
    if named and setup.names is None and not asked.targets:
        raise InputError(
            f"boxes '{asked.boxes}' have names, and those of the model's classes are unknown: give "
            "--labels FILE, or --target."
        )
    return found


def tell_left_out(missed: Sequence[str]) -> None:
    """The first of the questions that were not asked; all are in rank.json."""
    for line in missed[:MISSED]:
        click.echo(f"note: {line}", err=True)
    if len(missed) > MISSED:
        click.echo(f"note: {len(missed) - MISSED} more such lines in rank.json", err=True)


def told(left_out: Sequence[str]) -> list[tuple[str, str]]:
    """What was not measured."""
    said = f"many passes a map, --methods names them: {', '.join(left_out)}"
    return [("left out", said)] if left_out else []
