"""`gradcam web`: a page where a model explains itself, as a folder of static files."""

from __future__ import annotations

from pathlib import Path

import click

from cam_core.cli.option_types import FILE
from cam_core.cli.options import PIXELS, options

from .arguments import Web


@click.command(short_help="Write a page where models explain themselves, in any browser.")
@click.argument("models", nargs=-1, type=FILE, metavar="[MODEL [MODEL_B]]")
@options(
    Web,
    *("layers", "score", "method", *PIXELS, "static", "labels", "label-offset", "json", "output"),
    method={
        "default": None,
        "show_default": False,
        "help": "See 'gradcam methods'. Default: what suits the model.",
    },
    output={
        "default": Path("site"),
        "show_default": True,
        "metavar": "DIR",
        "help": "The folder; made if absent.",
    },
    labels={"help": "Class names, one a line."},
)
@click.option(
    "--sample",
    "samples",
    type=FILE,
    multiple=True,
    metavar="PHOTO",
    help="A photo to start with, in place of the demo's scenes; repeatable.",
)
@click.option(
    "--runtime",
    type=FILE,
    metavar="DIR",
    help="Where onnxruntime-web lies. Default: what npm gets once and keeps.",
)
@click.option("--serve", is_flag=True, help="Serve the folder on this machine alone.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Of --serve. Default: 8000, or a free one."
)
def web(asked: Web) -> None:
    """Write a static folder in which MODEL explains itself in the browser; no photo leaves it.

    Drop, paste or pick photos, or use the camera; choose any class. MODEL_B is shown beside it.
    Without a model the page takes any file that `gradcam instrument` wrote.

    \b
    gradcam web gradcam-demo/demo.onnx --serve
    gradcam web model.onnx model.int8.onnx --preprocess imagenet --labels names.txt -o site
    """
    from cam_core.cli.output import print_json
    from cam_core.web import address, find_runtime, serve, write_site

    from . import web_steps as steps

    if len(asked.models) > 2:
        raise click.UsageError("a page shows one model, or two side by side")
    runtime = find_runtime(asked.runtime, fetch=asked.runtime is None)
    made = [steps.made(asked, path) for path in asked.models]
    samples = steps.read_samples(asked.samples)
    files = write_site(asked.out, [one.model for one in made], runtime=runtime, samples=samples)
    if asked.as_json:
        print_json(steps.record(asked, made, files))
    else:
        steps.tell(asked, made, files)
    if asked.serve:
        with serve(asked.out, asked.port) as server:
            click.echo(f"open    {address(server)}  (Ctrl-C stops)")
            server.serve_forever()
