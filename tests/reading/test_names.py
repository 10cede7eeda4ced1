"""The names that users rely on, in a file that has them all."""

from __future__ import annotations

import pytest

from backends.onnx import instrument
from backends.onnx.reading import names
from backends.onnx.reading.names import OUTPUTS, PREFIX, RESERVED, output_name
from tests.instrumenting.nets import net
from tests.paths import ROOT

KEYS = {value for value in vars(names).values() if isinstance(value, str) and "cam." in value}


def test_every_output_has_the_name_that_is_promised() -> None:
    source = net()
    made = instrument(
        source, target="input", outputs=[n for n in OUTPUTS if n != "gradients"], gate=True
    )
    given = [i.name for i in made.graph.input if i.name not in {t.name for t in source.graph.input}]
    added = [o.name for o in made.graph.output][len(source.graph.output) :]
    assert given == ["cam_class", "cam_enable"]
    assert sorted(added) == sorted(f"cam_{n}" for n in OUTPUTS if n != "gradients")
    assert {entry.key for entry in made.metadata_props} <= KEYS
    assert all(RESERVED.fullmatch(name) for name in (*given, *added))
    ours = [n.name for n in made.graph.node][len(source.graph.node) :]
    assert all(name.startswith(PREFIX) for name in ours)


def test_outputs_of_several_layers_are_numbered() -> None:
    made = instrument(net(), layer=["early", "late"], outputs=("map", "score"), target=0)
    added = [o.name for o in made.graph.output if o.name.startswith("cam_")]
    assert added == [output_name("map", 0), output_name("map", 1), output_name("score")]
    assert added == ["cam_map_0", "cam_map_1", "cam_score"]


@pytest.mark.parametrize(
    "name", ["cam_cotangent", "cam_map_12", "cam_input_gradients_3", "cam_class_used", "cam_score"]
)
def test_what_no_model_may_own(name: str) -> None:
    assert RESERVED.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["cam", "cam_", "cam_score_1", "cam_class_1", "cam_maps", "my_cam_map", "cam_map_", "x"]
)
def test_what_a_model_may_own(name: str) -> None:
    assert not RESERVED.fullmatch(name)


def test_every_promised_name_is_in_the_readme() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in OUTPUTS if f"`{name}`" not in page] == []
    given = (names.CLASS_INPUT, names.COTANGENT_INPUT, names.ENABLE_INPUT)
    assert [name for name in given if f"`{name}`" not in page] == []


def test_keys_of_metadata_are_told_apart() -> None:
    assert len(KEYS - {PREFIX}) == 18
    assert all(key.startswith(PREFIX) for key in KEYS)
