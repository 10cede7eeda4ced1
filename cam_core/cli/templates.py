"""Pages out of templates."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from cam_core.errors import MissingExtraError


def rendered(template: Path | Traversable, name: str, **values: Any) -> bytes:
    """UTF-8; what is put in is escaped.

    Args:
        template: of jinja2.
        name: what the page is called where it cannot be made.
        values: what is put in.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment
    except ImportError as error:
        raise MissingExtraError(
            f"{name} needs jinja2, which is not installed: pip install 'cam-core[html]'"
        ) from error
    made = Environment(autoescape=True).from_string(template.read_text(encoding="utf-8"))
    return made.render(**values).encode()
