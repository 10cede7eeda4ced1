"""One session whose inputs and outputs keep their buffers: what a CUDA graph needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from cam_core.backend import Array
from cam_core.errors import InputError, ModelError

from ..reading.load import load
from .ort_values import Device, array_of, device_of
from .runner import Runner
from .runtime import Provider, run_bound, runtime


class Bound:
    """A file of fixed shapes, an instrumented one say, bound once and run on many pictures.

    A run reads the buffers of `inputs` and writes over those of `outputs`, OrtValues by name on
    the session's device: with `providers=[("cuda", {"enable_cuda_graph": 1})]` the first run
    captures a CUDA graph and the others replay it. Only what is asked for comes back to the host.
    One run at a time. On the CPU `session.run` is as fast.

    Args:
        source: a path, the bytes of a file or an `onnx.ModelProto`, run as it is.
        providers, optimization, custom_ops: as of `OnnxBackend`.
        threads: of one operator; onnxruntime's own choice if None.

    Raises:
        ModelError: an input or output whose shape is not fixed, or is no tensor.
    """

    def __init__(
        self,
        source: Any,
        *,
        providers: Sequence[Provider] | None = None,
        optimization: str = "all",
        threads: int | None = None,
        custom_ops: Sequence[str] = (),
    ) -> None:
        opened = load(source)
        runner = Runner(providers, optimization, custom_ops, opened.folder, threads)
        self.session = runner.open(opened.model)
        device = device_of(self.session)
        self.inputs = {i.name: _buffer(i, device) for i in self.session.get_inputs()}
        self.outputs = {o.name: _buffer(o, device) for o in self.session.get_outputs()}
        self._empty = set(self.inputs)
        self._binding = self.session.io_binding()
        for name, value in self.inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self.outputs.items():
            self._binding.bind_ortvalue_output(name, value)

    def __call__(
        self, feed: Mapping[str, Array], names: Iterable[str] | None = None
    ) -> dict[str, Array]:
        """Runs on `feed`; gives the outputs of these names, all of them if None."""
        self.write(feed)
        self.run()
        return self.read(self.outputs if names is None else names)

    def write(self, feed: Mapping[str, Array]) -> None:
        """Copies arrays into the inputs; an input that is not given stays as it is.

        Raises:
            InputError: an unknown name, another shape or another type.
        """
        for name, array in feed.items():
            if name not in self.inputs:
                raise InputError(f"no input '{name}'; the model takes {', '.join(self.inputs)}")
            value = self.inputs[name]
            given = f"{array.dtype.name} {list(array.shape)}"
            taken = f"{_type(value).name} {list(value.shape())}"
            if given != taken:
                raise InputError(f"input '{name}' is {given}, the model takes {taken}")
            value.update_inplace(np.asarray(array, _type(value), order="C"))
            self._empty.discard(name)

    def run(self) -> None:
        """Runs on what the inputs hold.

        Raises:
            InputError: an input that nothing was written to, or the runtime's own complaint.
        """
        if self._empty:
            raise InputError(f"input '{min(self._empty)}' is not given")
        run_bound(self.session, self._binding)

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """Copies of these outputs, as the last run left them."""
        found = {}
        for name in names:
            if name not in self.outputs:
                raise InputError(f"no output '{name}'; the model gives {', '.join(self.outputs)}")
            found[name] = np.array(array_of(self.outputs[name]))
        return found


def _buffer(info: Any, device: Device) -> Any:
    """Memory on the device for a tensor of the session."""
    shape = info.shape
    if not info.type.startswith("tensor(") or not all(isinstance(d, int) for d in shape):
        shown = ", ".join("?" if d is None else str(d) for d in shape or ())
        raise ModelError(
            f"'{info.name}' is {info.type} [{shown}]: a buffer needs a fixed shape; "
            f"give it with instrument(..., static=...) or --static"
        )
    kind = onnx.TensorProto.DataType.Value(info.type[len("tensor(") : -1].upper())
    return runtime().OrtValue.ortvalue_from_shape_and_type(shape, kind, *device)


def _type(value: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = onnx.helper.tensor_dtype_to_np_dtype(value.element_type())
    return dtype
