"""The commands of this backend: instrument, strip, layers; `check` has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cam_core.cli.options import FILE, PIXELS, RUNTIME, options

from .command_check import check
from .instrument import OUTPUTS

__all__ = ["check", "instrument", "layers", "strip"]

MODEL = click.argument("model", type=FILE)
OUT = {"required": True, "metavar": "OUT", "help": "The file to write."}
NUMBER = {"metavar": "NUMBER", "help": "The same as --rescale."}


@click.command(short_help="Write a .onnx that gives its own class activation map.")
@MODEL
@options(
    *("target", "layer", "score", "method", *PIXELS, "input", "labels", "label-offset"),
    *(*RUNTIME, "verify", "json", "output"),
    target={
        "help": "input (the class is an input, cam_class), cotangent, or as in explain: top:k, "
        "243, a label, prob:243, 243-282; repeatable. Default: input.",
    },
    layer={
        "multiple": True,
        "help": "A tensor, a node, a module path or an index of 'gradcam layers'; repeatable.",
    },
    scale=NUMBER,
    output=OUT,
    labels={"help": "Class names, one a line; kept in the file."},
)
@click.option("--gate", is_flag=True, help="Add the input cam_enable; false costs nothing.")
@click.option(
    "--outputs", default="map", show_default=True, help=f"With commas: {', '.join(OUTPUTS)}."
)
@click.option("--guided", is_flag=True, help="Guided backpropagation instead of the gradient.")
@click.option(
    "--weights",
    type=click.Choice(["link", "copy"]),
    default="link",
    show_default=True,
    help="How external weights come to another folder.",
)
def instrument(
    model: Path,
    out: Path,
    layer: tuple[str, ...],
    targets: tuple[str, ...],
    score: str | None,
    method: str,
    gate: bool,
    outputs: str,
    guided: bool,
    inputs: tuple[str, ...],
    labels_file: Path | None,
    label_offset: int,
    weights: str,
    verify: bool,
    providers: tuple[str, ...],
    optimization: str,
    custom_ops: tuple[Path, ...],
    as_json: bool,
    preprocess: str | None,
    **pieces: Any,
) -> int:
    """Write a plain .onnx file that gives MODEL's outputs and its class activation map.

    Preprocessing and labels are kept in the file: those of the flags, else those that the model
    or the files beside it name. Exit code 1: the original outputs moved by more than rounding.

    \b
    gradcam instrument model.onnx -o model.cam.onnx
    gradcam instrument model.onnx -o model.cam.onnx --target top:1 --outputs map,score,class_used
    """
    from cam_core.cli.feeds import read_arrays
    from cam_core.cli.output import print_json
    from cam_core.cli.sources import Sources
    from cam_core.errors import InputError

    from .comparison import Runtime, compare
    from .instrument import instrument as write
    from .load import load
    from .save import data_files, save

    source = load(model)
    if out.exists() and out.samefile(model):
        raise InputError(f"{out} is the model itself; write to another file")
    view = View(source)
    sources = Sources.of(view, model)
    labels, named = sources.labels(labels_file, label_offset, view.classes)
    spec, said = view.preprocess(sources, preprocess, pieces)
    result = write(
        source,
        layer=list(layer) or None,
        score=score,
        method=method,
        target=list(targets) if len(targets) > 1 else targets[0] if targets else "input",
        gate=gate,
        outputs=[name.strip() for name in outputs.split(",") if name.strip()],
        guided=guided,
        labels=None if labels is None else labels.names,
        preprocess=spec,
    )
    files = data_files(source, out)
    given = read_arrays(view.backend.inputs(), inputs)
    runtime = Runtime(providers, optimization, [str(path) for path in custom_ops], given)
    found = compare(result, source, runtime) if verify else None
    save(result, out, source, copy=weights == "copy")
    facts = {e.key: e.value for e in result.metadata_props}
    names = [o.name for o in result.graph.output][len(source.model.graph.output) :]
    added = _operators(result.graph) - _operators(source.model.graph)
    record = {
        "command": "instrument",
        "model": str(model),
        "written": str(out),
        "weights": [{"file": str(f.target), "bytes": f.size, "how": weights} for f in files],
        "layer": facts["cam.layer"],
        "layout": facts["cam.layout"],
        "score": facts["cam.score"],
        "target": facts["cam.target"],
        "method": method,
        "outputs": names,
        "operators_added": added,
        "bytes_added": result.ByteSize() - source.model.ByteSize(),
        "preprocessing": None if spec is None else {"source": said, **spec},
        "labels": None if labels is None else labels.source,
        "comparison": None if found is None else found.record(),
    }
    if as_json:
        print_json(record)
        return 1 if found is not None and found.moved else 0
    for file in files:
        click.echo(f"weights {file.target} ({file.size / 2**20:.1f} MiB, {weights})")
    click.echo(f"layer   {facts['cam.layer']}  {facts['cam.layout']}")
    click.echo(f"score   {facts['cam.score']}")
    click.echo(f"target  {facts['cam.target']}")
    click.echo(f"adds    {', '.join(names)}; {added} operators, {_growth(source, result)}")
    click.echo(f"keeps   preprocessing: {said}; labels: {named}")
    if found is not None:
        click.echo(f"outputs {found.text}")
    click.echo(f"wrote   {out}")
    return 1 if found is not None and found.moved else 0


class View:
    """What `Sources` asks of a backend, of a model that need not be run."""

    def __init__(self, source: Any) -> None:
        from .backend import OnnxBackend

        self.backend = OnnxBackend(source)

    @property
    def metadata(self) -> dict[str, str]:
        return self.backend.metadata

    @property
    def classes(self) -> int | None:
        return self.backend.classes

    def preprocess(
        self, sources: Any, preset: str | None, pieces: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, str]:
        """What is said of the photos, as metadata; None where nothing is but a guess."""
        from dataclasses import asdict

        flags = preset is not None or any(value is not None for value in pieces.values())
        images = [info for info in self.backend.inputs() if info.channel_axis is not None]
        if flags and not images:
            raise click.UsageError("the model takes no image: preprocessing does not apply")
        if not images or not (flags or any(said.spec for said in sources.said)):
            return None, "none; give --preprocess"
        spec, said = sources.preprocess(images[0], preset, **pieces)
        return asdict(spec), said


def _operators(graph: Any) -> int:
    """The nodes of a graph and of its branches."""
    branches = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
    return len(graph.node) + sum(map(_operators, branches))


def _growth(source: Any, result: Any) -> str:
    before, after = source.model.ByteSize(), result.ByteSize()
    return f"{(after - before) / 1024:.1f} KiB more ({(after - before) / before:.2%})"


@click.command(short_help="Take out all that `instrument` added.")
@MODEL
@options("json", "output", output=OUT)
def strip(model: Path, out: Path, as_json: bool) -> None:
    """Write the source of an instrumented MODEL, message for message."""
    from cam_core.cli.output import print_json

    from .load import load, sha256
    from .save import save
    from .strip import strip as take_out

    source = load(model)
    plain = take_out(source)
    save(plain, out, source)
    if as_json:
        print_json(
            {
                "command": "strip",
                "model": str(model),
                "written": str(out),
                "source_sha256": sha256(plain),
            }
        )
    else:
        click.echo("source  verified: its hash is the one taken when it was instrumented")
        click.echo(f"wrote   {out}")


@click.command(short_help="List the layers that can be explained.")
@MODEL
@options(
    *("layer", "score", "json", "output"),
    layer={"help": "Mark what this means: a tensor, a node, a module path or an index."},
)
def layers(
    model: Path, layer: str | None, score: str | None, as_json: bool, out: Path | None
) -> None:
    """List the maps between the input and the score of MODEL.

    The default is marked *, the layer that --layer means >, and the ends of branches ~: maps
    after which no other map follows, where there is more than one.
    """
    from cam_core.cli.output import print_json, write_json
    from cam_core.cli.report import console, grid, line

    from .backend import OnnxBackend

    backend = OnnxBackend(model, score=score)
    listed = backend.layers()
    known = backend.analysis.layers
    meant = None if layer is None else known.find(layer).name
    ends = [tensor.name for tensor in known.route.branch_ends(known.listed())]
    branches = ends if len(ends) > 1 else []
    note = backend.layer_note if any(found.default for found in listed) else ""
    record = {
        "command": "layers",
        "model": str(model),
        "score": backend.score_name,
        "note": note,
        "meant": meant,
        "layers": [
            {
                "index": index,
                "name": found.name,
                "operator": found.operator,
                "shape": list(found.shape),
                "module": found.module,
                "default": found.default,
                "branch_end": found.name in branches,
            }
            for index, found in enumerate(listed)
        ],
    }
    write_json(out, record)
    if as_json:
        print_json(record)
        return
    rows = [
        (
            "*" * found.default + ">" * (found.name == meant) + "~" * (found.name in branches),
            str(index),
            found.operator,
            " x ".join("?" if d is None else str(d) for d in found.shape),
            found.name,
            found.module,
        )
        for index, found in enumerate(listed)
    ]
    headings = {"": "", "index": "r", "operator": "", "shape": "", "tensor": "", "module": ""}
    screen = console()
    screen.print(grid(headings, rows), soft_wrap=True)
    line(screen, "score", backend.score_name)
    if meant is not None:
        line(screen, "meant", f"'{layer}' is {meant}")
    if branches:
        line(screen, "branches", ", ".join(branches))
    if note:
        line(screen, "note", note)
