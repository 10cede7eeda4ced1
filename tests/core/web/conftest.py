"""What all tests of the page take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.web.page import Call, run_in_node


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Any]:
    """Calls a function of one of the page's modules in node."""
    return Call(tmp_path, run_in_node)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's classifier."""
    from tests.core.web.browser import site_of
    from tests.core.web.shown import DEMO

    return site_of(tmp_path_factory.mktemp("demo"), [DEMO])


@pytest.fixture(scope="module")
def tools() -> Iterator[Any]:
    """Playwright; there is one at a time in a process."""
    with pytest.importorskip("playwright.sync_api").sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def demo(tools: Any, site: Path) -> Iterator[Any]:
    """Open all the time."""
    from tests.core.web.browser import opened

    with opened(tools, site) as found:
        found.goto()
        yield found
