"""`gradcam audit`: a folder of photos, and a report that a release can hang on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cam_core.audit.engines import ENGINES

from ..audit.asked import Audit
from ..limited import check_junit, ended, write_junit
from ..option_types import FILE, Names
from ..options import PIXELS, RUNTIME, options

if TYPE_CHECKING:
    from cam_core.audit.measure.metrics import Estimate
    from cam_core.audit.plan import Plan
    from cam_core.audit.summary import Summary
    from cam_core.compare.limits import Limit

    from ..audit.opened import Fed

ENGINES_SAID = "; ".join(f"{name}, {row.summary}" for name, row in ENGINES.items())


@click.command(short_help="Look at many photos, and write a report.")
@click.argument("given", nargs=-1, metavar="MODEL [REFERENCE] DATA")
@options(
    Audit,
    *("target", "layer", "score", "method", *PIXELS, "static", "labels", "label-offset"),
    *("threshold", *RUNTIME, "json", "output"),
    target={"help": "What is explained, see 'gradcam targets'. Default: the model's answer."},
    method={"default": None, "show_default": False, "help": "Default: what suits the score."},
    output={
        "default": "report",
        "metavar": "REPORT",
        "help": "Folder of the report; made if absent. An interrupted one is gone on with. "
        "Default: report.",
    },
)
@click.option("--format", "format", metavar="NAME", help="What DATA is, where it is not told.")
@click.option("--photos", metavar="DIR", help="Where the photos of DATA's labels are; a URI, too.")
@click.option(
    "--boxes",
    type=FILE,
    metavar="LABELS",
    help="Boxes of the photos from elsewhere: COCO's .json, VOC's .xml, ImageNet's .csv, YOLO's "
    ".txt, or a folder of them.",
)
@click.option("--sample", type=click.IntRange(1), help="So many photos, drawn by --seed.")
@click.option("--seed", default=0, show_default=True, help="Of the draw, noise and shuffling.")
@click.option(
    "--bounds",
    default=16,
    show_default=True,
    type=click.IntRange(0),
    help="With a reference: photos that noise, other classes and shuffled weights are tried on.",
)
@click.option(
    "--metrics",
    type=Names(),
    default=(),
    metavar="A,B",
    help="Also measure these of each map of MODEL: faithfulness, sanity (both of several), or "
    "any by its name, see docs/audit.md. They run the model a few times a photo or hundreds: "
    "what they cost is said first.",
)
@click.option(
    "--engine",
    default="here",
    show_default=True,
    type=click.Choice(list(ENGINES)),
    help=f"Where photos are looked at: {ENGINES_SAID}. Others than this process have models of "
    "their own.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Of other engines than here: how many processes. Default: one a core.",
)
@click.option("--layer-b", help="The layer of the reference; 'default' is its own default one.")
@click.option("--labels-b", type=FILE, metavar="FILE", help="The reference's class names.")
@click.option(
    "--map-classes",
    type=FILE,
    metavar="FILE",
    help="Which class is which: a line 'of MODEL,of REFERENCE' each, by number or name.",
)
@click.option(
    "--own-preprocessing",
    is_flag=True,
    help="Feed the reference by its own preprocessing. Default: the bytes that the model is fed.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 1 where that is so: METRIC.STATISTIC, < <= > or >=, a number, such as "
    "'correct.mean<0.9'; repeatable.",
)
@click.option("--junit", type=FILE, metavar="FILE", help="Write the limits as JUnit's XML, too.")
@click.option(
    "--baseline", type=FILE, metavar="REPORT", help="A report of before to hold this one against."
)
@click.option(
    "--card", type=FILE, metavar="FILE", help="Write a section for a model card, too (Markdown)."
)
@click.option(
    "--again",
    type=FILE,
    metavar="REPORT",
    help="Put limits on a report that is there; no model is run.",
)
def audit(asked: Audit) -> int:
    """Look at all photos of DATA with MODEL, and write a report.

    DATA is a folder of photos; a folder of folders, each a class; a table (.csv, .parquet) with
    path and label; COCO's .json, YOLO's folders images and labels, VOC's folders, ImageNet's .csv
    of boxes; or an .npz. Each photo becomes a row of Parquet: what the model says and whether that
    is right, how much of its map lies on the object, on others, on the background, at the border.
    With a REFERENCE, such as the release before, also how alike both look, as 'gradcam compare'.
    Either may be a folder that 'gradcam record' or a device has written.

    Folders and tables may lie elsewhere: s3://bucket/photos.

    Rows are written as it goes on. Interrupted or killed, the same call goes on where it was.

    Exit code 1 where a limit of --fail-if is broken, else 0.

    \b
    gradcam audit model.onnx photos/ --preprocess imagenet --labels classes.txt -o report
    gradcam audit new.onnx old.onnx labels.json -o report --fail-if "spearman.p05<0.8"
    gradcam audit recording/ photos/ -o report
    gradcam audit --again report --fail-if "failed.mean>0" --junit limits.xml
    """
    return again(asked) if asked.again is not None else run(asked)


def run(asked: Audit) -> int:
    """The models over the photos that have no row yet, and the report."""
    from cam_core.audit.run import run as audited
    from cam_core.plural import counted

    from ..audit.files import PAGE, RECORD, command_line
    from ..audit.opened import open_all, sources
    from ..audit.steps import (
        columns_asked,
        engine_of,
        facts_of,
        limits_of,
        said_first,
        summary_of,
    )
    from ..output import check_directory
    from ..report import progress
    from ..threads import ahead

    check_directory(asked.out)
    check_junit(asked.junit, [asked.out / name for name in (RECORD, PAGE)])
    limits, engine = limits_of(asked, columns_asked(asked)), engine_of(asked)
    before = None if asked.baseline is None else summary_of(asked.baseline)
    ready, fed = open_all(asked)
    notes = said_first(ready, fed)
    for text in notes:
        click.echo(f"note: {text}", err=True)
    facts = facts_of(ready, command_line(sys.argv[1:]), sources(asked))
    with progress(ready.count, "auditing", rated=True) as step:
        done = audited(
            *(ready, asked.out),
            **{"step": step.at, "ahead": ahead, "engine": engine, "facts": facts},
            dear=say_cost,
        )
    if done.kept:
        click.echo(f"note: {counted(done.kept, 'row was', 'rows were')} there already", err=True)
    return finish(asked, (ready, fed), limits, before, notes)


def say_cost(known: Estimate) -> None:
    """Before the rows are begun."""
    from ..audit.words import cost_said

    for text in cost_said(known):
        click.echo(f"note: {text}", err=True)


def finish(
    asked: Audit,
    drawn: tuple[Plan, Fed],
    limits: Sequence[Limit],
    before: Summary | None,
    notes: Sequence[str],
) -> int:
    """The report of all rows."""
    from cam_core.audit.summary import against

    from ..audit.files import record, write
    from ..audit.steps import check, summary_of
    from ..audit.words import show
    from ..output import print_json

    found = summary_of(asked.out)
    baseline = None if before is None else against(found, before)
    checked = check(found, limits)
    facts = record(found, checked, baseline, notes)
    names, missing = write(asked.out, found, facts, drawn, checked, baseline)
    if asked.card is not None:
        from cam_core.write import write_together

        from ..audit.card import card

        write_together(asked.card.parent, {asked.card.name: card(facts)})
    write_junit(asked.junit, checked, {"verdict": facts["verdict"]}, "audit")
    if asked.as_json:
        print_json(facts)
    else:
        files = [asked.out / name for name in names]
        files += [file for file in (asked.card, asked.junit) if file is not None]
        show(found, facts, checked, baseline, list(map(str, files)))
    for text in missing:
        click.echo(f"note: {text}", err=True)
    return ended(checked)


def again(asked: Audit) -> int:
    """Limits on rows that are there."""
    from ..audit.files import PAGE, RECORD
    from ..audit.steps import check, limits_of, summary_of

    assert asked.again is not None
    if asked.given:
        raise click.UsageError("--again runs no model: leave the model and the data out")
    if not (asked.fail_if or asked.junit):
        raise click.UsageError("--again puts limits on a report: name some with --fail-if")
    check_junit(asked.junit, [asked.again / name for name in (RECORD, PAGE)])
    found = summary_of(asked.again)
    checked = check(found, limits_of(asked, found.table.columns))
    for one in checked:
        click.echo(f"{'FAILED' if one.failed else 'holds '} {one.line}")
    write_junit(asked.junit, checked, {"verdict": {"line": found.line}}, "audit")
    return ended(checked)
