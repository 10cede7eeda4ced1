"""A source may own any key of `cam.*`: nothing is lost, and no key stands twice."""

from __future__ import annotations

import itertools
from typing import Any

import onnx
import pytest

from backends.onnx import instrument, strip
from cam_core.errors import CamError

CALLED = """<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
net (float[N, 3, 8, 8] x) => (float[N, 3] y) {
    r = my.F(x)
    g = GlobalAveragePool(r)
    y = Flatten(g)
}
<opset_import: ["" : 17], domain: "my"> F (a) => (b) { c = Sin(a) b = Relu(c) }"""
OLD = """<ir_version: 3, opset_import: ["" : 10]>
net (float[N, 3, 8, 8] x, float[3, 3, 1, 1] w) => (float[N, 3] y)
<float[3, 3, 1, 1] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}> {
    c = Conv(x, w)
    r = Relu(c)
    g = GlobalAveragePool(r)
    y = Flatten(g)
}"""
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "a local function": (CALLED, {}),
    "fixed shapes": (CALLED, {"static": [1, 3, 8, 8]}),
    "an old file": (OLD, {}),
    "labels": (OLD, {"labels": ["a", "b", "c"], "preprocess": {"scale": 1.0}}),
}


def source_of(text: str, *entries: tuple[str, str]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text)
    for key, value in entries:
        model.metadata_props.add(key=key, value=value)
    return model


def keys(model: onnx.ModelProto) -> list[str]:
    return [entry.key for entry in model.metadata_props]


KEYS = sorted(
    {key for text, options in MADE.values() for key in keys(instrument(source_of(text), **options))}
    | {"cam.own"}
)
VALUES = ["", "{}", "[[0]]", "eJwDAAAAAAE="]


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_ours_may_be_the_sources(key: str, made: str) -> None:
    text, options = MADE[made]
    for value in VALUES:
        source = source_of(text, ("author", "me"), (key, value), ("year", "2020"))
        result = instrument(source, **options)
        assert len(set(keys(result))) == len(keys(result))
        assert strip(result).SerializeToString() == source.SerializeToString()
    onnx.checker.check_model(result, full_check=True)


@pytest.mark.parametrize("made", MADE)
def test_all_keys_but_those_that_mark_a_result_may_be_the_sources(made: str) -> None:
    """Some of them twice, which is no valid ONNX but happens."""
    text, options = MADE[made]
    named = [key for key in KEYS if key != "cam.version"]
    entries = [*itertools.product(named, ["1", "2"]), ("cam.mine", "3")]
    source = source_of(text, *entries)
    result = instrument(source, **options)
    assert strip(result).SerializeToString() == source.SerializeToString()
    assert "cam.mine" in keys(result)


def test_both_marks_without_what_they_promise() -> None:
    source = source_of(OLD, ("cam.version", "1"), ("cam.added", "{}"))
    with pytest.raises(CamError, match="is instrumented already"):
        instrument(source)
    with pytest.raises(CamError, match="was changed after it was instrumented"):
        strip(source)
