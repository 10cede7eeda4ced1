"""Which provider is used, and what is said where it does not load."""

from __future__ import annotations

from typing import Any

import pytest

from backends.onnx.running.runtime import open_session, providers
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
    open_session(net(), asked=[("cuda", {"device_id": 1, "enable_cuda_graph": True}), "cpu"])
    options = {"device_id": "1", "enable_cuda_graph": "1"}
    assert cuda_sessions == [[("CUDAExecutionProvider", options), "CPUExecutionProvider"]]


def test_a_provider_that_was_asked_for_is_used_or_refused(
    cuda_sessions: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort.InferenceSession, "used", BOTH[1:])  # no device: it goes on without
    with pytest.raises(InputError, match="'CUDAExecutionProvider' finds no device here"):
        open_session(net(), asked=["cuda"])
    open_session(net())
    assert cuda_sessions == [BOTH[:1], BOTH]


def test_a_provider_with_options_must_load_too() -> None:
    with pytest.raises(InputError, match="provider 'abacus' does not load here"):
        providers([("abacus", {})])
