"""`gradcam monitor`: has what a deployed model looks at shifted since its audit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..limited import check_junit, ended, write_junit
from ..monitor.asked import Monitor
from ..option_types import FILE
from ..options import options

if TYPE_CHECKING:
    from cam_core.compare.limits import Checked
    from cam_core.monitor import Monitored


@click.command(short_help="Say whether a deployed model's attention has shifted.")
@click.argument("log", type=FILE)
@options(
    Monitor,
    *("json", "output"),
    output={
        "metavar": "FILE",
        "help": "Write the distributions as a page (.html), or the record (.json).",
    },
)
@click.option(
    "--baseline",
    type=FILE,
    required=True,
    metavar="REPORT",
    help="The report of 'gradcam audit', or a log of a time that was well.",
)
@click.option(
    "--alpha",
    default=0.01,
    show_default=True,
    type=float,
    help="The rate of false alarms: of so many logs without a shift one is called one.",
)
@click.option(
    "--every",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Take one of so many rows in sequence: neighbours, such as frames, are alike.",
)
@click.option(
    "--by-class/--all-classes",
    default=True,
    show_default=True,
    help="Compare class by class, so that another mix of answers is no shift.",
)
@click.option("--seed", default=0, show_default=True, help="Of what is dealt out anew.")
@click.option(
    "--fail-if",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 1 where that is so: METRIC.STATISTIC, < <= > or >=, a number, such as "
    "'alarm.max>0'; repeatable.",
)
@click.option("--junit", type=FILE, metavar="FILE", help="Write the limits as JUnit's XML, too.")
def monitor(asked: Monitor) -> int:
    """Compare the numbers of maps that a device logged with those of its audit.

    LOG is a .csv, .jsonl, .parquet or .npz with the eight numbers of 'cam_stats' a row ('gradcam
    instrument --stats') and the answer's class where it is known, or a folder of recordings. No
    picture is needed. The verdict comes first: has attention shifted, within the classes?

    Exit code 1 where a limit of --fail-if is broken, else 0.

    \b
    gradcam monitor week.csv --baseline report --fail-if "alarm.max>0"
    gradcam monitor week.parquet --baseline report -o week.html
    """
    from cam_core.compare.limits import Checked, read_limit
    from cam_core.maps.stats import STATS
    from cam_core.monitor import monitor as compared
    from cam_core.monitor import record
    from cam_core.monitor.monitoring import RESULTS

    from ..monitor.words import show
    from ..output import print_json

    require_kind(asked.out)
    check_junit(asked.junit, [] if asked.out is None else [asked.out])
    limits = [read_limit(text, [*STATS, *RESULTS]) for text in asked.fail_if]
    how: dict[str, Any] = {name: getattr(asked, name) for name in ("alpha", "every", "seed")}
    found = compared(asked.log, asked.baseline, by_class=asked.by_class, **how)
    checked = [Checked(one, one.statistic(found.values(one.metric))) for one in limits]
    facts = record(found)
    facts["limits"] = [{"limit": one.limit.text, "failed": one.failed} for one in checked]
    names = write(asked.out, found, facts, checked)
    for text in facts["said"]:
        click.echo(f"note: {text}", err=True)
    if asked.as_json:
        print_json(facts)
    else:
        show(facts, checked, names)
    write_junit(asked.junit, checked, facts, "monitor")
    return ended(checked)


def require_kind(out: Path | None) -> None:
    """Refuses a file of another kind, before any work is done.

    Raises:
        InputError: it is one.
    """
    from cam_core.errors import InputError

    if out is not None and out.suffix.lower() not in (".html", ".json"):
        raise InputError(f"-o '{out}': a page is .html, a record .json")


def write(
    out: Path | None, found: Monitored, facts: Mapping[str, Any], checked: Sequence[Checked]
) -> list[str]:
    """The page or the record, where one is asked for; its name."""
    from cam_core.report import to_json
    from cam_core.write import write_together

    from ..monitor.page import page

    if out is None:
        return []
    html = out.suffix.lower() == ".html"
    content = page(found, facts, checked) if html else to_json(facts)
    write_together(out.parent, {out.name: content})
    return [str(out)]
