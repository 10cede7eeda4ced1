"""`gradcam instrument`: writes the file, compares the outputs and says what was done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cam_core.cli.option_types import Shape
from cam_core.cli.options import FILE, PIXELS, RUNTIME, options, settled

from ..reading.names import OUTPUTS

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
    "--static",
    "shapes",
    type=Shape(),
    multiple=True,
    metavar="[NAME=]N,C,H,W",
    help="Fix the shape of the input, for compilers that take no dynamic one; repeatable.",
)
@click.option(
    "--weights",
    type=click.Choice(["link", "copy"]),
    default="copy",
    show_default=True,
    help="How external weights come to another folder; onnx.load refuses linked ones.",
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
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
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
    from cam_core.cli.inputs.given_arrays import read_arrays
    from cam_core.cli.output import print_json
    from cam_core.errors import InputError
    from cam_core.sources.preprocessing import Sources

    from ..instrumenting.instrument import instrument as write
    from ..instrumenting.save import save
    from ..reading.load import load
    from .comparison import Runtime, compare

    source = load(model)
    if out.exists() and out.samefile(model):
        raise InputError(f"{out} is the model itself; write to another file")
    view = View(source)
    sources = Sources.of(view.backend, model)
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
        static=static_shapes(shapes),
    )
    given = read_arrays(view.backend.inputs(), inputs)
    runtime = Runtime(providers, optimization, [str(path) for path in custom_ops], given)
    found = compare(result, source, runtime) if verify else None
    files = save(result, out, source, copy=weights == "copy")
    facts = {e.key: e.value for e in result.metadata_props}
    names = [o.name for o in result.graph.output][len(source.model.graph.output) :]
    added = _operators(result.graph) - _operators(source.model.graph)
    record = {
        "command": "instrument",
        "model": str(model),
        "written": str(out),
        "weights": [{"file": str(f.path), "bytes": f.size, "how": f.how} for f in files],
        "layer": facts["cam.layer"],
        "layout": facts["cam.layout"],
        "score": facts["cam.score"],
        "target": facts["cam.target"],
        "method": method,
        "outputs": names,
        "operators_added": added,
        "bytes_added": result.ByteSize() - source.model.ByteSize(),
        "static": {name or "input": list(shape) for name, shape in shapes},
        "preprocessing": None if spec is None else {"source": said, **spec},
        "labels": None if labels is None else labels.source,
        "comparison": None if found is None else found.record(),
    }
    if as_json:
        print_json(record)
        return 1 if found is not None and found.moved else 0
    for file in files:
        click.echo(f"weights {file.path} ({file.size / 2**20:.1f} MiB, {file.how})")
    click.echo(f"layer   {facts['cam.layer']}  {facts['cam.layout']}")
    click.echo(f"score   {facts['cam.score']}")
    click.echo(f"target  {facts['cam.target']}")
    click.echo(f"adds    {', '.join(names)}; {added} operators, {_growth(source, result)}")
    for name, shape in shapes:
        click.echo(f"static  {name or 'the input'} is {' x '.join(map(str, shape))}")
    click.echo(f"keeps   preprocessing: {said}; labels: {named}")
    if found is not None:
        click.echo(f"outputs {found.text}")
    click.echo(f"wrote   {out}")
    return 1 if found is not None and found.moved else 0


class View:
    """What `Sources` asks of a backend, of a model that need not be run."""

    def __init__(self, source: Any) -> None:
        from ..capturing.backend import OnnxBackend

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
        spec, said = sources.preprocess(images[0], preset, **settled(pieces))
        return asdict(spec), said


def static_shapes(
    shapes: Sequence[tuple[str, tuple[int, ...]]],
) -> tuple[int, ...] | dict[str, tuple[int, ...]] | None:
    """What --static says, as `instrument` takes it."""
    named = dict(shapes)
    if len(named) < len(shapes):
        raise click.UsageError("--static names an input twice, or gives two shapes without a name")
    if "" in named and len(named) > 1:
        raise click.UsageError("--static: with several inputs each shape needs a name (NAME=1,3)")
    return named.get("") or named or None


def _operators(graph: Any) -> int:
    """The nodes of a graph and of its branches."""
    branches = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
    return len(graph.node) + sum(map(_operators, branches))


def _growth(source: Any, result: Any) -> str:
    before, after = source.model.ByteSize(), result.ByteSize()
    return f"{(after - before) / 1024:.1f} KiB more ({(after - before) / before:.2%})"
