"""How scales are put together: the ends of the heads, what joins them, which layers feed others."""

from __future__ import annotations

import onnx
import pytest

from backends.onnx.finding.analysis import analyse
from backends.onnx.finding.joint import Joint, find_joint
from backends.onnx.finding.near import Near
from tests.scaled_detector import LAYERS, instead, scaled_detector


def joint(model: onnx.ModelProto, layers=LAYERS) -> Joint | None:
    seen = analyse(model, layers, "=y")
    return find_joint(seen.graph, seen.choices, seen.score.name)


def test_a_detector_by_scales() -> None:
    found = joint(scaled_detector())
    assert found is not None
    assert (found.joined, found.links) == ("joined", ("nf",))
    assert [scale.layer for scale in found.scales] == ["nf", "nc"]
    assert [scale.ends for scale in found.scales] == [
        {"pf": Near((0, 2, 3), (0, 2, 2))},
        {"pc": Near((0, 2, 3), (0, 2, 2))},
    ]
    assert [scale.size for scale in found.scales] == [(1, 5, 5), (1, 5, 5)]
    assert found.shapes == {"pf": (1, 4, 8, 8), "pc": (1, 4, 4, 4)}


def test_layers_that_feed_no_other_have_no_links() -> None:
    found = joint(scaled_detector(edit=instead("(nf, w4)", "(fine, w4)")))
    assert found is not None
    assert found.links == ()


def test_an_output_is_taken_before_what_nobody_asked_for() -> None:
    edit = instead("[1, 80, 3] y)", "[1, 80, 3] y, float[1, 80, 4] turned)")
    found = joint(scaled_detector(edit=edit))
    assert found is not None
    assert found.joined == "turned"


ELSEWHERE = {
    "a way round it": ("y = Add(kl, ol)", "m = ReduceMax(nf) s = Add(kl, ol) y = Add(s, m)"),
    "steps after the move": ("flatf = Reshape(pf, four)", "u = Reshape(pf, four) flatf = Sqrt(u)"),
    "a head that sees all": ("tf = Tanh(kf)", "m = GlobalAveragePool(kf) tf = Add(kf, m)"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_other_ways_are_no_joint(before: str, after: str) -> None:
    assert joint(scaled_detector(edit=instead(before, after))) is None


def test_one_layer_or_two_on_one_way_are_no_scales() -> None:
    assert joint(scaled_detector(), ["nf"]) is None
    assert joint(scaled_detector(), ["nf", "af"]) is None
