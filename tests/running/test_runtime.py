"""Which providers load."""

from __future__ import annotations

import pytest

from backends.onnx.running.runtime import providers
from cam_core.errors import InputError

pytest.importorskip("onnxruntime")


def test_a_provider_with_options_must_load_too() -> None:
    with pytest.raises(InputError, match="provider 'abacus' does not load here"):
        providers([("abacus", {})])
