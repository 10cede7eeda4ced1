"""For tests: assert that two models look at the same thing.

from cam_core.testing import assert_same_focus

def test_the_export_looks_where_the_original_does():
    assert_same_focus(model, "model.onnx", photos)  # photos [N, C, H, W]
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .backend import Array, Backend, Inputs
from .compare.limits import check, read_limit
from .compare.record import record
from .compare.run import Comparison, compare
from .discover import open_backend
from .errors import InputError

ALLOWED = ("the same",)


def assert_same_focus(
    a: Any,
    b: Any,
    x: Array | Sequence[Inputs],
    *,
    allowed: Sequence[str] = ALLOWED,
    fail_if: Sequence[str] | str | None = None,
    **options: Any,
) -> Comparison:
    """Fails unless B looks at the same as A, with the verdict as its message.

    Args:
        a: the original: a backend, or what `open_backend` takes: a file, a torch module.
        b: what became of it.
        x: photos as A takes them, [N, ...] or a list of inputs of one row; 6 or more.
        allowed: the verdicts that pass, such as ("the same", "nearly the same") for int8.
        fail_if: limits in place of the verdict, as `gradcam compare --fail-if` takes them, such as
            ["spearman.p05<0.8"]; one alone may be a text.
        options: of `cam_core.compare.compare`.

    Returns:
        The comparison.

    Raises:
        AssertionError: it does not.
        CamError: they cannot be compared.
    """
    limits = [
        read_limit(text) for text in ([fail_if] if isinstance(fail_if, str) else fail_if or ())
    ]
    if isinstance(x, Mapping) or not len(x):
        raise InputError(
            "no photos: give 6 or more, an array [N, ...] or a list of inputs of one row each"
        )
    first = x[0:1] if hasattr(x, "ndim") else x[0]
    found = compare(_opened(a, first), _opened(b, first), x, **options)
    line = found.verdict.line
    if fail_if is None:
        assert found.verdict.word in allowed, line
    for one in check(record(found), limits):
        assert not one.failed, f"{one.line} ({line})"
    return found


def _opened(source: Any, example: Any) -> Backend:
    """A backend as it is; a live module is shown one photo, which its layers are listed by."""
    if isinstance(source, Backend):
        return source
    if isinstance(source, str | os.PathLike | bytes) or hasattr(source, "SerializeToString"):
        return open_backend(source)
    return open_backend(source, example=example)
