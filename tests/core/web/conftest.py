"""What all tests of the page take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.web.page import Call, run_in_node


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Any]:
    """Calls a function of one of the page's modules in node."""
    return Call(tmp_path, run_in_node)
