"""One forward pass of a live module: arrays in, hooks on for this call only, state untouched."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from cam_core.backend import Array, Inputs
from cam_core.errors import InputError, ModelError

from ..live.heads import Ends
from .outputs import first_tensor, flatten

Outputs = dict[str, Any]
Hook = Callable[[int, Any], Any]
"""(number of the call from 1, the module's output) -> what takes the output's place, or None."""


def tensors(module: Any, x: Inputs, *, gradients: bool = False) -> dict[str, Any]:
    """NumPy to tensors, by forward's arguments, on the module's device and in its precision."""
    import torch

    names = _arguments(module)
    given = x if isinstance(x, Mapping) else {names[0]: x}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise InputError(f"no input {unknown[0]!r}: forward takes {', '.join(names)}")
    weight = next((p for p in module.parameters() if p.is_floating_point()), None)
    device = None if weight is None else weight.device
    feed = {}
    for name, array in given.items():
        t = torch.as_tensor(np.array(array), device=device)
        if t.is_floating_point():
            t = t.to(t.dtype if weight is None else weight.dtype).requires_grad_(gradients)
        feed[name] = t
    return feed


class Runs:
    """A module and how often it was run.

    Args:
        module: any.
        score: an output's name or a module's path; None finds it.
    """

    def __init__(self, module: Any, score: str | None) -> None:
        self.module, self.score = module, score
        self.count = 0
        self.ends: Ends | None = None
        """What the last run ended in."""

    def __call__(self, feed: Mapping[str, Any], hooks: Mapping[str, Hook]) -> tuple[Any, Outputs]:
        """The score and all outputs."""
        self.count += 1
        y, outputs, self.ends = run(self.module, feed, hooks, self.score)
        return y, outputs


def run(
    module: Any, feed: Mapping[str, Any], hooks: Mapping[str, Hook], score: str | None
) -> tuple[Any, Outputs, Ends]:
    """The score, all outputs and what they ended in, with the hooks for this call only."""
    import torch

    parts = dict(module.named_modules(remove_duplicate=False))
    closing: list[tuple[Any, Any, Any]] = []
    picked: list[Any] = []

    def close(module: Any, arguments: Any, output: Any) -> None:
        closing.append((output, arguments[0] if arguments else None, module))

    def pick(_number: int, output: Any) -> Any:
        picked.append(first_tensor(output, str(score)))

    ends = (torch.nn.Softmax, torch.nn.LogSoftmax, torch.nn.Sigmoid)
    with ExitStack() as stack:
        stack.enter_context(_evaluating(module))
        for path, hook in hooks.items():
            handle = parts[path].register_forward_hook(_numbered(hook))
            stack.callback(handle.remove)
        for part in module.modules():
            if isinstance(part, ends):
                stack.callback(part.register_forward_hook(close).remove)
        if score in parts:
            part = parts[score]
            stack.callback(part.register_forward_hook(_numbered(pick)).remove)
        given = {name: t.clone() for name, t in feed.items()}  # in-place operators may come first
        single = len(given) == 1 and next(iter(given)) == _arguments(module)[0]
        outputs = flatten(module(*given.values()) if single else module(**given))
    shapes = {name: tuple(t.shape) for name, t in outputs.items()}
    if picked:
        return picked[-1], outputs, Ends(str(score), shapes)
    y = _chosen(outputs, score)
    name = next(name for name, t in outputs.items() if t is y)
    before = [(source, end) for output, source, end in closing if output is y]
    if not before or score is not None:
        return y, outputs, Ends(name, shapes)
    source, end = before[0]
    return source, outputs, Ends(name, shapes, type(end).__name__, getattr(end, "dim", None))


def _arguments(module: Any) -> list[str]:
    return list(inspect.signature(module.forward).parameters)


def _chosen(outputs: dict[str, Any], score: str | None) -> Any:
    floating = {name: t for name, t in outputs.items() if t.is_floating_point()}
    if score in floating:
        return floating[score]
    if score is not None:
        raise ModelError(
            f"score {score!r} is no floating output and no called module;"
            f" outputs are {', '.join(floating)}"
        )
    if not floating:
        raise ModelError("the module returns no floating tensor")
    return next(iter(floating.values()))


def _numbered(hook: Hook) -> Callable[[Any, Any, Any], Any]:
    count = iter(range(1, sys.maxsize))
    return lambda _module, _arguments, output: hook(next(count), output)


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    flags = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in flags:
            part.training = training


def top_gradients(y: Any, tensors: Sequence[Any]) -> list[Any]:
    """The gradient of the rows' top scores, summed, at each; None where none arrives."""
    import torch

    reached = [t for t in tensors if t.requires_grad]
    if not reached or not y.requires_grad:
        return [None] * len(tensors)
    tops = y.detach().flatten(1).argmax(1) if y.ndim > 1 else None
    with torch.enable_grad():
        total = y.sum() if tops is None else y.flatten(1).gather(1, tops[:, None]).sum()
    found = iter(torch.autograd.grad(total, reached, allow_unused=True))
    return [next(found) if t.requires_grad else None for t in tensors]


def to_numpy(tensor: Any) -> Array:
    """A copy on the CPU; bfloat16, which NumPy lacks, as float32."""
    import torch

    tensor = tensor.detach().cpu()
    array: Array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy().copy()
    return array
