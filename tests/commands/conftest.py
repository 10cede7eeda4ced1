"""A model of a few operators in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.commands.calls import MODEL, write


@pytest.fixture
def model(tmp_path: Path, rng: np.random.Generator) -> Path:
    return write(MODEL, tmp_path / "model.onnx", rng)
