"""Dynamic extents, and the pairs of numbers that stand for them: each extent another pair."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx.reading.prepare import prepare
from backends.onnx.reading.probes import (
    BATCH_PROBE,
    CLIPS,
    ONE_ROW,
    SPACE_PROBES,
    assign,
    emptied,
    inputs,
    is_open,
    levelled,
    miswritten,
    opened,
    pair_of,
    plans,
    symbol,
    symbols,
    too_short,
)
from tests.sessions import run
from tests.written import parsed


def model(x: list[object], z: list[object]) -> object:
    found = parsed("float[1] x, float[2] w, float[1] z", "y = Identity(x)", "float[1] y")
    found.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), "w"))
    for name, at, shape in (("x", 0, x), ("z", 2, z)):
        found.graph.input[at].CopyFrom(helper.make_tensor_value_info(name, 1, shape))
    return found


def test_weights_are_no_inputs() -> None:
    assert [i.name for i in inputs(model(["N"], [3]))] == ["x", "z"]


def test_an_extent_without_a_name_is_called_by_its_place() -> None:
    x, z = inputs(model([None, 3, None, "W"], [None]))
    assert [symbol(x, axis) for axis in (0, 2, 3)] == ["batch", "x_2", "W"]
    assert symbol(z, 0) == "batch"


@pytest.mark.parametrize(
    ("x", "z", "found"),
    [
        (["N", 3, "H", "W"], ["N", 5], [("N", True), ("H", False), ("W", False)]),
        ([None, 3, None], [None, None], [("batch", True), ("x_2", False), ("z_1", False)]),
        ([1, 3, "N"], ["N"], [("N", False)]),
        ([2, 3], [4], []),
        ([], ["N"], [("N", True)]),
        ([-1, 3, 0], [2], [("batch", True), ("x_2", False)]),
    ],
)
def test_every_dynamic_extent_once(x: list[object], z: list[object], found: object) -> None:
    assert list(symbols(model(x, z))) == found


NAMES = [("N", True), ("H", False), ("M", True), ("W", False), ("D", False), ("T", False)]
"""The fourth extent of space is a step further than the first, and not what the second has."""


@pytest.mark.parametrize("spaces", SPACE_PROBES, ids=len)
def test_a_pair_each_that_nobody_else_has(spaces: tuple[tuple[int, int], ...]) -> None:
    taken = {BATCH_PROBE, (1, 2)}
    pairs = assign(NAMES, spaces, BATCH_PROBE, taken)
    assert list(pairs) == [name for name, _ in NAMES]
    assert len({*pairs.values()} | taken) == len(NAMES) + len(taken)
    for low, high in pairs.values():
        assert 0 < low < high


def test_the_first_pairs_are_those_that_are_given() -> None:
    pairs = assign(NAMES[:2], [(224, 288)], (5, 7), ())
    assert pairs == {"N": (5, 7), "H": (224, 288)}


def test_one_row_is_one_row_for_every_batch() -> None:
    pairs = assign(NAMES, [(224, 288)], ONE_ROW, {ONE_ROW})
    assert pairs["N"] == pairs["M"] == (1, 1)
    spaces = [pairs[name] for name, batch in NAMES if not batch]
    assert len({*spaces}) == 4


def test_a_pair_that_is_taken_is_passed_over() -> None:
    pairs = assign(NAMES[:2], SPACE_PROBES[0], (5, 7), {(224, 288), (5, 7), (11, 13)})
    assert pairs == {"N": (17, 19), "H": (256, 320)}


WAVE = zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True)
"""Kernels and strides of wav2vec's front end, which sees 400 samples at once."""


def test_a_probe_that_a_window_does_not_fit_into_is_none() -> None:
    body, last, weights = "", "x", []
    for i, (kernel, stride) in enumerate(WAVE):
        body += f" a{i} = Conv<strides = [{stride}]>({last}, w{i})"
        weights.append(numpy_helper.from_array(np.ones((1, 1, kernel), np.float32), f"w{i}"))
        last = f"a{i}"
    wave = parsed("float[N,1,T] x", body + f" y = Identity({last})", "float[N,1,U] y")
    wave.graph.initializer.extend(weights)
    graph = prepare(wave)
    (low, high) = graph.probed["T"]
    signals = (np.zeros((1, 1, extent), np.float32) for extent in (low, high))
    lengths = [run(wave, x=x)["y"].shape[2] for x in signals]
    assert graph.tensors["y"].shape == ("N", 1, f"{lengths[0]}|{lengths[1]}")


@pytest.mark.parametrize(
    ("attributes", "extent", "short"),
    [
        ({}, 4, True),
        ({}, 5, False),
        ({"pads": [0, 1]}, 4, False),
        ({"dilations": [2]}, 8, True),
        ({"dilations": [2]}, 9, False),
        ({"auto_pad": "SAME_UPPER"}, 1, False),
    ],
)
def test_a_window_longer_than_what_it_slides_over(
    attributes: dict[str, object], extent: int, short: bool
) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    types = {n: helper.make_tensor_type_proto(1, (1, 1, e)) for n, e in (("x", extent), ("w", 5))}
    assert too_short(node, types, {}) is short


@pytest.mark.parametrize(("extent", "short"), [(399, True), (400, False)])
@pytest.mark.parametrize("framed", ["by a length", "by a window"])
def test_a_frame_longer_than_the_signal(framed: str, extent: int, short: bool) -> None:
    by_length = framed == "by a length"
    node = helper.make_node(
        "STFT", ["x", "step", "" if by_length else "w", "n"][: 3 + by_length], ["y"]
    )
    types = {"x": helper.make_tensor_type_proto(1, (2, extent, 1)),
             "w": helper.make_tensor_type_proto(1, (400,))}  # fmt: skip
    assert too_short(node, types, {"n": np.array(400)} if by_length else {}) is short


def test_a_signal_is_no_shorter_than_its_frames() -> None:
    """Inference takes the frame that does not fit into a picture's size for one that does."""
    net = parsed("float[N,T,1] x", "y = STFT<onesided = 1>(x, step, , length)", "float[A,B,C,D] y")
    for name, value in {"step": 160, "length": 300}.items():
        net.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    graph = prepare(net)
    pair = graph.probed["T"]
    lengths = [run(net, x=np.zeros((1, t, 1), np.float32))["y"].shape[1] for t in pair]
    assert graph.tensors["y"].shape == ("N", f"{lengths[0]}|{lengths[1]}", 151, 2)


@pytest.mark.parametrize(
    ("node", "extent", "beyond"),
    [
        (helper.make_node("Gather", ["x", "n"], ["y"], axis=1), 30, True),
        (helper.make_node("Gather", ["x", "n"], ["y"], axis=1), 31, False),
        (helper.make_node("Gather", ["x", "unknown"], ["y"], axis=1), 3, False),
        (helper.make_node("GatherND", ["x", "n"], ["y"], batch_dims=1), 3, False),
        (helper.make_node("GatherND", ["x", "n"], ["y"], batch_dims=0), 31, True),
    ],
)
def test_a_table_that_reads_beyond_the_signal(
    node: onnx.NodeProto, extent: int, beyond: bool
) -> None:
    types = {"x": helper.make_tensor_type_proto(1, (2, extent))}
    assert too_short(node, types, {"n": np.array([[3], [30]])}) is beyond


def test_a_number_of_frames_that_stays_the_same_is_no_constant() -> None:
    """Of 224 and of 288 samples there is one window each, 160 apart."""
    net = parsed("float[N,1,T] x", "y = Conv<strides = [160]>(x, w)", "float[A,B,C] y")
    net.graph.initializer.append(numpy_helper.from_array(np.ones((1, 1, 100), np.float32), "w"))
    graph = prepare(net)
    lengths = [run(net, x=np.zeros((1, 1, t), np.float32))["y"].shape[2] for t in graph.probed["T"]]
    assert graph.tensors["y"].shape == ("N", 1, f"{lengths[0]}|{lengths[1]}")


def test_a_count_that_is_rounded_off() -> None:
    frames = helper.make_node("Div", ["n", "hop"], ["k"])
    first, second = ({"n": np.array(n), "hop": np.array(160)} for n in (224, 288))
    assert levelled(frames, [{}, {}], [first | {"k": np.array(1)}, second | {"k": np.array(1)}])
    assert not levelled(frames, [{}, {}], [first | {"k": np.array(1)}, second | {"k": np.array(2)}])
    assert not levelled(frames, [{}, {}], [first, second])
    thirds = [{name: value / 2 for name, value in known.items()} for known in (first, second)]
    assert not levelled(frames, [{}, {}], [k | {"k": np.array(0.5)} for k in thirds])


FRAMES = """s = Shape(x) n = Gather(s, axis) m = Sub(n, window) k = Range(zero, m, hop)
    y = Gather<axis = 1>(x, k)"""


def test_a_probe_of_which_nothing_is_left_is_none() -> None:
    """Frames that are cut out by positions: below 1000 numbers there is none."""
    net = parsed("float[N,T] x", FRAMES, "float[A,B] y")
    for name, value in {"axis": 1, "window": 1000, "zero": 0, "hop": 10}.items():
        net.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    graph = prepare(net)
    pair = graph.probed["T"]
    lengths = [run(net, x=np.zeros((1, t), np.float32))["y"].shape[1] for t in pair]
    assert min(lengths) > 0
    assert graph.tensors["y"].shape == ("N", f"{lengths[0]}|{lengths[1]}")


def test_nothing_made_of_nothing_is_no_fault() -> None:
    node = helper.make_node("Neg", ["x"], ["y"])

    def found(*extents: tuple[int, int]) -> bool:
        """For the extent of x and y at each probe."""
        types = [
            {n: helper.make_tensor_type_proto(1, (2, e)) for n, e in zip("xy", pair, strict=True)}
            for pair in extents
        ]
        return emptied(node, types, [{}, {}])

    assert not found((3, 3), (0, 0))
    assert not found((3, 0), (3, 0))  # whatever the extents are
    assert found((3, 0), (4, 0))
    assert not found((3, 3), (4, 3))


@pytest.mark.parametrize("written", [-1, 0, -7, None, "N"])
def test_what_stands_for_an_open_extent(written: object) -> None:
    x, _ = inputs(model([written, 3], [2]))
    assert [is_open(dim) for dim in x.type.tensor_type.shape.dim] == [True, False]
    assert miswritten(x.type) is isinstance(written, int)
    before = x.type.SerializeToString()
    clean = opened(x.type)
    assert not miswritten(clean)
    assert clean.tensor_type.shape.dim[1].dim_value == 3
    assert clean.tensor_type.shape.dim[0].dim_param == (written if written == "N" else "")
    assert x.type.SerializeToString() == before


def test_one_row_is_planned_where_an_output_says_so() -> None:
    net = model(["N", 3], [2])
    net.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1, ["N", 3]))
    assert ONE_ROW not in [batch for _, batch in plans(net)]
    net.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1, [1, 3]))
    assert [batch for _, batch in plans(net)] == [
        *[BATCH_PROBE] * len(SPACE_PROBES),
        CLIPS,
        ONE_ROW,
    ]


def test_what_stood_for_an_extent_around_a_body() -> None:
    probed = {"N": (5, 7)}
    assert pair_of("N", probed) == (5, 7)
    assert pair_of("10|14", probed) == (10, 14)
    assert pair_of("M", probed) is None
    assert pair_of("x10|14", probed) is None
