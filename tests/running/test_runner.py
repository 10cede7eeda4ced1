"""Sessions are opened on the providers that were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def test_threads_are_those_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a backend's own sessions, and of those of another score."""
    from backends.onnx import OnnxBackend
    from tests.core.methods.forward_net import net as small
    from tests.core.methods.forward_net import pictures

    seen, session = [], ort.InferenceSession

    def opened(model: bytes, options: Any, **rest: Any) -> Any:
        seen.append(options.intra_op_num_threads)
        return session(model, options, **rest)

    monkeypatch.setattr(ort, "InferenceSession", opened)
    backend = OnnxBackend(small(), threads=1)
    backend.look(pictures()).tail("r2")(np.zeros((2, 8, 5, 7), np.float32))
    backend.scored("y").forward(pictures())
    assert set(seen) == {1}
    OnnxBackend(small()).forward(pictures())
    assert seen[-1] == 0  # as many as onnxruntime takes itself
