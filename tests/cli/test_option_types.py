"""What may be written after an option, and what is told of what may not."""

from __future__ import annotations

from typing import Any

import click
import pytest

from cam_core.cli.option_types import Numbers, Scale, Shape, Share, Size

READ: list[tuple[Any, str, Any]] = [
    (Numbers(), "0.5", (0.5,)),
    (Numbers(), "1/255", (1 / 255,)),
    (Numbers(), "104,117,123", (104.0, 117.0, 123.0)),
    (Numbers(), "-1,1e-3,3/4", (-1.0, 0.001, 0.75)),
    (Scale(), "each", "each"),
    (Scale(), "shared", "shared"),
    (Scale(), "1/255", (1 / 255,)),
    (Size(), "224", (224, 224)),
    (Size(), "480x640", (480, 640)),
    (Size(), "480X640", (480, 640)),
    (Shape(), "1,3,224,224", ("", (1, 3, 224, 224))),
    (Shape(), "tokens=1,128", ("tokens", (1, 128))),
    (Shape(), "a=b=7", ("a=b", (7,))),
    (Share(), "0", 0.0),
    (Share(), "0.4", 0.4),
]
REFUSED: list[tuple[Any, str, str]] = [
    (Numbers(), "1,2", "nor three with commas"),
    (Numbers(), "1/0", "'1/0' is not one number, nor three"),
    (Numbers(1), "1,2,3", "a single number"),
    (Numbers(), "a", "'a' is not"),
    (Scale(), "every", "neither each, shared nor a single number"),
    (Scale(), "1,2,3", "neither each, shared nor a single number"),
    (Size(), "0", "neither a side"),
    (Size(), "2x3x4", "neither a side"),
    (Size(), "-2", "neither a side"),
    (Shape(), "1,,3", "is no shape"),
    (Shape(), "x=", "is no shape"),
    (Share(), "nan", "'nan' is no number from 0 to 1"),
    (Share(), "2", "is not in the range"),
    (Shape(), "1,0", "is no shape"),
]


@pytest.mark.parametrize(
    ("kind", "text", "value"), READ, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_is_read(kind: click.ParamType, text: str, value: Any) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text", "told"), REFUSED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_is_refused(kind: click.ParamType, text: str, told: str) -> None:
    with pytest.raises(click.BadParameter, match=told):
        kind.convert(text, None, None)
