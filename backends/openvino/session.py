"""A model compiled by OpenVINO, with those methods of an onnxruntime session that are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError, MissingExtraError, ModelError

PRECISION = "INFERENCE_PRECISION_HINT"
"""On processors that have it OpenVINO computes in bfloat16 unless it is told not to."""
LONGEST = 300


@dataclass(frozen=True)
class Port:
    """An input or an output."""

    name: str
    type: str
    """As onnxruntime writes it: tensor(float)."""
    shape: list[int | str | None]
    dtype: np.dtype[Any]


class Session:
    """One compiled model; each run has memory of its own, so that several may go on at once."""

    takes_arrays = True

    def __init__(self, compiled: Any, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self._compiled, self._inputs, self._outputs = compiled, list(inputs), list(outputs)
        known = {name: i for i, port in enumerate(compiled.inputs) for name in port.names}
        self._places = {p.name: known[p.name] for p in inputs if p.name in known}
        self._device = ", ".join(compiled.get_property("EXECUTION_DEVICES"))

    def get_inputs(self) -> list[Port]:
        """In the model's order."""
        return self._inputs

    def get_outputs(self) -> list[Port]:
        """In the model's order."""
        return self._outputs

    def get_providers(self) -> list[str]:
        """OpenVINO and its device."""
        return [f"OpenVINO {self._device}"]

    def run(self, names: Sequence[str] | None, feed: Mapping[str, Array]) -> list[Array]:
        """The outputs of these names, all of them if None.

        Raises:
            InputError: OpenVINO's own complaint, in one line.
        """
        request = self._compiled.create_infer_request()
        given = {
            self._places[name]: np.ascontiguousarray(array).reshape(np.shape(array))
            for name, array in feed.items()
            if name in self._places
        }
        try:
            request.infer(given)
        except Exception as error:  # OpenVINO's exceptions share no base class
            raise InputError(f"OpenVINO could not run the model: {one_line(error)}") from error
        wanted = [port.name for port in self._outputs] if names is None else names
        at = {port.name: i for i, port in enumerate(self._outputs)}
        return [self._read(request, at[name]) for name in wanted]

    def _read(self, request: Any, index: int) -> Array:
        array: Array = np.array(request.get_output_tensor(index).data)
        return array.astype(self._outputs[index].dtype, copy=False)


def open_session(
    model: Any, folder: Path | None, *, device: str, properties: Mapping[str, Any]
) -> Session:
    """Compiles an `onnx.ModelProto` for a device.

    Raises:
        ModelError: OpenVINO refuses it; the message is its own first line.
        MissingExtraError: OpenVINO is not installed.
    """
    core = _core()
    weights = {t.name for t in model.graph.initializer}
    inputs = [_port(i) for i in model.graph.input if i.name not in weights]
    outputs = [_port(o) for o in model.graph.output]
    try:
        read = core.read_model(_whole(model, folder).SerializeToString())
        compiled = core.compile_model(read, device, {PRECISION: "f32", **properties})
    except Exception as error:  # OpenVINO's exceptions share no base class
        raise ModelError(f"OpenVINO cannot load the model: {one_line(error)}") from error
    return Session(compiled, inputs, outputs)


def one_line(error: Exception) -> str:
    """What OpenVINO says, without the places in its own source."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [x for x in lines if x and not x.startswith(("Exception from", "Check '"))]
    return " ".join(said or lines)[:LONGEST].rstrip(" .")


def _core() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError(
            "openvino is not installed: pip install 'cam-core[openvino]'"
        ) from error
    return openvino.Core()


def _whole(model: Any, folder: Path | None) -> Any:
    """With the weights that lie outside the file."""
    from onnx import ModelProto, TensorProto
    from onnx.external_data_helper import load_external_data_for_model

    outside = TensorProto.EXTERNAL
    if folder is None or all(t.data_location != outside for t in model.graph.initializer):
        return model
    copy = ModelProto()
    copy.CopyFrom(model)
    load_external_data_for_model(copy, str(folder))
    return copy


def _port(info: Any) -> Port:
    """A declaration of the file.

    Raises:
        ModelError: it is no tensor.
    """
    from onnx import TensorProto, helper

    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type"):
        raise ModelError(f"'{info.name}' is no tensor: OpenVINO has no other values")
    named = TensorProto.DataType.Name(kind.elem_type).lower()
    shape = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in kind.shape.dim]
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    return Port(info.name, f"tensor({named})", shape if kind.HasField("shape") else [], dtype)
