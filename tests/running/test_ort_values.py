"""Where tensors are kept: on a device they stay there, extents do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from backends.onnx.running.ort_values import HOST, device_of, run_values
from backends.onnx.running.runner import Runner
from tests.running.nets import net


class Binding:
    """What is bound where; its outputs are their names."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def bind_ortvalue_input(self, name: str, value: Any) -> None:
        self.inputs[name] = value

    def bind_output(self, name: str, *device: Any) -> None:
        self.outputs[name] = device

    def get_outputs(self) -> list[str]:
        return list(self.outputs)


class OnSecondGpu:
    """A session that computes nothing."""

    outputs = (
        ("y", "tensor(float)", ["N", 5]),
        ("bias", "tensor(float)", [5]),
        ("index", "tensor(int64)", ["N", 5]),
        ("shape", "tensor(int64)", [4]),
        ("axis", "tensor(int32)", []),
        ("names", "seq(map(int64,tensor(float)))", None),
    )

    def __init__(self) -> None:
        self.binding = Binding()

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {"CUDAExecutionProvider": {"device_id": "1"}, "CPUExecutionProvider": {}}

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=n, type=t, shape=s) for n, t, s in self.outputs]

    def io_binding(self) -> Binding:
        return self.binding

    def run_with_iobinding(self, binding: Any) -> None:
        assert binding is self.binding


def test_on_a_gpu_tensors_stay_there_and_extents_do_not() -> None:
    session, residual = OnSecondGpu(), object()
    assert device_of(session) == ("cuda", 1)
    found = run_values(session, {"x": residual})
    assert session.binding.inputs == {"x": residual}
    there = dict.fromkeys(["y", "bias", "index"], ("cuda", 1))
    assert session.binding.outputs == there | {"shape": HOST, "axis": HOST}
    assert found == {name: name for name in ("y", "bias", "index", "shape", "axis")}


def test_on_the_cpu_the_device_is_the_host() -> None:
    session = Runner(["cpu"]).open(net())
    assert device_of(session) == HOST
