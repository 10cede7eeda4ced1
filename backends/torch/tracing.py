"""What hooks see of one run: the outputs that are held, or every call, as calls finish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..live.calls import Call
from .layout import is_view
from .outputs import first_tensor, has_tensor, replace_tensor
from .runs import Hook, Runs


def trace(
    runs: Runs, modules: Mapping[str, Any], feed: Mapping[str, Any]
) -> tuple[list[Call], Any]:
    """Every call of these modules that gives a tensor, and the score."""
    import torch

    met: list[tuple[str, int, Any]] = []

    def keep(path: str) -> Hook:
        def hook(number: int, output: Any) -> Any:
            if has_tensor(output):
                met.append((path, number, first_tensor(output, path)))

        return hook

    with torch.enable_grad():
        y, _ = runs(feed, {path: keep(path) for path in modules})
    kinds = {path: type(module).__name__ for path, module in modules.items()}
    return [Call(p, n, kinds[p], t, tuple(t.shape), is_view(t)) for p, n, t in met], y


def holding(path: str, held: dict[int, Any]) -> Hook:
    """A hook that holds the outputs of a module, by call, where their gradient is to be read."""

    def hook(number: int, output: Any) -> Any:
        A = first_tensor(output, path)
        A = A if A.requires_grad else A.detach().requires_grad_()
        held[number] = A
        return replace_tensor(output, A.clone())  # a later in-place operator hits the copy

    return hook
