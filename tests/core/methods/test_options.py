"""One spelling of a method's options: read and written, refused in a line, the same everywhere."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from cam_core.answers import from_capture
from cam_core.captures import capture
from cam_core.errors import InputError
from cam_core.methods import METHODS, Method, canonical, find_method, with_options
from cam_core.methods.options import listed, parameters, read, value_of, word_of
from cam_core.targets import ClassTarget
from tests.core.methods.rectified import model, pictures

onnxruntime = pytest.importorskip("onnxruntime")
VALUES = [
    *(("1", 1), ("-3", -3), ("0.5", 0.5), ("1e-06", 1e-6), ("true", True), ("false", False)),
    *(("none", None), ("trapezoid", "trapezoid"), ("gauss-legendre", "gauss-legendre")),
    *(("32x16", (32, 16)), ("x", "x"), ("inf", float("inf"))),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_value_is_read_and_written_alike(text: str, value: Any) -> None:
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))
    assert word_of(value) == text


def test_a_whole_number_is_written_alike_whatever_its_type() -> None:
    assert {word_of(v) for v in (2, 2.0, np.int64(2), np.float32(2))} == {"2"}
    assert word_of(np.bool_(False)) == "false"
    assert word_of(np.ones(3)) == ""


def test_a_method_is_read_with_its_options() -> None:
    assert read("legrad") == ("legrad", {})
    assert read("rise:masks=500, cells=5") == ("rise", {"masks": 500, "cells": 5})
    assert listed("gradcam, rise:masks=500,cells=5 ,fem:k=3,cam") == [
        *("gradcam", "rise:masks=500,cells=5", "fem:k=3", "cam")
    ]


@pytest.mark.parametrize("text", ["rise:", "rise:masks", "rise:masks=", "rise:=5", "rise:masks=5,"])
def test_half_an_option_is_refused(text: str) -> None:
    said = rf"method '{re.escape(text)}': options are written as rise:NAME=VALUE,NAME=VALUE"
    with pytest.raises(InputError, match=said):
        find_method(text)


RISE = "masks=4000, cells=7, keep=0.5, seed=0, centred=true"
REFUSED = {
    "rise:mask=5": f"method 'rise' has no option 'mask'; it takes {RISE}",
    "rise:masks=few": f"method 'rise': masks=few is not a whole number; it takes {RISE}",
    "rise:masks=0.5": f"method 'rise': masks=0.5 is not a whole number; it takes {RISE}",
    "rise:keep=true": f"method 'rise': keep=true is not a number; it takes {RISE}",
    "rise:centred=1": f"method 'rise': centred=1 is not true or false; it takes {RISE}",
    "rise:keep=nan": f"method 'rise': keep=nan is not a number; it takes {RISE}",
    "gradcam++:eps=inf": "method 'gradcam++': eps=inf is not a number or none; it takes eps=none",
    "rise:seed=-1": f"method 'rise': seed=-1 is below 0; it takes {RISE}",
    "rise:seed=none": f"method 'rise': seed=none is not a whole number; it takes {RISE}",
    "legrad:blocks=two": "method 'legrad': blocks=two is not a whole number or none; "
    "it takes blocks=none",
    "occlusion:window=big": "method 'occlusion': window=big is not a whole number or numbers as "
    "32x16 or none; it takes window=none, stride=none, baseline=none",
    "gradcam:eps=1": "method 'gradcam' has no option 'eps'; it takes none",
    "rise:seed=1,seed=2": "method 'rise:seed=1,seed=2': option 'seed' is given twice",
    "ries:masks=5": "no method 'ries'; did you mean rise",
    "best:blocks=1": "'best' is a choice of `explain`: name the method itself here",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_method_does_not_take_is_said_in_a_line(text: str) -> None:
    with pytest.raises(InputError, match=re.escape(REFUSED[text])):
        find_method(text)


def test_defaults_and_order_make_no_other_spelling() -> None:
    assert canonical("rise:cells=5,masks=4000,seed=1") == "rise:cells=5,seed=1"
    assert canonical("rise:seed=1,cells=5") == "rise:cells=5,seed=1"
    assert canonical("fem:k=2") == canonical("fem:k=2.0") == "fem"
    assert canonical("auto") == "auto"
    assert with_options("rise:cells=5", {"seed": 1, "cells": 6})[0] == "rise:cells=6,seed=1"


@pytest.mark.parametrize("name", [n for n, row in METHODS.items() if row.options])
def test_every_default_can_be_written_and_read(name: str) -> None:
    """So that a row with an option needs nothing else: its formula says all there is."""
    row = METHODS[name]
    text = ",".join(f"{option}={word_of(value)}" for option, value in row.options.items())
    assert canonical(f"{name}:{text}") == name
    assert find_method(f"{name}:{text}").options == row.options
    assert all(one.annotation is not one.empty for one in parameters(row.formula).values())


def test_a_formula_of_ones_own_says_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    def scaled(A: Any, G: Any, *, by=1.0) -> Any:  # type: ignore[no-untyped-def]
        return by * G

    monkeypatch.setitem(METHODS, "scaled", Method(scaled, "", ""))
    G = np.ones((1, 2, 3, 3))
    np.testing.assert_array_equal(find_method("scaled:by=3")(G, G), 3 * G)


def test_every_way_to_ask_gives_one_map_under_one_name() -> None:
    """Python's keyword, the text, a capture and the file: the noise of eps is seen in all."""
    backend, x, target = OnnxBackend(model()), pictures(), ClassTarget(2)
    plain = explain(backend, x, 2, "gradcam++", layer="late")
    asked = explain(backend, x, 2, "gradcam++", layer="late", eps=1.0)
    assert np.abs(asked.map - plain.map).max() > 1e-3 * plain.map.max()
    written = explain(backend, x, 2, "gradcam++:eps=1", layer="late")
    (seen,) = capture(backend, x, target, layers=["late"])
    of_capture = from_capture(seen, target, "gradcam++:eps=1.0")
    for found in (asked, written, of_capture):
        assert found.method == found[0].facts()["method"] == "gradcam++:eps=1"
        np.testing.assert_array_equal(found.map, asked.map)
    for given in ({"method": "gradcam++:eps=1"}, {"method": "gradcam++", "options": {"eps": 1.0}}):
        file = instrument(model(), layer="late", target=2, **given)  # type: ignore[arg-type]
        assert {e.key: e.value for e in file.metadata_props}["cam.method"] == "gradcam++:eps=1"
        session = onnxruntime.InferenceSession(file.SerializeToString())
        (cam,) = session.run(["cam_map"], {"x": x})
        np.testing.assert_allclose(cam, asked.map, rtol=1e-5, atol=1e-7)


def test_an_array_counts_and_has_no_spelling() -> None:
    backend, x = OnnxBackend(model()), pictures()
    own = explain(backend, x, 2, "integrated", baseline=0.5 * x, steps=4)
    half = explain(backend, x, 2, "integrated", baseline=0.0, steps=4)
    assert own.method == half.method == "integrated:steps=4"
    assert np.abs(own.map - half.map).max() > 1e-3 * half.map.max()


def test_options_that_are_none_are_refused_of_python_too() -> None:
    with pytest.raises(InputError, match="'gradcam' has no option 'blocks'; it takes none"):
        explain(OnnxBackend(model()), pictures(), 2, "gradcam", blocks=1)
