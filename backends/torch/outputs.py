"""What a module returns: a tensor, or tensors in tuples, mappings and dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cam_core.errors import LayerError


def flatten(result: Any) -> dict[str, Any]:
    """Its tensors by name: the keys of a mapping or dataclass, else output, output_1, ..."""
    named: dict[str, Any] = {}
    for key, value in _walk(result, ""):
        default = "output" if not named else f"output_{len(named)}"
        named[key or default] = value
    return named


def _walk(value: Any, key: str) -> list[tuple[str, Any]]:
    import torch

    if isinstance(value, torch.Tensor):
        return [(key, value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, Mapping):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        parts = [(f"{key}.{k}" if key else str(k), part) for k, part in value.items()]
    elif isinstance(value, tuple | list):
        parts = [(f"{key}.{k}" if key else "", part) for k, part in enumerate(value)]
    else:
        parts = []
    return [found for name, part in parts for found in _walk(part, name)]


def tensors_in(result: Any) -> list[Any]:
    """All its tensors."""
    return [tensor for _, tensor in _walk(result, "")]


def copyable(result: Any) -> bool:
    """Does `copied` know all that it is made of?"""
    import torch

    if isinstance(result, dict):
        return all(map(copyable, result.values()))
    if isinstance(result, tuple | list):
        return all(map(copyable, result))
    plain = isinstance(result, torch.Tensor) and result.layout == torch.strided
    return plain or result is None or isinstance(result, bool | int | float | str)


def copied(result: Any) -> Any:
    """The same in memory of its own, cut off from what it was computed from."""
    import torch

    if isinstance(result, torch.Tensor):
        return result.detach().requires_grad_(result.requires_grad).clone()
    if isinstance(result, dict):
        return type(result)((key, copied(value)) for key, value in result.items())
    if not isinstance(result, tuple | list):
        return result
    parts = map(copied, result)
    return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)


def has_tensor(output: Any) -> bool:
    """Whether a layer's output is, or begins with, a floating tensor."""
    import torch

    if isinstance(output, tuple | list):
        output = output[0] if output else None
    return isinstance(output, torch.Tensor) and output.is_floating_point()


def first_tensor(output: Any, layer: str) -> Any:
    """The tensor of a layer's output: itself, or a tuple's first (attention gives its weights)."""
    if not has_tensor(output):
        kind = type(output).__name__
        raise LayerError(f"layer {layer!r} gives a {kind}, not a floating tensor: pick another")
    return output[0] if isinstance(output, tuple | list) else output


def replace_tensor(output: Any, tensor: Any) -> Any:
    """The same output with that tensor in its place."""
    if not isinstance(output, tuple | list):
        return tensor
    rest = [tensor, *output[1:]]
    return type(output)(*rest) if hasattr(output, "_fields") else type(output)(rest)
