"""Sessions are opened on the providers that were asked for."""

from __future__ import annotations

from typing import Any

import pytest

from backends.onnx.running.runner import Runner
from cam_core.errors import InputError
from tests.running.nets import net

ort = pytest.importorskip("onnxruntime")


BOTH = ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def cuda_sessions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A machine whose CUDA provider loads: which providers its sessions were opened with."""
    opened: list[Any] = []

    class Session:
        used = BOTH

        def __init__(self, model: bytes, options: Any, *, providers: Any) -> None:
            opened.append(providers)

        def get_providers(self) -> list[str]:
            return self.used

    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr("backends.onnx.running.runtime.loads", lambda name: True)
    monkeypatch.setattr(ort, "get_available_providers", lambda: BOTH)
    return opened


def test_options_reach_their_provider(cuda_sessions: list[Any]) -> None:
    Runner([("cuda", {"device_id": 1, "enable_cuda_graph": True}), "cpu"]).open(net())
    options = {"device_id": "1", "enable_cuda_graph": "1"}
    assert cuda_sessions == [[("CUDAExecutionProvider", options), "CPUExecutionProvider"]]


def test_a_provider_that_was_asked_for_is_used_or_refused(
    cuda_sessions: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort.InferenceSession, "used", BOTH[1:])  # no device: it goes on without
    with pytest.raises(InputError, match="'CUDAExecutionProvider' finds no device here"):
        Runner(["cuda"]).open(net())
    Runner().open(net())
    assert cuda_sessions == [BOTH[:1], BOTH]
