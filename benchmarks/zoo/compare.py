"""What is compared: outputs, layer, A, G, map, an early layer, and pytorch-grad-cam's heatmap."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import CamError
from cam_core.maps import combine, positive
from cam_core.methods import METHODS

from .files import Reading, layout_of, model_input, opened, outputs_of, saved, written
from .layers import recommended
from .oracle import first_tensor, gradient_at, matches, relative
from .peer import peer_gap

EXACT = 1e-4
"""Relative L2 of G below which a model counts as exact."""
CLASSES = ((1, 7), (5, 0))
"""Two classes for each of the two rows."""


@dataclass
class Row:
    """What is written down; `status` is exact, wrong, refused or not exported."""

    name: str
    exporter: str
    status: str = "not exported"
    reason: str = ""
    size: int = 0
    """The input's height."""
    width: int = 0
    parameters: int = 0
    dynamic: bool = True
    layer: str = ""
    shape: list[int] = field(default_factory=list)
    note: str = ""
    modules: list[str] = field(default_factory=list)
    recommended: str = ""
    agrees: bool | None = None
    """Is the layer the recommended module's output? None where nothing is recommended."""
    judged: str = ""
    gradient: float | None = None
    """Relative L2 of G, as `judged`."""
    autograd: float | None = None
    """The same against float32 autograd alone, kinks and all."""
    activations: float | None = None
    map: float | None = None
    exported_gap: float | None = None
    identical: bool | None = None
    output_gap: float | None = None
    growth: float | None = None
    seconds: float | None = None
    """Of instrumenting."""
    operators: list[str] = field(default_factory=list)
    """What the added nodes use."""
    peer: float | None = None
    """Largest difference to pytorch-grad-cam's heatmap at the recommended layer."""
    peer_reason: str = ""
    early_layer: str = ""
    """A layer in the first half of the network, where the whole of the rest is differentiated."""
    early_gradient: float | None = None
    early_noise: float | None = None
    """What torch's own float32 differs by there, from the float64 that judges."""
    early_reason: str = ""


def one_line(error: BaseException) -> str:
    """An error, with its line ends gone."""
    return " ".join(str(error).split())[:400] or type(error).__name__


def compare(row: Row, net: torch.nn.Module, x: Any, path: Path) -> None:
    """Fills the row in; x [2, 3, H, W] in float32, `path` the exported file.

    Models and sessions are let go as soon as they have been used: some are gigabytes.
    """
    feed = {model_input(path): x}
    try:
        before = outputs_of(opened(path), feed)
    except Exception as error:  # onnxruntime's exceptions share no base class
        row.status = "not exported"
        row.reason = f"onnxruntime does not load the exporter's own file: {one_line(error)}"
        return
    twin, layout = _instrumented(row, path)
    after = outputs_of(opened(twin), {**feed, "cam_class": np.array(CLASSES[0], np.int64)})
    row.output_gap = max(relative(after[n], before[n]) for n in before)
    row.identical = all(np.array_equal(after[n], before[n]) for n in before)
    with torch.no_grad():
        logits = first_tensor(net(torch.as_tensor(x))).numpy()
    row.exported_gap = relative(next(iter(before.values())), logits)
    session = opened(written(path, outputs=("activations", "gradients", "map")))
    feeds = [{**feed, "cam_class": np.array(classes, np.int64)} for classes in CLASSES]
    captured = [outputs_of(session, given) for given in feeds]
    del session
    for classes, got in zip(CLASSES, captured, strict=True):
        cotangent = np.eye(logits.shape[1], dtype=np.float32)[list(classes)]
        _judge(row, net, x, cotangent, got, layout)
    row.agrees = _agrees(row, net)
    _early(row, net, x, path)
    _peer(row, net, x, path)
    exact = row.gradient is not None and row.gradient < EXACT
    row.status = "exact" if exact else "wrong"


def _instrumented(row: Row, path: Path) -> tuple[Path, Reading]:
    """The file with no flags given, and its layer's layout; how long it took, what was added."""
    size = sum(file.stat().st_size for file in path.parent.iterdir())
    start = time.perf_counter()
    model = instrument(str(path))
    row.seconds = time.perf_counter() - start
    plain = onnx.load(str(path), load_external_data=False)
    added = list(model.graph.node)[len(plain.graph.node) :]
    row.operators = sorted({_operator(node) for node in added})
    row.layer = next(entry.value for entry in model.metadata_props if entry.key == "cam.layer")
    row.note = "; ".join(t for t in (row.note, OnnxBackend(str(path)).layer_note) if t)
    file = saved(model, path)
    row.growth = (file.stat().st_size - path.stat().st_size) / size
    return file, layout_of(model)


def _judge(
    row: Row, net: torch.nn.Module, x: Any, cotangent: Any, got: dict[str, Any], layout: Reading
) -> None:
    """Raises the row's errors to those of this class."""
    A, G = got["cam_activations"], got["cam_gradients"]
    row.shape = list(A.shape)
    found = matches(net, x, A, cotangent)
    if not found:
        row.reason, row.gradient = "no torch tensor equals A", float("inf")
        return
    best = min(found, key=lambda match: relative(G, match.gradient))
    row.modules = sorted({path for match in found for path in match.modules}, key=len)[:6]
    first = relative(G, best.gradient)
    row.autograd = max(row.autograd or 0.0, first)
    row.activations = max(row.activations or 0.0, best.gap)
    expected, judged = best.gradient, "autograd"
    if first >= EXACT:
        expected, judged = gradient_at(net, x, best, A, cotangent), "float64 at the same A"
    row.judged = judged if row.judged in ("", "autograd") else row.judged
    row.gradient = max(row.gradient or 0.0, relative(G, expected))
    row.map = max(row.map or 0.0, relative(got["cam_map"], _map(A, expected, layout)))
    space = got["cam_map"].shape[1:]
    if len(space) != 2 or min(space) == 1:
        row.reason, row.gradient = f"the map is no picture: {list(space)}", float("inf")
    if not np.any(layout.apply(expected)):
        row.reason, row.gradient = "the wrong layer: autograd's G is zero there", float("inf")


def _map(A: Any, G: Any, layout: Reading) -> Any:
    A, G = layout.apply(A), layout.apply(G.astype(np.float32))
    return positive(combine(A, METHODS["gradcam"](A, G)))


def _early(row: Row, net: torch.nn.Module, x: Any, path: Path) -> None:
    """G where most of the network lies between layer and score.

    At both of two optimisation levels, of which the nearer counts: one sign flip at a kink far
    from the score changes a whole patch of G.
    """
    try:
        layers = [layer.name for layer in OnnxBackend(str(path)).layers()]
        for name in layers[len(layers) // 3 :][:4]:  # a MatMul without its bias is no torch tensor
            row.early_layer = name
            model = written(path, layer=name, outputs=("activations", "gradients"))
            feed = {model_input(path): x, "cam_class": np.array(CLASSES[0], np.int64)}
            levels = [outputs_of(opened(model, optimise), feed) for optimise in (True, False)]
            judged = [_judge_early(row, net, x, got) for got in levels]
            if all(judged):
                return
    except CamError as error:
        row.early_reason = one_line(error)
        return
    row.early_reason = "no torch tensor equals A"


def _judge_early(row: Row, net: torch.nn.Module, x: Any, got: dict[str, Any]) -> bool:
    A, G = got["cam_activations"], got["cam_gradients"]
    classes = next(v.shape[1] for v in got.values() if v.ndim == 2)
    cotangent = np.eye(classes, dtype=np.float32)[list(CLASSES[0])]
    found = matches(net, x, A, cotangent)
    if not found:
        return False
    best = min(found, key=lambda match: relative(G, match.gradient))
    expected = gradient_at(net, x, best, A, cotangent)
    gap = min(relative(G, expected), relative(G, best.gradient))
    row.early_gradient = min(gap, gap if row.early_gradient is None else row.early_gradient)
    row.early_noise = relative(best.gradient, expected)
    return True


def _peer(row: Row, net: torch.nn.Module, x: Any, path: Path) -> None:
    if not row.recommended:
        return
    try:
        row.peer = peer_gap(net, row.recommended, path, x, CLASSES[0])
    except Exception as error:  # a module that gives no tensor, or no grid
        row.peer_reason = one_line(error)


def _agrees(row: Row, net: torch.nn.Module) -> bool | None:
    row.recommended = recommended(row.name, net)
    if not row.recommended:
        return None
    return any(
        path == row.recommended or path.startswith(f"{row.recommended}.") for path in row.modules
    )


def _operator(node: onnx.NodeProto) -> str:
    adds = any(a.name == "reduction" and a.s != b"none" for a in node.attribute)
    indices = node.op_type == "MaxPool" and len(node.output) > 1
    return f"{node.op_type}{' with reduction' * adds}{' with Indices' * indices}"
