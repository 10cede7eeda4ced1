"""The table of rules: one place an operator, and what a refusal says."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.rules.registry import (
    ZERO,
    Rule,
    key_of,
    optional,
    refusal,
    require_free,
    unsupported,
    vjp,
)
from cam_core.errors import CamError, UnsupportedOpError


def node(op: str, domain: str = "", name: str = "n") -> Any:
    x, y = (gs.Variable(t, np.float32, (2,)) for t in "xy")
    return gs.Node(op, name, {}, [x, gs.Variable.empty()], [y], domain=domain)


def test_a_rule_is_found_under_its_name() -> None:
    table: dict[tuple[str, str], Rule] = {}

    @vjp("A", "B", domain="my", several=True, table=table)
    def rule(op: Any, node: Any, gy: Any) -> Any:
        return gy

    assert set(table) == {("my", "A"), ("my", "B")}
    assert table["my", "A"].function is rule
    assert (table["my", "A"].several, table["my", "A"].quantises) == (True, False)
    with pytest.raises(CamError, match=r"my\.B has a rule already"):
        vjp("B", domain="my", table=table)(rule)


def test_zero_is_a_place_too() -> None:
    (domain, op), _ = next(iter(ZERO.items()))
    with pytest.raises(CamError, match=f"{op} has zero derivative already"):
        require_free((domain, op), {})
    require_free(("my", op), {})


def test_ai_onnx_is_the_empty_domain() -> None:
    assert key_of(node("Relu", "ai.onnx")) == key_of(node("Relu")) == ("", "Relu")
    assert key_of(node("Relu", "my")) == ("my", "Relu")


def test_an_input_that_is_left_out() -> None:
    one = node("Clip")
    assert optional(one, 0) is one.inputs[0]
    assert optional(one, 1) is None
    assert optional(one, 2) is None


def test_a_refusal_is_a_line_with_its_place() -> None:
    where = "(node 'n', output 'y')"
    said = refusal(node("Foo", "my"), "x is odd")
    assert said == f"no VJP rule for my.Foo where x is odd {where}"
    assert refusal(node("Foo")) == f"no VJP rule for Foo {where}"
    assert "node 'y'" in refusal(node("Foo", name=""))
    error = unsupported(node("Foo"), "x is odd")
    assert isinstance(error, UnsupportedOpError)
    assert "choose a later layer, or add a rule" in str(error)
    assert [t.name for t in error.inputs] == ["x"]
