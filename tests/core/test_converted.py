"""What a file says of where it comes from."""

from __future__ import annotations

import pytest

from cam_core.converted import CONVERTED, conversion_of, just_now


def test_what_is_said() -> None:
    told = {CONVERTED: '{"source": "net.tflite", "converter": "tf2onnx 1.17"}'}
    assert conversion_of(told) == {"source": "net.tflite", "converter": "tf2onnx 1.17"}
    again = {CONVERTED: just_now(told, "the same")}
    assert conversion_of(again) == conversion_of(told) | {"parity": "the same"}


@pytest.mark.parametrize("text", ["", "by hand", "[1]", "3"])
def test_what_others_wrote_says_nothing(text: str) -> None:
    assert conversion_of({CONVERTED: text}) == {}
    assert conversion_of({}) == {}
