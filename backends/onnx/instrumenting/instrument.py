"""Writes Grad-CAM into a model: its outputs, the target layer and an explicit backward subgraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import onnx

from cam_core.errors import InputError
from cam_core.maps.fuses import find_fuse
from cam_core.methods import Method, find_method, usual_method

from ..differentiating.gradient import differentiate
from ..finding.analysis import Analysis, analysed
from ..finding.layers import Choice
from ..reading.graph import Tensor
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
from .canvas import canvas
from .metadata import record
from .methods import (
    CamTensors,
    arranged,
    cam,
    heatmap,
    knows_no_class,
    mergeable,
    merged,
    require_fusible,
    writable_method,
)
from .over_input import Given, Source, by_gradient, over_input, source_of, sources
from .targets import FED, NO_TARGET, Target, Targets, write_targets


def instrument(
    model: object,
    *,
    layer: str | int | Sequence[str | int] | None = None,
    score: str | None = None,
    method: str | None = None,
    fuse: str | None = None,
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
        fuse: a row of `cam_core.maps.FUSES`: the maps of several layers as one.
        target: "input" (adds the input `cam_class`), "cotangent" (adds `cam_cotangent`),
            or one or several targets as `cam_core.targets.parse_target` reads them: "top:k",
            a class, a label, "prob:243", "243-282"; several get an axis after the batch. Methods
            that know of no class add no input, where nothing else that is asked for needs one.
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
    if fuse is not None:
        find_fuse(fuse)
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
    if target in FED and knows_no_class(method, outputs):
        targets = NO_TARGET
    else:
        targets = write_targets(op, analysis.score, target, labels, static=fixed, shapes=shapes)
    made = _outputs(op, analysis, targets, method, outputs, _How(guided, fuse))
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
        fuse=fuse,
        places=_places(op, analysis, method),
        labels=labels,
        preprocess=preprocess,
        source_sha256=digest.result(),
    )
    require_valid(result, analysis.source.model)
    if verify:
        require_same(result, analysis.source, analysis.graph.input_shapes)
    return result


def _places(op: Op, analysis: Analysis, method: str) -> tuple[str, str]:
    """The layers, and their layouts; the input, of a method that is about no layer."""
    if find_method(method).layered:
        choices = analysis.choices
        return ";".join(c.name for c in choices), ";".join(c.layout.text() for c in choices)
    over = source_of(op, analysis, sources(analysis))
    return over.name, over.layout


def _check_outputs(outputs: Sequence[str]) -> None:
    unknown = [name for name in outputs if name not in OUTPUTS]
    if unknown or not outputs:
        raise InputError(f"no output '{', '.join(unknown)}'; there are {', '.join(OUTPUTS)}")
    if len(set(outputs)) < len(outputs):
        raise InputError(f"an output is asked for twice: {', '.join(outputs)}; name each once")


@dataclass(frozen=True)
class _How:
    """What holds for all targets and layers."""

    guided: bool
    fuse: str | None


def _outputs(
    op: Op,
    analysis: Analysis,
    targets: Targets,
    method: str,
    names: Sequence[str],
    how: _How,
) -> list[Tensor]:
    """The tensors to be added as outputs, named."""
    row = writable_method(method) if not set(MAPPED).isdisjoint(names) else None
    if row is not None and row.gives == "map" and "alpha" in names:
        raise InputError(f"method '{method}' gives a map and no weights: leave output 'alpha' out")
    rows = [_Row(op, analysis, target, row, how, names) for target in targets.each]
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
    how: _How
    names: Sequence[str]
    layers: list[dict[str, Tensor]] = field(default_factory=list)
    merged: dict[str, Tensor] = field(default_factory=dict)
    """Instead of those of each layer, where the layers are the scales of a detector."""
    inputs: dict[str, Tensor] = field(default_factory=dict)
    _cams: list[CamTensors] = field(default_factory=list)
    _given: Given | None = None
    """Of a method about the input."""

    def __post_init__(self) -> None:
        """Runs the reverse pass and the method."""
        choices = self.analysis.choices
        named = sources(self.analysis) if "input_gradients" in self.names else []
        over, attended = self._source(), self._attended()
        layers = [c.tensor.name for c in choices if self._needs_gradients()]
        wanted = [*(layers if attended is None else attended.wanted), *named]
        wanted += [] if over is None or not by_gradient(self.method) else [over.name]
        gradients = self._pulled(list(dict.fromkeys(wanted))) if wanted else {}
        self._given = None if over is None else self._of_input(over, gradients.get(over.name))
        if attended is not None:
            self.layers = [self._of_attention(attended, gradients)]
        else:
            pulled = [gradients.get(choice.tensor.name) for choice in choices]
            self.layers = [self._layer(c, G) for c, G in zip(choices, pulled, strict=True)]
        self.inputs = {name: gradients[name] for name in named}
        self.merged = self._merged()

    def _layer(self, choice: Choice, pulled: Tensor | None) -> dict[str, Tensor]:
        op, given = self.op, choice.tensor if pulled is None else pulled
        A, G = in_real_units(op, self.analysis.graph, choice.tensor, given)
        found = {"activations": widened(op, A)} | ({} if pulled is None else {"gradients": G})
        if self.method is not None and self.method.layered:
            made = self._cam(choice, A, None if pulled is None else G)
            self._cams.append(made)
            found |= self._mapped(made, choice)
        return found

    def _cam(self, choice: Choice, A: Tensor, G: Tensor | None) -> CamTensors:
        """What the method makes of a layer."""
        assert self.method is not None
        op, rows = self.op, self.analysis.layers.maps.rows
        floor = choice.scale or self.how.fuse is not None
        if self._given is None:
            return cam(op, self.method, choice.layout, A, G, rows, floor=floor)
        known = [arranged(op, choice.layout, x, rows) for x in (A, G)]
        given = replace(self._given, A=known[0], G=known[1], region=choice.region)
        return over_input(self.method, given)

    def _mapped(self, made: CamTensors, choice: Choice | None = None) -> dict[str, Tensor]:
        """The outputs of a map: of one over the input, that is the heatmap's own size."""
        op, found = self.op, {"map": made.map, "signed": made.signed}
        found |= {} if made.alpha is None else {"alpha": _flat(op, made.alpha)}
        if "heatmap" in self.names:
            if choice is None or self._given is not None:
                found["heatmap"] = heatmap(op, made.map, None, None, None)
            else:
                found["heatmap"] = heatmap(op, made.map, *canvas(self.analysis, choice))
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
            found["heatmap"] = heatmap(self.op, lit, *canvas(self.analysis, choice))
        return found

    def _merged(self) -> dict[str, Tensor]:
        """The map of all scales, where their sizes are known, or of all layers that are fused.

        Also that of a method which is about no layer.
        """
        if self._given is not None and self.method is not None and not self.method.layered:
            return self._mapped(over_input(self.method, self._given))
        choices, cams, fuse = self.analysis.choices, self._cams, self.how.fuse
        scales = len(cams) > 1 and all(choice.scale for choice in choices)
        if fuse is not None and self.method is not None:
            require_fusible(choices, cams)
        elif not scales or not mergeable(cams):
            return {}
        lit, signed = merged(self.op, cams, fuse)
        finest = max(zip(cams, choices, strict=True), key=lambda p: prod(p[0].map.shape[1:]))
        return self._mapped(CamTensors(None, signed, lit), finest[1])

    def _needs_gradients(self) -> bool:
        if self.method is None or "gradients" in self.names:
            return True
        return "gradients" in self.method.needs and self.method.layered

    def _pulled(self, wanted: Sequence[str], *, guided: bool = False) -> dict[str, Tensor]:
        cotangent, guided = self.target.cotangent, guided or self.how.guided
        return differentiate(self.op, self.analysis, cotangent, wanted, guided=guided)

    def _source(self) -> Source | None:
        """The input that the method is about; None of a method about a layer."""
        if self.method is None or self.method.at != "input":
            return None
        return source_of(self.op, self.analysis, sources(self.analysis))

    def _of_input(self, over: Source, gx: Tensor | None) -> Given:
        assert self.method is not None
        guided = "guided gradients" in self.method.needs
        found = self._pulled([over.name], guided=True)[over.name] if guided else None
        return over.given(gx, found)


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
