"""Writes Grad-CAM into a model: its outputs, the target layer and an explicit backward subgraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import onnx

from cam_core.errors import InputError
from cam_core.methods import Method, usual_method
from cam_core.region import Window

from ..differentiating.gradient import differentiate
from ..finding.analysis import Analysis, analysed
from ..finding.layers import Choice
from ..reading.graph import Extent, Tensor, floating
from ..reading.load import load, sha256
from ..reading.names import MAPPED, OUTPUTS, PER_LAYER, output_name
from ..reading.static import Static, require_static
from ..running.verify import require_same
from ..writing.append import append
from ..writing.arithmetic import in_real_units, widened
from ..writing.emit import Emitter
from ..writing.op import Op
from ..writing.valid import require_valid
from . import gate as gates
from .attention import Attended, attended
from .metadata import record
from .methods import CamTensors, cam, heatmap, mergeable, merged, writable_method
from .targets import Target, Targets, write_targets


def instrument(
    model: object,
    *,
    layer: str | int | Sequence[str | int] | None = None,
    score: str | None = None,
    method: str | None = None,
    target: str | int | Sequence[str | int] = "input",
    gate: bool = False,
    outputs: str | Sequence[str] = ("map",),
    guided: bool = False,
    labels: Sequence[str] | None = None,
    preprocess: Mapping[str, Any] | None = None,
    static: Static | None = None,
    verify: bool = False,
) -> onnx.ModelProto:
    """The model with its outputs first and unchanged, then those asked for.

    Args:
        model: a path, bytes, an `onnx.ModelProto` (which stays as it is), or the `analysis` of an
            `OnnxBackend`, whose layer and score count where none are named.
        layer: tensor, node, torch module path or index; several give outputs `cam_map_0`, ...; if
            None the default, of a detector the maps of all scales merged into one.
        score: the score tensor; found by itself if None.
        method: a row of `cam_core.METHODS`; if None what suits the score, gradcam of a classifier.
        target: "input" (adds the input `cam_class`), "cotangent" (adds `cam_cotangent`),
            or one or several targets as `cam_core.targets.parse_target` reads them: "top:k",
            a class, a label, "prob:243", "243-282"; several get an axis after the batch.
        gate: adds the input `cam_enable`; false skips the backward subgraph.
        outputs: names in OUTPUTS, or one of them.
        guided: guided backpropagation (Springenberg et al. 2015) instead of the gradient.
        labels: class names, for a target that is a label; kept in the metadata.
        preprocess: kept in the metadata for whoever feeds the model.
        static: the shape of the input, or shapes by input name, that the file is fixed to, for
            compilers that take no dynamic extents.
        verify: runs both models and compares the original outputs (needs onnxruntime).

    Returns:
        A model in standard operators of its own opset that any runtime with them can run.

    Raises:
        CamError: one line on what cannot be done, where, and what would help.
    """
    outputs = [outputs] if isinstance(outputs, str) else outputs
    _check_outputs(outputs)
    asked = [layer] if layer is None or isinstance(layer, str | int) else list(layer)
    if gate and static is not None:
        raise InputError("gate and static exclude each other: a gated output has N rows or none")
    known = model if isinstance(model, Analysis) else load(model)
    source = known.source if isinstance(known, Analysis) else known
    with ThreadPoolExecutor(max_workers=1) as beside:
        digest = beside.submit(sha256, source.model)  # hashing lets other threads run
        analysis = analysed(known, asked or [None], score, static)
    method = method or usual_method(analysis.score.heads[0])
    op = Emitter(analysis.graph)
    shapes = {t.name: tuple(t.shape or ()) for t in analysis.graph.inputs}
    fixed = static is not None
    targets = write_targets(op, analysis.score, target, labels, static=fixed, shapes=shapes)
    made = _outputs(op, analysis, targets, method, outputs, guided)
    if static is not None:
        require_static(op.needed(made))
    enable = gates.condition() if gate else None
    inputs = [*targets.inputs, *([enable] if enable is not None else [])]
    result = append(op, inputs=inputs, outputs=made)
    if enable is not None:
        gates.close(result, op, made, enable)
    record(
        result,
        analysis,
        targets,
        inputs,
        method=method,
        labels=labels,
        preprocess=preprocess,
        source_sha256=digest.result(),
    )
    require_valid(result, analysis.source.model)
    if verify:
        require_same(result, analysis.source, analysis.graph.input_shapes)
    return result


def _check_outputs(outputs: Sequence[str]) -> None:
    unknown = [name for name in outputs if name not in OUTPUTS]
    if unknown or not outputs:
        raise InputError(f"no output '{', '.join(unknown)}'; there are {', '.join(OUTPUTS)}")
    if len(set(outputs)) < len(outputs):
        raise InputError(f"an output is asked for twice: {', '.join(outputs)}; name each once")


def _outputs(
    op: Op,
    analysis: Analysis,
    targets: Targets,
    method: str,
    names: Sequence[str],
    guided: bool,
) -> list[Tensor]:
    """The tensors to be added as outputs, named."""
    row = writable_method(method) if not set(MAPPED).isdisjoint(names) else None
    rows = [_Row(op, analysis, target, row, guided, names) for target in targets.each]
    found: list[Tensor] = []
    for name in names:
        for number, tensors in _columns(rows, name):
            stacked = _stack(op, tensors) if targets.stacked else tensors[0]
            found.append(op.named(stacked, output_name(name, number)))
    return found


@dataclass
class _Row:
    """All that one target gives, layer by layer."""

    op: Op
    analysis: Analysis
    target: Target
    method: Method | None
    """None where nothing that it makes is asked for."""
    guided: bool
    names: Sequence[str]
    layers: list[dict[str, Tensor]] = field(default_factory=list)
    merged: dict[str, Tensor] = field(default_factory=dict)
    """Instead of those of each layer, where the layers are the scales of a detector."""
    inputs: dict[str, Tensor] = field(default_factory=dict)
    _cams: list[CamTensors] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Runs the reverse pass and the method."""
        choices = self.analysis.choices
        sources = self._sources() if "input_gradients" in self.names else []
        attended = self._attended()
        layers = [c.tensor.name for c in choices if self._needs_gradients()]
        wanted = [*(layers if attended is None else attended.wanted), *sources]
        gradients = self._pulled(list(dict.fromkeys(wanted))) if wanted else {}
        if attended is not None:
            self.layers = [self._of_attention(attended, gradients)]
        else:
            pulled = [gradients.get(choice.tensor.name) for choice in choices]
            self.layers = [self._layer(c, G) for c, G in zip(choices, pulled, strict=True)]
        self.inputs = {name: gradients[name] for name in sources}
        self.merged = self._merged()

    def _layer(self, choice: Choice, pulled: Tensor | None) -> dict[str, Tensor]:
        op, given = self.op, choice.tensor if pulled is None else pulled
        A, G = in_real_units(op, self.analysis.graph, choice.tensor, given)
        found = {"activations": widened(op, A)} | ({} if pulled is None else {"gradients": G})
        if self.method is not None:
            G_or_none = None if pulled is None else G
            of = op, self.method, choice.layout, A, G_or_none, self._rows()
            made = cam(*of, floor=choice.scale)
            self._cams.append(made)
            found |= {"map": made.map, "signed": made.signed, "alpha": _flat(op, made.alpha)}
            if "heatmap" in self.names:
                found["heatmap"] = heatmap(op, made.map, *_canvas(self.analysis, choice))
        return found

    def _attended(self) -> Attended | None:
        """What the model attends to, where the method is about that."""
        if self.method is None or self.method.at != "attention":
            return None
        unknown = sorted(set(self.names) & set(PER_LAYER) - {"map", "signed", "heatmap"})
        if unknown:
            raise InputError(f"output '{unknown[0]}' is of a layer, the method is about attention")
        return attended(self.analysis, self.method)

    def _of_attention(self, seen: Attended, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
        assert self.method is not None
        signed, lit = seen.maps(self.op, self.method, gradients)
        found = {"map": lit, "signed": signed}
        if "heatmap" in self.names:
            choice = replace(self.analysis.choices[0], region=seen.sight.region)
            found["heatmap"] = heatmap(self.op, lit, *_canvas(self.analysis, choice))
        return found

    def _merged(self) -> dict[str, Tensor]:
        """The map of all scales, where their sizes are known; nothing of layers that were named."""
        choices, cams = self.analysis.choices, self._cams
        scales = len(cams) > 1 and all(choice.scale for choice in choices)
        if not scales or not mergeable(cams):
            return {}
        lit, signed = merged(self.op, cams)
        found = {"map": lit, "signed": signed}
        if "heatmap" in self.names:
            finest = max(zip(cams, choices, strict=True), key=lambda p: prod(p[0].map.shape[1:]))
            found["heatmap"] = heatmap(self.op, lit, *_canvas(self.analysis, finest[1]))
        return found

    def _rows(self) -> Extent:
        return self.analysis.layers.maps.rows

    def _needs_gradients(self) -> bool:
        if self.method is None or "gradients" in self.names:
            return True
        return "gradients" in self.method.needs

    def _pulled(self, wanted: Sequence[str]) -> dict[str, Tensor]:
        cotangent = self.target.cotangent
        return differentiate(self.op, self.analysis, cotangent, wanted, guided=self.guided)

    def _sources(self) -> list[str]:
        path = self.analysis.layers.path
        images = [t.name for t in self.analysis.graph.inputs if t.name in path and floating(t)]
        if not images:
            raise InputError("no floating point input reaches the score")
        return images


def _columns(rows: Sequence[_Row], name: str) -> list[tuple[int | None, list[Tensor]]]:
    """(the output's number where there are several of its name, one tensor a target)."""
    if name in rows[0].merged:
        return [(None, [row.merged[name] for row in rows])]
    if name in PER_LAYER:
        several = len(rows[0].layers) > 1
        return [
            (i if several else None, [row.layers[i][name] for row in rows])
            for i in range(len(rows[0].layers))
        ]
    if name == "input_gradients":
        several = len(rows[0].inputs) > 1
        return [
            (i if several else None, [row.inputs[source] for row in rows])
            for i, source in enumerate(rows[0].inputs)
        ]
    found = [row.target.score if name == "score" else row.target.used for row in rows]
    if any(tensor is None for tensor in found):
        raise InputError(f"output '{name}' needs a class; target='cotangent' has none")
    return [(None, [t for t in found if t is not None])]


def _stack(op: Op, tensors: list[Tensor]) -> Tensor:
    """One axis more after N, one entry a target."""
    return op.Concat(*(op.Unsqueeze(t, [1]) for t in tensors), axis=1)


def _flat(op: Op, alpha: Tensor) -> Tensor:
    """[N, K] of [N, K, 1, ...]; weights that differ from place to place stay as they are."""
    places = list(range(2, len(alpha.shape)))
    if places and all(alpha.shape[i] == 1 for i in places):
        return op.Squeeze(alpha, places)
    return alpha


def _canvas(
    analysis: Analysis, choice: Choice
) -> tuple[tuple[int, ...], list[Window] | None, tuple[int, ...] | None]:
    """The spatial extents of the input that a layer's maps are of, what of it they cover, along
    which of its axes.
    """
    region = choice.region
    if region is not None:
        tensor = analysis.graph.tensors[region.input]
        axes = region.space if set(region.axes) <= set(region.space) else region.axes
        extents = dict(enumerate(tensor.shape)) | dict(region.folded)
        size = _static(tensor.name, [extents[i] for i in axes])
        return size, list(region.windows), region.along(len(size))
    for tensor in analysis.graph.inputs:
        axis = analysis.layers.maps.input_channels(tensor)
        if axis is not None and tensor.name in analysis.layers.path:
            space = [d for i, d in enumerate(tensor.shape) if i not in (0, axis)]
            return _static(tensor.name, space), None, None
    raise InputError("output 'heatmap' needs an image input; use 'map'")


def _static(name: str, size: Sequence[Any]) -> tuple[int, ...]:
    if all(isinstance(d, int) for d in size):
        return tuple(size)
    raise InputError(
        f"output 'heatmap' needs a static input size, '{name}' has {tuple(size)}; "
        f"use 'map' and resize it"
    )
