"""torch.nn.Module -> .onnx, by either exporter: module paths kept, outputs compared."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cam_core.errors import InputError, MissingExtraError, ModelError
from cam_core.write import find_place, move_together

from .finish import tell
from .parity import Parity, worst
from .torch_parity import compare, first_line, outputs
from .torch_settings import evaluating, plain_attention, quiet

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

Example = Any
"""One array or tensor, a sequence of them, or a mapping by forward argument name."""

MAX_IR, MAX_OPSET = 13, 26
"""What onnxruntime 1.31 loads; onnx itself writes newer versions."""

SINGLE_FILE = 2**31 - 2**20
"""Protobuf's limit, less room for the graph."""


def to_onnx(
    module: torch.nn.Module,
    example: Example,
    path: str | Path,
    *,
    exporter: Literal["dynamo", "torchscript"] = "dynamo",
    opset: int | None = None,
    dynamic_batch: bool = True,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    verify: bool = True,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Path, Parity | None]:
    """Write the module, in eval mode, as an .onnx file, and check that it computes the same.

    Args:
        module: any module; its training flags are as before afterwards.
        example: what it is called with: an array or tensor [N, ...], a sequence of them, or a
            mapping by forward argument name.
        path: where the model goes; weights beyond 2 GB go next to it, into `<name>.data`.
        exporter: "dynamo" (torch.export) or "torchscript" (tracing).
        opset: None takes 18, or 17 for TorchScript.
        dynamic_batch: the first axis of every input stays free.
        input_names: None takes the names of forward's arguments.
        output_names: None takes the keys of a dict, or output, output_1, ...
        verify: run the file in onnxruntime on the example and on another batch size.
        force: write it also where the outputs differ.
        metadata: what the file is told: cam.labels, cam.preprocess.

    Returns:
        The path, and what came out of the comparison: the worst of both batches.

    Raises:
        ModelError: the export failed, or the file computes something else; says where first.
        InputError: there is no such exporter or opset, or nothing can be written there.
        MissingExtraError: torch, onnxscript or onnxruntime is not installed.
    """
    _require(exporter, verify)
    import torch

    if exporter not in ("dynamo", "torchscript"):
        raise InputError(f"exporter {exporter!r} is unknown: take 'dynamo' or 'torchscript'")
    opset = {"dynamo": 18, "torchscript": 17}[exporter] if opset is None else opset
    if opset > MAX_OPSET:
        raise InputError(f"opset {opset}: onnxruntime loads at most {MAX_OPSET}")
    inputs = _by_argument(module, example)
    if dynamic_batch and _batch(inputs) == 1:  # torch.export bakes an extent of 1 in
        inputs = _rows(inputs, [0, 0])
    given = list(inputs if input_names is None else input_names)
    path = Path(path)
    place = find_place(path)
    room = None if place.straight else place.file.parent
    with evaluating(module), torch.no_grad(), tempfile.TemporaryDirectory(dir=room) as held:
        named = outputs(module(**inputs))
        names = list(named if output_names is None else output_names)
        file = Path(held) / path.name
        with quiet(), plain_attention():
            _export(module, inputs, file, exporter, opset, given, names, dynamic_batch)
        _settle(file, dynamic_batch)
        if metadata:
            tell(file, metadata)
        batches = [inputs, _other(inputs)][: 1 + dynamic_batch] if verify else []
        found = worst(compare(module, batch, file, given, force=force) for batch in batches)
        written = sorted(Path(held).iterdir(), key=lambda part: part == file)
        if len(written) > 1 and place.elsewhere:
            raise InputError(
                f"cannot write '{path}': it is a link to '{place.file}', and the model's weights "
                f"must lie beside it; name that file itself"
            )
        move_together({part: path.parent / part.name for part in written})  # the graph last
    return path, found


def _require(exporter: str, verify: bool) -> None:
    from importlib.util import find_spec

    needed = ["torch", *(["onnxscript"] if exporter == "dynamo" else [])]
    for package in needed:
        if find_spec(package) is None:
            raise MissingExtraError(f'{package} is not installed: pip install "cam-core[torch]"')
    if verify and find_spec("onnxruntime") is None:
        raise MissingExtraError(
            'onnxruntime is not installed: pip install "cam-core[cpu]" (or [gpu]), or verify=False'
        )


def _by_argument(module: torch.nn.Module, example: Example) -> Tensors:
    import torch

    if isinstance(example, Mapping):
        named = dict(example)
    else:
        values = list(example) if isinstance(example, tuple | list) else [example]
        arguments = list(inspect.signature(module.forward).parameters)
        if len(values) > len(arguments):
            raise InputError(f"{len(values)} inputs given, forward takes {len(arguments)}")
        named = dict(zip(arguments, values, strict=False))
    return {name: torch.as_tensor(value) for name, value in named.items()}


def _batch(inputs: Tensors) -> int:
    return next((int(x.shape[0]) for x in inputs.values() if x.ndim), 0)


def _batched(inputs: Tensors) -> list[str]:
    """The inputs that share the first one's batch."""
    rows = _batch(inputs)
    return [name for name, x in inputs.items() if x.ndim and x.shape[0] == rows]


def _rows(inputs: Tensors, order: Sequence[int]) -> Tensors:
    chosen = set(_batched(inputs))
    return {name: x[list(order)] if name in chosen else x for name, x in inputs.items()}


def _other(inputs: Tensors) -> Tensors:
    """One row more, and other values: what was baked in while tracing shows."""
    rows = _rows(inputs, [*range(_batch(inputs)), 0])
    return {k: x.flip(-1) * 0.75 if x.is_floating_point() else x for k, x in rows.items()}


def _export(
    module: torch.nn.Module,
    inputs: Tensors,
    file: Path,
    exporter: str,
    opset: int,
    input_names: list[str],
    output_names: list[str],
    dynamic_batch: bool,
) -> None:
    import torch

    batched = _batched(inputs) if dynamic_batch else []
    extra: dict[str, Any]
    if exporter == "dynamo":
        shapes = {name: {0: "batch"} if name in batched else None for name in inputs}
        extra = {"dynamic_shapes": shapes if batched else None, "verbose": False}
    else:
        renamed = dict(zip(inputs, input_names, strict=True))
        axes = [*(renamed[name] for name in batched), *(output_names if batched else [])]
        extra = {"dynamic_axes": {name: {0: "batch"} for name in axes}}
    try:
        torch.onnx.export(
            module,
            (),
            str(file),
            kwargs=inputs,
            dynamo=exporter == "dynamo",
            opset_version=opset,
            input_names=input_names,
            output_names=output_names,
            **extra,
        )
    except Exception as error:
        cure = "torchscript" if exporter == "dynamo" else "dynamo"
        raise ModelError(
            f"{type(module).__name__}: the {exporter} exporter failed: {first_line(error)}"
            f" (try exporter={cure!r} or another opset)"
        ) from error


def _settle(file: Path, dynamic_batch: bool) -> None:
    """Cap the IR version, drop stack traces, make one file, and see that the batch is free."""
    import onnx

    model = onnx.load(str(file))
    model.ir_version = min(model.ir_version, MAX_IR)
    for node in model.graph.node:  # the module paths stay, files of this machine do not
        kept = [entry for entry in node.metadata_props if "stack_trace" not in entry.key]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    first = model.graph.input[0].type.tensor_type.shape.dim
    if dynamic_batch and first and first[0].HasField("dim_value"):
        raise ModelError(
            f"the module works for batch {first[0].dim_value} only: export it with"
            " dynamic_batch=False"
        )
    parts = list(file.parent.iterdir())
    size = sum(part.stat().st_size for part in parts)  # beyond 2 GiB a message cannot tell its own
    for part in parts:
        part.unlink()
    if size > SINGLE_FILE:
        onnx.save(model, str(file), save_as_external_data=True, location=f"{file.name}.data")
    else:
        onnx.save(model, str(file))
