"""`gradcam compare`: do two models look at the same thing?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..compare.asked import Compare
from ..limited import check_junit, ended, write_junit
from ..option_types import FILE
from ..options import PIXELS, RUNTIME, options

if TYPE_CHECKING:
    from cam_core.compare.limits import Checked, Limit
    from cam_core.compare.run import Comparison

    from ..compare.opened import Opened


@click.command(short_help="Say whether two models look at the same thing.")
@click.argument("model", required=False, metavar="A")
@click.argument("other", required=False, metavar="B")
@click.argument("images", nargs=-1, type=FILE)
@options(
    Compare,
    *("target", "layers", "score", "method", *PIXELS, "static", "labels", "label-offset"),
    *("threshold", *RUNTIME, "json", "output"),
    target={"help": "What both are explained for, see 'gradcam targets'. Default: A's answer."},
    layers={
        "help": "Where A is looked at: a tensor, a node, a module path or an index of 'gradcam "
        "layers'; repeatable. That of B is found."
    },
    method={"default": None, "show_default": False, "help": "Default: what suits A's score."},
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for compare.json, compare.png and compare.html; made if absent. Default: "
        "the current one.",
    },
)
@click.option(
    "--layer-b",
    "layers_b",
    multiple=True,
    help="The layer of B; 'default' is its own default one. Repeatable, in the order of A's.",
)
@click.option("--labels-b", type=FILE, metavar="FILE", help="B's class names. Default: --labels.")
@click.option(
    "--map-classes",
    type=FILE,
    metavar="FILE",
    help="Which class is which: a line 'class of A,class of B' each, by number or name.",
)
@click.option(
    "--own-preprocessing",
    is_flag=True,
    help="Feed B by its own preprocessing. Default: the bytes that A is fed.",
)
@click.option(
    "--sample",
    default=8,
    show_default=True,
    type=click.IntRange(0),
    help="Photos that noise, other classes and shuffled weights are tried on.",
)
@click.option("--seed", default=0, show_default=True, help="Of noise and shuffled weights.")
@click.option(
    "--tensors",
    is_flag=True,
    help="Of two .onnx files: also how far each tensor that both have lies apart, and the first "
    "that diverges.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 1 where that is so: METRIC.STATISTIC, < <= > or >=, a number, such as "
    "'spearman.p05<0.8'; repeatable.",
)
@click.option("--junit", type=FILE, metavar="FILE", help="Write the limits as JUnit's XML, too.")
@click.option(
    "--again",
    type=FILE,
    metavar="REPORT",
    help="Put limits on a compare.json of before; no model is run.",
)
def compare(asked: Compare) -> int:
    """Explain models A and B on the same IMAGES, and say whether they look at the same thing.

    A is the original and B what became of it: an export, a quantised copy, a conversion. Either is
    a model file, 'package.module:factory', a function that gives a torch module or a backend that
    is open, or a folder that 'gradcam record' or a device has written; two such folders need no
    IMAGES. Both are fed the
    same bytes and explained for A's answer. The verdict is in units of A itself: how alike its maps
    stay under one grey level of noise, and how alike its map of another class is.

    Exit code 1 where a limit of --fail-if is broken, else 0.

    \b
    gradcam compare model.onnx model.int8.onnx photos/ --preprocess imagenet
    gradcam compare mine.nets:resnet model.onnx photos/ --fail-if "spearman.p05<0.8"
    gradcam compare model.onnx recording/ photos/
    gradcam compare --again compare.json --fail-if "flips.mean>0.02" --junit limits.xml
    """
    from cam_core.compare.limits import read_limit

    limits = [read_limit(text) for text in asked.fail_if]
    return again(asked, limits) if asked.again is not None else run(asked, limits)


def run(asked: Compare, limits: Sequence[Limit]) -> int:
    """Both models over all photos."""
    from cam_core.compare.limits import check
    from cam_core.compare.run import run as compared
    from cam_core.compare.tensors import require_tensors

    from ..compare.files import FILES, input_said, record, write
    from ..compare.opened import open_both
    from ..output import check_directory, print_json
    from ..report import progress
    from ..threads import ahead

    check_directory(asked.out)
    check_junit(asked.junit, [asked.out / name for name in FILES])
    opened = open_both(asked)
    for text in opened.said:
        click.echo(f"note: {text}", err=True)
    if asked.tensors:
        require_tensors(opened.sides.a, opened.sides.b)
    fed = opened.feeding
    with progress(fed.count, "comparing") as step:
        found = compared(
            opened.sides, fed.photo, fed.count, sample=asked.sample, step=step, ahead=ahead
        )
    found = replace(found, missed=[*opened.missed, *found.missed])
    found = replace(found, presets=opened.presets(found))
    facts = record(asked, found, fed, opened.said)
    tensors = tensor_table(asked, opened, found)
    facts |= {} if tensors is None else {"tensors": tensors}
    checked = check(facts, limits)
    facts["limits"] = [{"limit": one.limit.text, "failed": one.failed} for one in checked]
    names, missing = write(asked, found, fed, facts, checked, tensors)
    write_junit(asked.junit, checked, facts, "compare")
    if asked.as_json:
        print_json(facts)
    else:
        tell(asked, found, checked, names, tensors, input_said(fed))
    for text in missing:
        click.echo(f"note: {text}", err=True)
    return ended(checked)


def again(asked: Compare, limits: Sequence[Limit]) -> int:
    """Limits on saved numbers."""
    from cam_core.compare.limits import check

    from ..compare.files import RECORD

    if asked.model is not None:
        raise click.UsageError("--again runs no model: leave A, B and the photos out")
    if not (limits or asked.junit):
        raise click.UsageError("--again puts limits on a report: name some with --fail-if")
    assert asked.again is not None
    check_junit(asked.junit, [asked.again, asked.again / RECORD])
    facts = saved(asked.again)
    checked = check(facts, limits)
    for one in checked:
        click.echo(f"{'FAILED' if one.failed else 'holds '} {one.line}")
    write_junit(asked.junit, checked, facts, "compare")
    if asked.junit is not None:
        click.echo(f"wrote  {asked.junit}")
    return ended(checked)


def saved(path: Path) -> Mapping[str, Any]:
    """A record of before, by its file or its folder.

    Raises:
        InputError: there is none.
    """
    from cam_core.errors import InputError
    from cam_core.foreign import from_json

    from ..compare.files import RECORD

    file = path / RECORD if path.is_dir() else path
    try:
        found = from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "no JSON"
        raise InputError(f"--again '{file}': {said}; give the compare.json of a run") from error
    return found if isinstance(found, dict) else {}


def tensor_table(asked: Compare, opened: Opened, found: Comparison) -> Mapping[str, Any] | None:
    """Of the first photo, where it is asked for."""
    if not asked.tensors:
        return None
    from cam_core.compare.tensors import tensor_record

    photo = opened.feeding.photo(found.pairs[0].index)
    return tensor_record(opened.sides.a, opened.sides.b, (photo.a, photo.b))


def tell(
    asked: Compare,
    found: Comparison,
    checked: Sequence[Checked],
    names: Sequence[str],
    tensors: Mapping[str, Any] | None,
    prepared: Sequence[tuple[str, str]],
) -> None:
    """On the terminal."""
    from ..compare.words import limits_said, show

    more = [] if tensors is None else [("tensors", str(tensors["said"]))]
    files = [("wrote", str(asked.out / name)) for name in names]
    files += [] if asked.junit is None else [("wrote", str(asked.junit))]
    show(
        found,
        found.said[len(found.sides.classes.said) > 0 :],
        [*prepared, *more, *limits_said(checked), *files],
    )
