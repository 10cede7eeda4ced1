"""torch.autograd's own A and G at the tensor that the ONNX side calls its layer.

The tensor is found by its values, among all that the module's functions return, in whichever axis
order; so the check does not depend on names. Where float32 leaves doubt, the network is run in
float64 with the ONNX activations put in place of that tensor: a rectifier's kink that another
order of summation crosses is then crossed on neither side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

Array = np.ndarray[Any, np.dtype[Any]]
ORDERS: dict[int, list[tuple[int, ...]]] = {
    3: [(0, 1, 2), (0, 2, 1)],
    4: [(0, 1, 2, 3), (0, 3, 1, 2), (0, 2, 3, 1)],
    5: [(0, 1, 2, 3, 4), (0, 4, 1, 2, 3), (0, 2, 3, 4, 1)],
}


MATCH = 2e-2
"""How far a torch tensor may be from A and still be taken for it: float32 noise grows through an
ill-conditioned network with random weights, and an exporter may round otherwise (ResNetV2-BiT's
logits differ by 0.5 %). Only G is judged, and strictly."""
NOISE = 4.0
"""Where no tensor is as near: how far A may be from torch's own float32, in units of what that
differs by from torch's own float64. A deep network may be chaotic under random weights."""


@dataclass(frozen=True)
class Match:
    """A tensor of the torch run that equals the ONNX activations."""

    call: int
    order: tuple[int, ...]
    shape: tuple[int, ...]
    gap: float
    function: str
    modules: tuple[str, ...]
    """Paths of the modules whose output it is."""
    gradient: Array
    """dY/d(it), in the ONNX tensor's own shape."""


class Recorder(TorchFunctionMode):
    """Every tensor that a function returns, in order; one of them may be replaced."""

    def __init__(self, keep: Callable[[torch.Tensor], bool], given: tuple[int, Any] | None = None):
        super().__init__()
        self.keep, self.given, self.calls = keep, given, 0
        self.kept: list[tuple[int, str, torch.Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not isinstance(result, torch.Tensor) or not result.requires_grad:
            return result
        self.calls += 1
        if self.given is not None and self.calls == self.given[0]:
            result = self.given[1](result)
        if self.keep(result):
            self.kept.append((self.calls, getattr(func, "__name__", str(func)), result))
        return result


def matches(net: nn.Module, x: Array, A: Array, cotangent: Array) -> list[Match]:
    """The torch tensors that equal A, with their gradients, best first."""
    recorder = Recorder(lambda t: t.numel() == A.size and t.ndim > 2)
    y, produced = _run(net, _leaf(x, torch.float32), recorder)
    found = []
    last = {id(tensor): call for call, _, tensor in recorder.kept}  # it may be changed in place
    for call, function, tensor in recorder.kept:
        if last[id(tensor)] != call:
            continue
        gap, order = _fit(tensor.detach().numpy(), A)
        found.append((gap, call, order, function, tensor))
    found = [f for f in found if f[0] < MATCH] or _noisy(net, x, found)
    if not found:
        return []
    seed = torch.as_tensor(cotangent)
    grads = torch.autograd.grad(y, [f[-1] for f in found], seed, allow_unused=True)
    return [
        Match(
            call,
            order,
            tuple(tensor.shape),
            gap,
            function,
            tuple(path for path, output in produced if output is tensor),
            _reordered(G.numpy(), order, A.shape),
        )
        for (gap, call, order, function, tensor), G in zip(found, grads, strict=True)
        if G is not None
    ]


def _noisy(net: nn.Module, x: Array, found: list[Any]) -> list[Any]:
    """Those that are as near to A as torch's own float32 is to its float64."""
    calls = {call for _, call, *_ in found}
    recorder = Recorder(lambda t: recorder.calls in calls)
    try:
        _run(net.double(), _leaf(x, torch.float64), recorder)
    finally:
        net.float()
    exact = {call: tensor.detach().numpy() for call, _, tensor in recorder.kept}
    return [
        f
        for f in found
        if f[1] in exact and f[0] < NOISE * relative(f[-1].detach().numpy(), exact[f[1]])
    ]


def gradient_at(net: nn.Module, x: Array, match: Match, A: Array, cotangent: Array) -> Array:
    """dY/dA in float64, with the ONNX side's A in place of torch's own."""
    wide = net.double()
    held: list[torch.Tensor] = []

    def put(own: torch.Tensor) -> torch.Tensor:
        shape = [own.shape[axis] for axis in match.order]
        back = np.argsort(match.order)
        given = A.astype(np.float64).reshape(shape).transpose(back)
        if relative(own.detach().numpy(), given) > 3 * max(MATCH, match.gap):
            raise RuntimeError(f"call {match.call} makes another tensor in float64")
        held.append(torch.tensor(given, requires_grad=True))
        return held[0]

    recorder = Recorder(lambda t: False, (match.call, put))
    try:
        y, _ = _run(wide, _leaf(x, torch.float64), recorder)
        (G,) = torch.autograd.grad(y, held, torch.as_tensor(cotangent).double())
    finally:
        net.float()
    return _reordered(G.numpy(), match.order, A.shape)


def _leaf(x: Array, kind: torch.dtype) -> torch.Tensor:
    return torch.tensor(x, dtype=kind, requires_grad=True)


def _run(
    net: nn.Module, x: torch.Tensor, recorder: Recorder
) -> tuple[torch.Tensor, list[tuple[str, torch.Tensor]]]:
    net.train()
    net.eval()  # some keep what they compute from their weights until they are trained again
    produced: list[tuple[str, torch.Tensor]] = []

    def hook(path: str) -> Any:
        def keep(_module: Any, _inputs: Any, output: Any) -> None:
            several = output if isinstance(output, tuple | list) else (output,)
            produced.extend((path, part) for part in several if isinstance(part, torch.Tensor))

        return keep

    hooks = [m.register_forward_hook(hook(path)) for path, m in net.named_modules() if path]
    try:
        with recorder:
            y = net(x)
    finally:
        for handle in hooks:
            handle.remove()
    return first_tensor(y), produced


def first_tensor(y: Any) -> torch.Tensor:
    """The main output of a model that returns several."""
    while not isinstance(y, torch.Tensor):
        y = next(iter(y.values())) if isinstance(y, dict) else y[0]
    return y


def _fit(value: Array, A: Array) -> tuple[float, tuple[int, ...]]:
    """The smallest relative distance to A over the orders of the axes."""
    tries = ORDERS.get(value.ndim, [tuple(range(value.ndim))])
    gaps = [(relative(_reordered(value, order, A.shape), A), order) for order in tries]
    return min(gaps)


def _reordered(value: Array, order: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    return value.transpose(order).reshape(shape)


def relative(a: Array, b: Array) -> float:
    """|a - b| / |b| in the Euclidean norm."""
    scale = float(np.linalg.norm(b.astype(np.float64)))
    gap = float(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64)))
    return gap / scale if scale else (0.0 if gap == 0 else float("inf"))
