"""`gradcam check`: can a model be explained, how, and does what comes out hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cam_core.cli.option_types import FILE
from cam_core.cli.options import PIXELS, RUNTIME, options

from .arguments import MODEL, PROFILE, Check

if TYPE_CHECKING:
    from .check_steps import Opened
    from .screen import Screen


@click.command(short_help="Say whether and how a model can be explained.")
@MODEL
@click.argument("image", required=False, type=FILE)
@options(
    Check,
    *("target", "layer", "score", *PIXELS, "static", "input", "labels", "label-offset", *RUNTIME),
    *("verify", "json", "output"),
    input={
        "metavar": "NAME=FILE",
        "help": "The array (.npy) or the picture of one of the model's inputs; repeatable.",
    },
    target={"help": "The targets of --numeric, as in explain. Default: the top class."},
)
@click.option(
    "--numeric",
    is_flag=True,
    help="Compare G with differences of the plain model along random directions.",
)
@click.option(
    "--profile",
    type=PROFILE,
    help="web: what of MODEL a browser runs on WASM, and its size.",
)
def check(asked: Check) -> int:
    """Say what lies between the layer and the score of MODEL, and what would be added.

    With IMAGE (a picture or an array) also the classes that the model sees in it, under each
    preset: wrong preprocessing is the commonest way to a wrong map.

    Exit code 1: there is no gradient, it is exactly 0, it is not what differences say, or the
    original outputs would move.
    """
    from cam_core.cli.output import print_json, write_json

    from . import check_steps as steps
    from .screen import Screen

    screen = Screen(silent=asked.as_json)
    opened = steps.open_model(asked, screen)
    found, refused = steps.cover(opened, screen)
    record = {"command": "check", "model": str(asked.model), **found}
    if asked.profile is not None and not refused:
        record["profile"] = steps.tell_browser(opened, screen)
    passed = not refused and try_out(asked, opened, record, screen)
    screen.release()
    record["verdict"] = "yes" if passed else "no"
    screen.line("verdict", steps.verdict(passed, refused))
    write_json(asked.out, record)
    if asked.as_json:
        print_json(record)
    return 0 if passed else 1


def try_out(asked: Check, opened: Opened, record: dict[str, Any], screen: Screen) -> bool:
    """What is found by running the model on one input, added to the record; does it hold?"""
    from . import check_steps as steps
    from . import gradients

    setup = steps.set_up(asked, opened)
    targets = setup.targets(asked.targets or steps.usual_question(setup), several=False)
    sample = steps.sampled(setup)
    screen.release()
    passed = True
    if asked.verify:
        given = steps.given_arrays(setup, sample)
        record["comparison"] = steps.tell_moved(asked, opened, given, screen)
        passed = not record["comparison"].get("moved", False)
    if setup.slots:
        record["input"] = steps.inspect(setup, sample, screen)
    if not (asked.verify or asked.numeric or setup.slots):
        return passed
    required = asked.numeric or bool(setup.slots)
    tried = gradients.pull(setup, sample, targets, asked.layer, screen, required=required)
    if tried is None:
        return passed
    record["gradient"] = gradients.tell_empty(tried, screen)
    passed = passed and not any(row["empty"] for row in record["gradient"])
    if asked.numeric:
        operators = [row["operator"] for row in record["operators"]]
        record["numeric"] = gradients.differentiate(tried, operators, screen)
        passed = passed and not any(row["passed"] is False for row in record["numeric"])
    return passed
