"""Tensors as onnxruntime holds them: handed from session to session where they are.

On the CPU nothing is copied: an OrtValue made of an array is that array's memory, and the array
made of an OrtValue keeps it alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array

from .runtime import run, run_bound, runtime

Device = tuple[str, int]
HOST: Device = ("cpu", 0)
ARRAYS: Device = ("arrays", 0)
"""Of a session of another runtime: it takes and gives arrays themselves."""
ON_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")


def device_of(session: Any) -> Device:
    """Where the session computes; `ARRAYS` of one that is not onnxruntime's."""
    if getattr(session, "takes_arrays", False):
        return ARRAYS
    provider = session.get_providers()[0]
    if provider not in ON_CUDA:
        return HOST
    return "cuda", int(session.get_provider_options()[provider].get("device_id", 0))


def home(info: Any, device: Device) -> Device:
    """Where a tensor is best kept: extents and axes, which kernels read on the CPU, there."""
    is_list = info.shape is not None and len(info.shape) <= 1
    return HOST if is_list and info.type in ("tensor(int32)", "tensor(int64)") else device


def value_of(array: Array, device: Device) -> Any:
    """An OrtValue on the device, on the CPU the array's own memory; strings stay an array."""
    if device == ARRAYS or array.dtype.kind in "OSU":
        return array
    return runtime().OrtValue.ortvalue_from_numpy(np.asarray(array, order="C"), *device)


def array_of(value: Any) -> Array:
    """The array of an OrtValue; on the CPU it is the value's own memory."""
    array: Array = value.view() if isinstance(value, np.ndarray) else value.numpy()
    return array


def shape_of(value: Any) -> tuple[int, ...]:
    """That of an OrtValue, which is read where it is."""
    return tuple(value.shape if isinstance(value, np.ndarray) else value.shape())


def tensors(infos: Sequence[Any]) -> dict[str, Any]:
    """Those of a session's outputs that are tensors, not sequences or maps; once by each name."""
    return {info.name: info for info in infos if info.type.startswith("tensor(")}


def run_values(session: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The session's tensor outputs, as OrtValues on its device, from OrtValues by input name."""
    outputs = tensors(session.get_outputs())
    names = list(outputs)
    device = device_of(session)
    strings = any(isinstance(value, np.ndarray) for value in given.values())
    if device == ARRAYS or strings:  # which cannot be bound
        arrays = run(session, names, dict(given))
        home_of = device if device == ARRAYS else HOST
        return {n: value_of(a, home_of) for n, a in zip(names, arrays, strict=True)}
    binding = session.io_binding()  # a used one would write over the outputs of its last run
    for name, value in given.items():
        binding.bind_ortvalue_input(name, value)
    for name, info in outputs.items():
        binding.bind_output(name, *home(info, device))
    run_bound(session, binding)
    return dict(zip(names, binding.get_outputs(), strict=True))


class Joined(Mapping[str, Array]):
    """OrtValues by name as arrays, batches joined, each fetched when it is first read.

    They are read-only: a later run may read the same memory.
    """

    def __init__(self, names: Sequence[str], parts: Sequence[Mapping[str, Any]]) -> None:
        self._names = dict.fromkeys(names)
        self._parts = parts
        self._arrays: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._arrays:
            pieces = [array_of(part[name]) for part in self._parts]
            joined = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            joined.flags.writeable = False
            self._arrays[name] = joined
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
