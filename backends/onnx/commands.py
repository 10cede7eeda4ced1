"""The commands of this backend: instrument, strip, layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cam_core.cli.options import build_preprocess, preprocess_flags

from .instrument import OUTPUTS

MODEL = click.argument("model", type=click.Path(path_type=Path, readable=False))
OUT = click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    help="The file to write.",
)
LAYER = "A tensor, a node, a torch module path or an index from `gradcam layers`."


@click.command(short_help="Write a .onnx that gives its own class activation map.")
@MODEL
@OUT
@click.option("--layer", "layers", multiple=True, help=f"{LAYER} Repeatable.")
@click.option("--score", help="The score tensor, where the one found is not the one meant.")
@click.option("--method", default="gradcam", show_default=True, help="See `gradcam methods`.")
@click.option(
    "--target",
    default="input",
    show_default=True,
    help="input (the class is an input, cam_class), top:k, a class, a label, or cotangent.",
)
@click.option("--gate", is_flag=True, help="Add the input cam_enable; false costs nothing.")
@click.option(
    "--outputs",
    default="map",
    show_default=True,
    help=f"With commas: {', '.join(OUTPUTS)}.",
)
@click.option("--guided", is_flag=True, help="Guided backpropagation instead of the gradient.")
@click.option(
    "--labels",
    "labels_file",
    type=click.Path(path_type=Path, readable=False),
    help="Class names, one a line; kept in the file.",
)
@click.option("--label-offset", default=0, help="The class of the first line of --labels.")
@click.option(
    "--weights",
    type=click.Choice(["link", "copy"]),
    default="link",
    show_default=True,
    help="How external weights come to another folder.",
)
@click.option("--verify/--no-verify", default=True, help="Compare the original outputs.")
@preprocess_flags
def instrument(
    model: Path,
    out: Path,
    layers: tuple[str, ...],
    score: str | None,
    method: str,
    target: str,
    gate: bool,
    outputs: str,
    guided: bool,
    labels_file: Path | None,
    label_offset: int,
    weights: str,
    verify: bool,
    preprocess: str | None,
    **pieces: Any,
) -> None:
    """Write a plain .onnx file that gives MODEL's outputs and its class activation map.

    \b
    gradcam instrument model.onnx -o model.cam.onnx
    gradcam instrument model.onnx -o model.cam.onnx --target top:1 --outputs map,score,class_used
    """
    from cam_core.cli.labels import read_labels

    from .instrument import instrument as write
    from .load import load
    from .save import data_files, save

    source = load(model)
    labels = None if labels_file is None else read_labels(labels_file, label_offset).names
    result = write(
        source,
        layer=list(layers) or None,
        score=score,
        method=method,
        target=target,
        gate=gate,
        outputs=[name.strip() for name in outputs.split(",") if name.strip()],
        guided=guided,
        labels=labels,
        preprocess=_preprocess(source, preprocess, pieces),
    )
    for file in data_files(source, out):
        click.echo(f"weights {file.target} ({file.size / 2**20:.1f} MiB, {weights})")
    save(result, out, source, copy=weights == "copy")
    facts = {e.key: e.value for e in result.metadata_props}
    added = len(result.graph.node) - len(source.model.graph.node)
    click.echo(f"layer   {facts['cam.layer']}  {facts['cam.layout']}")
    click.echo(f"score   {facts['cam.score']}")
    names = [o.name for o in result.graph.output][len(source.model.graph.output) :]
    click.echo(f"adds    {', '.join(names)}; {added} operators, {_growth(source, result)}")
    if verify:
        click.echo(f"outputs {_verdict(result, source)}")
    click.echo(f"wrote   {out}")


def _preprocess(source: Any, preset: str | None, pieces: dict[str, Any]) -> dict[str, Any] | None:
    """What the flags say, as metadata; None without any."""
    if preset is None and all(value is None for value in pieces.values()):
        return None
    from dataclasses import asdict

    from .backend import OnnxBackend

    images = [info for info in OnnxBackend(source).inputs() if info.channel_axis is not None]
    if not images:
        raise click.UsageError("the model takes no image: preprocessing does not apply")
    return asdict(build_preprocess(images[0], preset, **pieces)[0])


def _growth(source: Any, result: Any) -> str:
    before, after = source.model.ByteSize(), result.ByteSize()
    return f"{(after - before) / 1024:.1f} KiB more ({(after - before) / before:.2%})"


def _verdict(result: Any, source: Any) -> str:
    """One line on whether the original outputs stayed as they were."""
    from cam_core.errors import CamError

    from .verify import verify

    try:
        found = verify(result, source.model, folder=source.folder)
    except CamError as error:
        return f"not compared: {error}"
    if found.identical:
        return "unchanged, bit for bit"
    return f"'{found.output}' differs by {found.largest:.1e} relative"


@click.command(short_help="Take out all that `instrument` added.")
@MODEL
@OUT
def strip(model: Path, out: Path) -> None:
    """Write the source of an instrumented MODEL, message for message."""
    from .load import load
    from .save import save
    from .strip import strip as take_out

    source = load(model)
    save(take_out(source), out, source)
    click.echo(f"wrote {out}")


@click.command(short_help="List the layers that can be explained.")
@MODEL
@click.option("--score", help="The score tensor, where the one found is not the one meant.")
def layers(model: Path, score: str | None) -> None:
    """List the maps between the input and the score of MODEL, the default one marked."""
    from rich.console import Console
    from rich.table import Table

    from .backend import OnnxBackend

    backend = OnnxBackend(model, score=score)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("", "index", "operator", "shape", "tensor", "module"):
        table.add_column(name, justify="right" if name == "index" else "left")
    for index, layer in enumerate(backend.layers()):
        shape = " x ".join("?" if d is None else str(d) for d in layer.shape)
        mark = "*" if layer.default else ""
        table.add_row(mark, str(index), layer.operator, shape, layer.name, layer.module)
    console = Console()
    console.print(table, soft_wrap=True)
    console.print(f"score {backend.score_name}", soft_wrap=True, highlight=False, markup=False)
    if backend.layer_note:
        console.print(backend.layer_note, soft_wrap=True, highlight=False, markup=False)


@click.command(short_help="Say whether and how a model can be explained.")
@MODEL
@click.option("--layer", help=LAYER)
@click.option("--score", help="The score tensor, where the one found is not the one meant.")
@click.option("--verify/--no-verify", default=True, help="Compare the original outputs.")
def check(model: Path, layer: str | None, score: str | None, verify: bool) -> int:
    """Say what lies between the layer and the score of MODEL, and what would be added.

    Exit code 1: there is no gradient; the reason and the nearest layer that works are said.
    """
    from rich.console import Console
    from rich.table import Table

    from .coverage import coverage
    from .instrument import instrument as write
    from .load import load

    source = load(model)
    found = coverage(source, layer, score)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"layer   {found.layer}\nscore   {found.score}")
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("operator", "count", "derivative", ""):
        table.add_column(name, justify="right" if name == "count" else "left")
    for row in found.operators:
        name = f"{row.domain}.{row.operator}" if row.domain else row.operator
        table.add_row(name, str(row.count), row.status, row.reason)
    console.print(table)
    if found.refused:
        console.print(f"refused {found.refused}")
        if found.nearest_usable:
            console.print(
                f"try     --layer {found.nearest_usable}, the nearest later one that works"
            )
        return 1
    console.print("adds    " + ", ".join(f"{op} {n}" for op, n in found.emitted.items()))
    lacking = ", ".join(found.unportable)
    console.print(f"portable {'no: some runtimes lack ' + lacking if lacking else 'yes'}")
    if verify:
        result = write(source, layer=layer, score=score)
        console.print(f"outputs {_verdict(result, source)}")
    return 0
