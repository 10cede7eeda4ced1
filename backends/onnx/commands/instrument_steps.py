"""The steps of `gradcam instrument`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from cam_core.backend import InputInfo
from cam_core.cli.inputs.given_arrays import read_arrays
from cam_core.cli.inputs.opened import find_labels
from cam_core.cli.methods_asked import beside_layer
from cam_core.cli.report import heads_said
from cam_core.cli.typed import extents, flag, pieces, running
from cam_core.errors import InputError
from cam_core.foreign import from_json
from cam_core.image import Preprocess
from cam_core.methods import find_method
from cam_core.sources import Labels, Sources

from ..capturing.backend import OnnxBackend
from ..capturing.sized import analyse_at
from ..instrumenting import save as writing
from ..instrumenting.instrument import instrument
from ..instrumenting.profiles import fixed_sizes
from ..reading.load import Source, load
from ..reading.names import RECORD, STATIC
from ..reading.probes import is_open
from ..running.runner import Runner
from .comparison import Comparison, compare_outputs

if TYPE_CHECKING:
    import onnx

    from .arguments import Instrument


@dataclass(frozen=True)
class Kept:
    """What the file says of its photos and its classes, and where that comes from."""

    labels: Labels | None
    named: str
    preprocess: dict[str, Any] | None
    """None where there is nothing but a guess."""
    said: str


def open_model(asked: Instrument) -> OnnxBackend:
    """The model, read and analysed once; it is not run."""
    if asked.inputs and not asked.verify:
        raise click.UsageError("--input gives what outputs are compared on: --no-verify reads none")
    source = load(asked.model)
    if asked.out.exists() and asked.out.samefile(asked.model):
        raise InputError(f"{asked.out} is the model itself; write to another file")
    analysis = analyse_at(source, asked.layers or [None], asked.score, **extents(asked))
    backend = OnnxBackend(analysis, **running(asked))
    if asked.layers and len(backend.inputs()) == 1:
        beside_layer([str(asked.method)], asked.layers[0])
    return backend


def declared_inputs(backend: OnnxBackend) -> list[InputInfo]:
    """What the model takes, as its own file says it: with the extents that --static fixes open."""
    own = {info.name: info.type for info in backend.analysis.source.model.graph.input}
    dims = {name: kind.tensor_type.shape.dim for name, kind in own.items()}
    shapes = {
        name: tuple(d.dim_param or None if is_open(d) else d.dim_value for d in dim)
        for name, dim in dims.items()
    }
    inputs = backend.inputs()
    if backend.analysis.static is None:
        return inputs
    return [replace(info, shape=shapes[info.name]) for info in inputs]


def find_kept(asked: Instrument, backend: OnnxBackend) -> Kept:
    """Preprocessing and labels: of the flags, else of the model and the files beside it."""
    sources, given = Sources.of(backend, asked.model, flag), pieces(asked)
    labels, named = find_labels(sources, asked, backend)
    flags = asked.preprocess is not None or bool(given)
    images = [info for info in declared_inputs(backend) if info.channel_axis is not None]
    if flags and not images:
        names = ", ".join(map(flag, [*(["preprocess"] if asked.preprocess else []), *given]))
        raise click.UsageError(f"the model takes no image to prepare: leave {names} out")
    if not images or not (flags or any(stated.spec for stated in sources.stated)):
        return Kept(labels, named, None, "none; give --preprocess")
    spec, said = sources.preprocess(images[0], asked.preprocess, **given)
    return Kept(labels, named, asdict(spec), said)


def at_fixed_sizes(asked: Instrument, backend: OnnxBackend, kept: Kept) -> OnnxBackend:
    """The model with the sizes that a profile fixes."""
    if asked.profile is None:
        return backend
    spec = None if kept.preprocess is None else Preprocess(**kept.preprocess)
    sizes = fixed_sizes(backend.analysis, spec)
    if sizes is None:
        return backend
    analysis = analyse_at(backend.analysis.source, asked.layers or [None], asked.score, sizes)
    return OnnxBackend(analysis, **running(asked))


def make(asked: Instrument, backend: OnnxBackend, kept: Kept) -> onnx.ModelProto:
    """The instrumented model."""
    targets = asked.targets
    return instrument(
        backend.analysis,
        layer=list(asked.layers) or None,
        method=asked.method,
        fuse=asked.fuse,
        target=list(targets) if len(targets) > 1 else targets[0] if targets else "input",
        gate=asked.gate,
        outputs=[name.strip() for name in asked.outputs.split(",") if name.strip()],
        stats=asked.stats,
        guided=asked.guided,
        labels=None if kept.labels is None else kept.labels.names,
        preprocess=kept.preprocess,
        static=extents(asked)["static"],
        profile=asked.profile,
    )


def find_moved(asked: Instrument, backend: OnnxBackend, result: onnx.ModelProto) -> Comparison:
    """The original outputs before and after, on the arrays of --input."""
    analysis, given = backend.analysis, read_arrays(declared_inputs(backend), asked.inputs)
    runner = Runner(**running(asked), folder=analysis.source.folder)
    return compare_outputs(result, analysis, runner, given)


def write_files(
    asked: Instrument, backend: OnnxBackend, result: onnx.ModelProto
) -> list[writing.DataFile]:
    """The file, and the files of weights that it reads."""
    source = backend.analysis.source
    return writing.save(result, asked.out, source, copy=asked.weights == "copy")


@dataclass(frozen=True)
class Written:
    """What was done."""

    asked: Instrument
    backend: OnnxBackend
    result: onnx.ModelProto
    kept: Kept
    found: Comparison | None
    files: Sequence[writing.DataFile]

    @property
    def source(self) -> Source:
        """The model as it was."""
        return self.backend.analysis.source

    @property
    def facts(self) -> dict[str, str]:
        """The metadata of the file."""
        return {e.key: e.value for e in self.result.metadata_props}

    @property
    def names(self) -> list[str]:
        """The outputs that were added."""
        own = len(self.source.model.graph.output)
        return [output.name for output in self.result.graph.output][own:]

    @property
    def note(self) -> str:
        """Where guided backpropagation is the plain gradient; '' where it is not asked for."""
        method = find_method(self.facts["cam.method"])
        guided = self.asked.guided or "guided gradients" in method.needs
        return self.backend.guided_note if guided else ""

    @property
    def profile(self) -> dict[str, Any] | None:
        """What the record of the file says of it."""
        found: dict[str, Any] | None = from_json(self.facts[RECORD])["profile"]
        return found

    @property
    def fitted(self) -> list[str]:
        """The same for people, and the shapes that were fixed for it."""
        if self.profile is None:
            return []
        left = ", ".join(f"{count} {name}" for name, count in self.profile["fallback"].items())
        said = f"runs on WASM: {left}" if left else "runs on WebGPU"
        shapes = [f"{i.name} [{', '.join(map(str, i.shape))}]" for i in self.backend.inputs()]
        return [
            f"web: what is added {said} ({self.profile['runtime']})",
            f"web: {'; '.join(shapes)}",
        ]

    @cached_property
    def operators(self) -> int:
        """How many were added."""
        return _operators(self.result.graph) - _operators(self.source.model.graph)

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        asked, facts, kept = self.asked, self.facts, self.kept
        spec = kept.preprocess
        return {
            "command": "instrument",
            "model": str(asked.model),
            "written": str(asked.out),
            "source_sha256": facts["cam.source_sha256"],
            "weights": [{"file": str(f.path), "bytes": f.size, "how": f.how} for f in self.files],
            "layer": facts["cam.layer"],
            "layout": facts["cam.layout"],
            "score": facts["cam.score"],
            "heads": [head.record() for head in self.backend.heads()],
            "target": facts["cam.target"],
            "method": facts["cam.method"],
            **({"fuse": asked.fuse} if asked.fuse else {}),
            "note": self.note,
            "outputs": self.names,
            "operators_added": self.operators,
            "bytes_added": self.result.ByteSize() - self.source.model.ByteSize(),
            "static": {name or "input": list(shape) for name, shape in asked.shapes},
            "preprocessing": None if spec is None else {"source": kept.said, **spec},
            "labels": None if kept.labels is None else kept.labels.source,
            "profile": self.profile,
            "comparison": None if self.found is None else self.found.record(),
        }

    def tell(self) -> None:
        """The same for people."""
        asked, facts, kept = self.asked, self.facts, self.kept
        for file in self.files:
            click.echo(f"weights {file.path} ({file.size / 2**20:.1f} MiB, {file.how})")
        layered = find_method(facts["cam.method"]).layered
        note = "" if asked.layers or not layered else self.backend.layer_note
        layer = f"{facts['cam.layer']}  {facts['cam.layout']}"
        click.echo(f"layer   {layer} ({note})" if note else f"layer   {layer}")
        for name, text in heads_said(self.backend.heads()):
            click.echo(f"{name:<8}{text}")
        click.echo(f"target  {facts['cam.target']}")
        if self.note:
            click.echo(f"note    {self.note}")
        grown = _growth(self.source.model, self.result)
        click.echo(f"adds    {', '.join(self.names)}; {self.operators} operators, {grown}")
        for name, shape in asked.shapes:
            click.echo(f"static  {name or 'the input'} is {' x '.join(map(str, shape))}")
        if asked.size is not None and not asked.shapes and STATIC in facts:
            click.echo(f"static  the picture is {' x '.join(map(str, asked.size))}")
        for line in self.fitted:
            click.echo(f"profile {line}")
        click.echo(f"keeps   preprocessing: {kept.said}; labels: {kept.named}")
        if self.found is not None:
            click.echo(f"outputs {self.found.text}")
        click.echo(f"wrote   {asked.out}")


def _operators(graph: onnx.GraphProto) -> int:
    """The nodes of a graph and of its branches."""
    branches = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
    return len(graph.node) + sum(map(_operators, branches))


def _growth(source: onnx.ModelProto, result: onnx.ModelProto) -> str:
    before, after = source.ByteSize(), result.ByteSize()
    return f"{(after - before) / 1024:.1f} KiB more ({(after - before) / before:.2%})"
