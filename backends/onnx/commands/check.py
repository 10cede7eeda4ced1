"""`gradcam check`: can a model be explained, how, and does what comes out hold?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cam_core.cli.options import FILE, PIXELS, RUNTIME, opening, options


@click.command(short_help="Say whether and how a model can be explained.")
@click.argument("model", type=FILE)
@click.argument("image", required=False, type=FILE)
@options(
    *("target", "layer", "score", *PIXELS, "input", "labels", "label-offset", *RUNTIME),
    *("verify", "json", "output"),
    scale={"metavar": "NUMBER", "help": "The same as --rescale."},
    target={"help": "The targets of --numeric, as in explain. Default: the top class."},
)
@click.option(
    "--numeric",
    is_flag=True,
    help="Compare G with central differences of the plain model along 8 random directions.",
)
def check(
    model: Path,
    image: Path | None,
    targets: tuple[str, ...],
    layer: str | None,
    score: str | None,
    preprocess: str | None,
    inputs: tuple[str, ...],
    labels_file: Path | None,
    label_offset: int,
    providers: tuple[str, ...],
    optimization: str,
    custom_ops: tuple[Path, ...],
    verify: bool,
    as_json: bool,
    out: Path | None,
    numeric: bool,
    **pieces: Any,
) -> int:
    """Say what lies between the layer and the score of MODEL, and what would be added.

    With IMAGE (a picture or an array) also the classes that the model sees in it, under each
    preset: wrong preprocessing is the commonest way to a wrong map.

    Exit code 1: there is no gradient, G is not what differences say, or the original outputs
    would move.
    """
    from cam_core.cli.inputs.opened import prepare
    from cam_core.cli.output import print_json, write_json

    from ..capturing.backend import OnnxBackend
    from ..reading.units import STAIRCASES
    from . import check_steps as steps

    screen = steps.Screen(silent=as_json)
    source = steps.open_source(model, screen)
    covered, refused = steps.cover(source, layer, score, screen)
    record: dict[str, Any] = {"command": "check", "model": str(model), **covered}
    passed = not refused
    if passed:
        flags = opening(layer, score, providers, optimization, custom_ops)
        backend = OnnxBackend(steps.load(model), **flags)
        setup = prepare(
            backend,
            model,
            [] if image is None else [image],
            inputs,
            labels_file=labels_file,
            label_offset=label_offset,
            preprocess=preprocess,
            pieces=pieces,
            required=image is not None or bool(inputs),
        )
        asked = setup.targets(targets)
        screen.release()
        if verify:
            record["comparison"] = steps.compare(source, flags, setup, screen)
            passed = not record["comparison"].get("moved", False)
        if setup.slots:
            record["input"] = steps.inspect(setup, screen)
        if numeric:
            staircase = any(row["operator"] in STAIRCASES for row in record["operators"])
            record["numeric"] = steps.differentiate(setup, asked, layer, staircase, screen)
            passed = passed and not any(r["passed"] is False for r in record["numeric"])
    screen.release()
    record["verdict"] = "yes" if passed else "no"
    screen.line("verdict", steps.verdict(passed, refused))
    write_json(out, record)
    if as_json:
        print_json(record)
    return 0 if passed else 1
