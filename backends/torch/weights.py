"""A module with other weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from cam_core.backend import Array

from .runs import to_numpy


def with_parameters(module: Any, change: Callable[[str, Array], Array]) -> Any:
    """A copy whose parameters are `change(name, parameter)`; batch statistics stay."""
    import torch

    found = copy.deepcopy(module)
    with torch.no_grad():
        for name, parameter in found.named_parameters():
            parameter.copy_(torch.as_tensor(np.array(change(name, to_numpy(parameter)))))
    return found
