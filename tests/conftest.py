"""Fixtures that every test may use."""

from __future__ import annotations

import numpy as np
import pytest

from backends.onnx.rules import NOT_YET, VJP_RULES
from tests.paths import ROOT

pytest.register_assert_rewrite(
    *(f"tests.{path.stem}" for path in (ROOT / "tests").iterdir() if path.stem != "paths")
)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of its own for each test, always the same numbers."""
    return np.random.default_rng(20)


@pytest.fixture
def no_norm_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had written the rules of LpPool and GlobalLpPool yet."""
    for operator in ("LpPool", "GlobalLpPool"):
        monkeypatch.delitem(VJP_RULES, ("", operator))
        monkeypatch.setitem(NOT_YET, operator, "a rare pooling, planned")
