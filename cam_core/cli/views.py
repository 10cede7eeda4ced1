"""Several layers of one target: a picture each, or one of all."""

from __future__ import annotations

from collections.abc import Sequence

from cam_core.errors import TargetError
from cam_core.methods import about_input
from cam_core.targets import ScoredTarget

Views = Sequence[int | None]
"""Which of the layers each picture is of; None: of all."""
ALL: Views = [None]


def views(layers: Sequence[str], fuse: str | None, method: str) -> Views:
    """The pictures of a target; a method about the input knows no layers."""
    each = len(layers) > 1 and fuse is None and not about_input(method)
    return range(len(layers)) if each else ALL


def require_apart(question: ScoredTarget, found: Views) -> None:
    """Refuses a question whose targets share one picture where there would be one a layer.

    Raises:
        TargetError: it is one.
    """
    if question.together and len(found) > 1:
        raise TargetError(
            f"target '{question.label}' makes one picture of several maps: with several layers "
            "--fuse says how they become one"
        )
