"""Several inputs of two models: by name, by shape, by position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.compare.inputs import match_inputs, pairing_said, renamed, same_numbers
from cam_core.errors import InputError

F32, I64 = np.dtype(np.float32), np.dtype(np.int64)


def info(name: str, *shape: int | str, dtype: Any = F32) -> InputInfo:
    return InputInfo(name, shape, dtype)


P, Q = info("p", 1, 3), info("q", 1, 3)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([P, Q], [Q, P], "pp qq"),
        ([P, info("q", 1, 4)], [info("s", 1, 4), info("r", 1, 3)], "rp sq"),
        ([P, Q], [info("r", 1, 3), info("s", 1, 3)], "rp sq"),
        ([P, Q], [Q, info("r", 1, 3)], "qq rp"),
        (
            [P, info("q", 1, 3, dtype=I64)],
            [info("r", "N", "T", dtype=I64), info("s", 1, 3)],
            "rq sp",
        ),
        (
            [info("p", 1, "T"), info("q", 1, 4), info("u", 1, 4)],
            [info("r", 1, 4), info("s", 1, 4), info("t", 1, 5)],
            "ru sq tp",
        ),
    ],
    ids=["name", "shape", "position", "name first", "type", "open shape"],
)
def test_which_is_which(a: list[InputInfo], b: list[InputInfo], expected: str) -> None:
    found = match_inputs(a, b)
    assert found == {pair[0]: pair[1] for pair in expected.split()}
    assert list(found) == [one.name for one in b]


def test_what_has_no_pairing_is_refused() -> None:
    with pytest.raises(InputError, match="A takes 2 inputs and B 1"):
        match_inputs([info("p", 1), info("q", 1)], [info("p", 1)])
    said = "inputs have other names and shapes: 'p' 1x3, 'q' 1x4 of A, 'r' 1x3, 's' 1x5 of B"
    with pytest.raises(InputError, match=said):
        match_inputs([info("p", 1, 3), info("q", 1, 4)], [info("r", 1, 3), info("s", 1, 5)])


def test_inputs_by_their_names_in_b() -> None:
    x: Any = {"p": np.ones((1, 3), np.float32), "q": np.zeros((1, 4), np.float32)}
    infos = [info("s", 1, 4, dtype=np.dtype(np.float16)), info("p", 1, 3)]
    found: Any = renamed(x, {"s": "q", "p": "p"}, infos)
    assert list(found) == ["s", "p"]
    assert found["p"] is x["p"]
    assert (found["s"].dtype, found["s"].shape) == (np.float16, (1, 4))
    assert pairing_said({"s": "q", "p": "p"}) == (
        "inputs have other names, taken by shape and position: 'q' of A is 's' of B"
    )
    assert pairing_said({"p": "p"}) == ""


def test_a_model_whose_inputs_were_renamed_is_the_same() -> None:
    pytest.importorskip("onnxruntime")
    import onnx
    from onnx import numpy_helper

    from cam_core import open_backend
    from cam_core.compare import compare

    def model(sound: str, sight: str, turned: bool) -> Any:
        takes = [f"float[N,2,8,8] {sound}", f"float[N,3,8,8] {sight}"]
        text = f"""<ir_version: 8, opset_import: ["": 17]>
            g ({", ".join(takes[::-1] if turned else takes)}) => (float[N,4] y) {{
            p = Conv<kernel_shape=[3,3]>({sound}, w)
            q = Conv<kernel_shape=[3,3]>({sight}, v)
            s = Add(p, q)
            a = Relu(s)
            m = GlobalAveragePool(a)
            f = Flatten(m)
            y = Gemm(f, h)
            }}"""
        rng = np.random.default_rng(4)
        made = onnx.parser.parse_model(text)
        shapes = {"w": (6, 2, 3, 3), "v": (6, 3, 3, 3), "h": (6, 4)}
        for name, shape in shapes.items():
            weight = rng.normal(size=shape).astype(np.float32)
            made.graph.initializer.append(numpy_helper.from_array(weight, name))
        return open_backend(made.SerializeToString())

    rng = np.random.default_rng(1)
    rows = [
        {n: rng.normal(size=(1, k, 8, 8)).astype(np.float32) for n, k in (("ear", 2), ("eye", 3))}
        for _ in range(8)
    ]
    found = compare(model("ear", "eye", False), model("x0", "x1", True), rows, sample=4)
    assert found.said == [
        "inputs have other names, taken by shape and position: 'eye' of A is 'x1' of B, "
        "'ear' of A is 'x0' of B"
    ]
    assert min(one.measures["spearman"] for one in found.pairs) == pytest.approx(1)
    assert not any(one.flips for one in found.pairs)


def test_the_same_numbers_by_other_names_or_more_often() -> None:
    one, other = np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32)
    assert same_numbers({"p": one, "q": other}, {"a": other, "b": one.copy()})
    assert same_numbers(one, one.repeat(4, axis=0))
    assert not same_numbers({"p": one, "q": other}, {"a": one, "b": one})
    assert not same_numbers(one, other)
    assert not same_numbers(one, one.astype(np.float16))
    assert not same_numbers({"p": one}, {"p": one, "q": one})
