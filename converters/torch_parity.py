"""Whether an exported file computes what its torch module does, and where it first does not."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cam_core.errors import ModelError

from .parity import Parity, apart, usual

if TYPE_CHECKING:
    import torch
    from onnx import NodeProto

    Tensors = dict[str, torch.Tensor]

Array = np.ndarray[Any, np.dtype[Any]]


def outputs(result: Any) -> Tensors:
    """A module's result, flat and in the exporters' order, by name."""
    from torch.utils import _pytree

    leaves, _ = _pytree.tree_flatten_with_path(result)
    named: Tensors = {}
    for place, value in leaves:
        key = getattr(place[0], "key", None) if len(place) == 1 else None
        default = "output" if not named else f"output_{len(named)}"
        if value is not None:
            named[default if key is None else str(key)] = value
    return named


def compare(
    module: torch.nn.Module, inputs: Tensors, file: Path, names: list[str], *, force: bool = False
) -> Parity:
    """How far the outputs of a file are from the module's own on these inputs.

    Args:
        force: say so, too, where they are further apart than rounding.

    Raises:
        ModelError: the file does not run, or, without `force`, computes something else.
    """
    feed = {name: x.cpu().numpy() for name, x in zip(names, inputs.values(), strict=True)}
    wanted = [y.detach().cpu().numpy() for y in outputs(module(**inputs)).values()]
    batch = f"inputs of shape {', '.join(str(list(x.shape)) for x in feed.values())}"
    try:
        got = _run(str(file), feed)
    except Exception as error:
        raise ModelError(f"{file.name} does not run on {batch}: {first_line(error)}") from error
    gaps = {name: apart(y, x) for (name, y), x in zip(got.items(), wanted, strict=True)}
    tolerance = max(map(usual, wanted))
    worst = max(gaps, key=lambda name: np.nan_to_num(gaps[name], nan=np.inf))
    if gaps[worst] <= tolerance:
        return Parity(gaps[worst], worst, tolerance)
    there, tensor = _first_divergence(module, inputs, file, feed)
    if force:
        return Parity(gaps[worst], worst, tolerance, there, tensor)
    where = f"first at module {there!r}, ONNX tensor {tensor!r}"
    raise ModelError(
        f"{file.name} and the module disagree on {batch}: output {worst!r} by"
        f" {gaps[worst]:.2g} of its largest value;"
        f" {where if there else 'every submodule agrees: the difference arises between them'}"
    )


def _run(model: str | bytes, feed: dict[str, Array], *, optimise: bool = True) -> dict[str, Array]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def submodule(node: NodeProto, known: set[str]) -> str:
    """The path of the submodule that made a node: both exporters write it, in different places.

    Dynamo keeps "['', 'a', 'a.0', 'conv2d']" in the metadata; TorchScript names the node
    /a/a.0/conv_1/Conv, where _1 is a second call and containers that are not called are left out.
    """
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            paths = [path for path in ast.literal_eval(entry.value) if path in known]
            return str(paths[-1]) if paths else ""
    path = ""
    for part in node.name.split("/")[1:-1]:
        found = _child(path, part, known) or _child(path, re.sub(r"_\d+$", "", part), known)
        if found is None:
            break
        path = found
    return path


def _child(path: str, part: str, known: set[str]) -> str | None:
    parent, prefix = path.rpartition(".")[0], f"{path}." if path else ""
    inside = {name for name in known if name.startswith(prefix)}
    for tried in (f"{path}.{part}", f"{parent}.{part}", part):
        if tried.removeprefix(".") in inside:
            return tried.removeprefix(".")
    deeper = [name for name in inside if name.endswith(f".{part}")]
    return deeper[0] if len(deeper) == 1 else None


def _first_divergence(
    module: torch.nn.Module, inputs: Tensors, file: Path, feed: dict[str, Array]
) -> tuple[str, str]:
    """The first submodule, in the order they finish, whose output no tensor of its own equals, and
    the nearest of these; '' and '' where each has its equal.

    Where the last one equals another submodule's output, the exporter folded the two, as a
    convolution and its batch norm.
    """
    made = _all_tensors(file, feed, {path for path, _ in module.named_modules() if path})
    calls = _calls(module, inputs)
    for path, output in calls:
        own = {
            name: y
            for name, (scope, y) in made.items()
            if scope == path or scope.startswith(f"{path}.")
        }
        gaps = {name: apart(y, output) for name, y in own.items()}
        if not gaps or min(gaps.values()) <= usual(output):
            continue
        last = next(reversed(own.values()))
        if not any(apart(last, other) <= usual(other) for _, other in calls):
            return path, min(gaps, key=lambda key: gaps[key])
    return "", ""


def _calls(module: torch.nn.Module, inputs: Tensors) -> list[tuple[str, Array]]:
    """Every submodule call that gives one tensor, in the order in which calls finish."""
    import torch

    calls: list[tuple[str, Array]] = []

    def keep(path: str) -> Any:
        def hook(_module: Any, _arguments: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                calls.append((path, output.detach().cpu().numpy().copy()))

        return hook

    hooks = [
        part.register_forward_hook(keep(path)) for path, part in module.named_modules() if path
    ]
    try:
        module(**inputs)
    finally:
        for handle in hooks:
            handle.remove()
    return calls


def _all_tensors(
    file: Path, feed: dict[str, Array], known: set[str]
) -> dict[str, tuple[str, Array]]:
    """Every tensor of the unoptimised file, with the submodule that made it."""
    import onnx

    model = onnx.load(str(file))
    scope = {
        name: submodule(node, known) for node in model.graph.node for name in node.output if name
    }
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in scope if n not in present)
    return {
        name: (scope[name], y)
        for name, y in _run(model.SerializeToString(), feed, optimise=False).items()
        if name in scope and isinstance(y, np.ndarray)
    }


def first_line(error: BaseException) -> str:
    """The innermost cause in one line: exporters wrap it in pages of report."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if re.search(r"\w", line)]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
