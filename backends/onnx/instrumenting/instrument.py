"""Writes Grad-CAM into a model: its outputs, the target layer and an explicit backward subgraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import onnx

from cam_core.errors import InputError
from cam_core.maps.fuses import find_fuse
from cam_core.methods import find_method, usual_method, with_options
from cam_core.sources.model_files import to_preprocess

from ..finding.analysis import Analysis, analysed
from ..reading.graph import Tensor
from ..reading.load import load, sha256
from ..reading.static import Static, require_static
from ..running.verify import require_same
from ..writing.append import append
from ..writing.emit import Emitter
from ..writing.op import Op
from ..writing.valid import require_valid
from . import gate as gates
from .attention import place_of, seen
from .fused import put_back, written_out
from .metadata import record
from .methods import knows_no_class
from .outputs import added, check_outputs
from .over_input import source_of, sources
from .profiles import find_profile, fixed_sizes, left_over, recorded
from .row import How
from .targets import FED, NO_TARGET, Targets, write_targets


def instrument(
    model: object,
    *,
    layer: str | int | Sequence[str | int] | None = None,
    score: str | None = None,
    method: str | None = None,
    options: Mapping[str, Any] | None = None,
    fuse: str | None = None,
    target: str | int | Sequence[str | int] = "input",
    gate: bool = False,
    outputs: str | Sequence[str] = ("map",),
    stats: bool = False,
    guided: bool = False,
    labels: Sequence[str] | None = None,
    preprocess: Mapping[str, Any] | None = None,
    static: Static | None = None,
    profile: str | None = None,
    verify: bool = False,
) -> onnx.ModelProto:
    """The model with its outputs first and unchanged, then those asked for.

    Args:
        model: a path, bytes, an `onnx.ModelProto` (which stays as it is), or the `analysis` of an
            `OnnxBackend`, whose layer and score count where none are named.
        layer: tensor, node, torch module path or index; several give outputs `cam_map_0`, ...; if
            None the default, of a detector the maps of all scales merged into one.
        score: the score tensor; found by itself if None.
        method: a row of `cam_core.METHODS`, with its options as `legrad:blocks=1`; if None what
            suits the score, gradcam of a classifier.
        options: of the method, by name, as `explain` takes them: `{"blocks": 1}`.
        fuse: a row of `cam_core.maps.FUSES`: the maps of several layers as one.
        target: "input" (adds the input `cam_class`), "cotangent" (adds `cam_cotangent`),
            or one or several targets as `cam_core.targets.parse_target` reads them: "top:k",
            a class, a label, "prob:243", "243-282"; several get an axis after the batch. Methods
            that know of no class add no input, where nothing else that is asked for needs one.
        gate: adds the input `cam_enable`; false skips the backward subgraph.
        outputs: names in OUTPUTS, or one of them.
        stats: adds the output `cam_stats` [N, 8]: the numbers of `cam_core.maps.stats`.
        guided: guided backpropagation (Springenberg et al. 2015) instead of the gradient.
        labels: class names, for a target that is a label; kept in the metadata.
        preprocess: kept in the metadata for whoever feeds the model.
        static: the shape of the input, or shapes by input name, that the file is fixed to, for
            compilers that take no dynamic extents.
        profile: a row of `profiles.PROFILES`: "web" adds no int64 arithmetic and no operator that
            onnxruntime-web lacks on WebGPU, and fixes the sizes that are open: one row, the picture
            as it is prepared, or 224. What there is no way for is in the record: it runs on WASM.
        verify: runs both models and compares the original outputs (needs onnxruntime).

    Returns:
        A model in standard operators of its own opset that any runtime with them can run.

    Raises:
        CamError: one line on what cannot be done, where, and what would help.
    """
    outputs = [outputs] if isinstance(outputs, str) else list(outputs)
    outputs += ["stats"] if stats and "stats" not in outputs else []
    check_outputs(outputs)
    if fuse is not None:
        find_fuse(fuse)
    fixed = static is not None or profile is not None
    if gate and fixed:
        what = "static" if static is not None else "profile"
        raise InputError(f"gate and {what} exclude each other: a gated output has N rows or none")
    fit = None if profile is None else find_profile(profile).fit
    read, digest = _read(model, layer, score, static)
    analysis = read if profile is None else _at_fixed_sizes(read, layer, score, preprocess)
    method, _ = with_options(method or usual_method(analysis.score.heads[0]), options)
    open_ = written_out(analysis, method)
    op = Emitter(open_.graph, fit=fit)
    targets = _targets(op, open_, method, outputs, target, labels, fixed=fixed)
    made = added(op, open_, targets, method, outputs, How(guided, fuse))
    tensors = [one.tensor for one in made]
    if static is not None or analysis is not read:
        require_static(op.needed(tensors))
    enable = gates.condition() if gate else None
    inputs = [*targets.inputs, *([enable] if enable is not None else [])]
    result = append(op, inputs=inputs, outputs=tensors)
    if open_ is not analysis:
        put_back(result, analysis.model)
    if enable is not None:
        gates.close(result, analysis.model, op, tensors, enable)
    record(
        result,
        analysis,
        targets,
        inputs,
        made,
        method=method,
        fuse=fuse,
        places=_places(op, open_, analysis, method),
        stats="stats" in outputs,
        labels=labels,
        preprocess=preprocess,
        profile=None if profile is None else _profiled(profile, op, tensors, targets),
        source_sha256=digest,
    )
    require_valid(result, analysis.source.model)
    if verify:
        require_same(result, analysis.source, analysis.graph.input_shapes)
    return result


def _read(
    model: object,
    layer: str | int | Sequence[str | int] | None,
    score: str | None,
    static: Static | None,
) -> tuple[Analysis, str]:
    """What is known of the model, and its digest."""
    asked = [layer] if layer is None or isinstance(layer, str | int) else list(layer)
    known = model if isinstance(model, Analysis) else load(model)
    source = known.source if isinstance(known, Analysis) else known
    with ThreadPoolExecutor(max_workers=1) as beside:
        digest = beside.submit(sha256, source.model)  # hashing lets other threads run
        analysis = analysed(known, asked or [None], score, static)
    return analysis, digest.result()


def _at_fixed_sizes(
    analysis: Analysis,
    layer: str | int | Sequence[str | int] | None,
    score: str | None,
    preprocess: Mapping[str, Any] | None,
) -> Analysis:
    """The same with one row and the usual size of its picture, where it leaves them open."""
    sizes = fixed_sizes(analysis, None if preprocess is None else to_preprocess(preprocess))
    if sizes is None:
        return analysis
    asked = [layer] if layer is None or isinstance(layer, str | int) else list(layer)
    named = asked if asked != [None] else [None]
    return analysed(analysis, named, score, sizes)


def _profiled(
    profile: str, op: Emitter, made: Sequence[Tensor], targets: Targets
) -> dict[str, Any] | None:
    """What the record says of the profile."""
    return recorded(profile, left_over(op.needed(made), targets.inputs, op.graph))


def _targets(
    op: Op,
    analysis: Analysis,
    method: str,
    outputs: Sequence[str],
    target: str | int | Sequence[str | int],
    labels: Sequence[str] | None,
    *,
    fixed: bool,
) -> Targets:
    """What is explained; nothing where nothing that is asked for knows of a class."""
    if target in FED and knows_no_class(method, outputs):
        return NO_TARGET
    shapes = {t.name: tuple(t.shape or ()) for t in analysis.graph.inputs}
    return write_targets(op, analysis.score, target, labels, static=fixed, shapes=shapes)


def _places(op: Op, analysis: Analysis, own: Analysis, method: str) -> tuple[str, str]:
    """The layers, and their layouts; the input, of a method that is about no layer.

    Of a method of attention the last block's weights; `own` is of the model as it was.
    """
    if find_method(method).at == "attention":
        return place_of(seen(analysis), own.graph)
    if find_method(method).layered:
        choices = analysis.choices
        return ";".join(c.name for c in choices), ";".join(c.layout.text() for c in choices)
    over = source_of(op, analysis, sources(analysis))
    return over.name, over.layout
