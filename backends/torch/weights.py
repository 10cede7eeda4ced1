"""A module with other weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cam_core.backend import Array

from .runs import to_numpy


def with_parameters(module: Any, change: Callable[[str, Array], Array]) -> Any:
    """A copy whose parameters are `change(name, parameter)`; batch statistics stay.

    What a part made of its parameters and keeps in a dict (the biases of LeViT's attention) is not
    copied: it is made anew.
    """
    import torch

    made = {id(tensor): tensor.detach().clone() for tensor in _made(module)}
    found = copy.deepcopy(module, dict(made))  # torch copies no tensor that has a history
    ours = {id(tensor) for tensor in made.values()}
    for part in found.modules():
        for held in (value for value in vars(part).values() if type(value) is dict):
            for key in [key for key, value in held.items() if id(value) in ours]:
                del held[key]
    with torch.no_grad():
        for name, parameter in found.named_parameters():
            parameter.copy_(torch.as_tensor(np.array(change(name, to_numpy(parameter)))))
    return found


def _made(module: Any) -> Iterator[Any]:
    """The tensors with a history that parts keep, by themselves or in a dict."""
    import torch

    for part in module.modules():
        for value in vars(part).values():
            for tensor in value.values() if type(value) is dict else (value,):
                if isinstance(tensor, torch.Tensor) and not tensor.is_leaf:
                    yield tensor
