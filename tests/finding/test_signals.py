"""A tone burst in a signal: the map of what a file makes of the signal is hot at the burst's time.

Spectrograms are made inside the file in every way that exporters and people write them. What is
expected is where the burst was put, not what any layout says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from tests.sessions import run

pytest.importorskip("onnxruntime")

LONG, HOP, WINDOW, BANDS, MEL = 4096, 128, 256, 129, 16
FRAMES = (LONG - WINDOW) // HOP + 1
BURST = 200
TIMES = (300, 2000, 3700)
"""Of the middle of a burst."""
CONV = "u = Unsqueeze(x, one) z = Conv<strides = [128]>(u, kernels)"
TABLE = "f = Gather<axis = 1>(x, frames) h = Mul(f, window) z = MatMul(h, dft)"
PARTS = "q = Mul(z, z) r,i = Split<axis = {}>(q, halves) p = Add(r, i)"
STFT = """u = Unsqueeze(x, two) z = STFT<onesided = 1>(u, hop, window, length) q = Mul(z, z)
    p = ReduceSum<keepdims = 0>(q, three)"""
FRONTS = {
    "convolution": (f"{CONV} {PARTS.format(1)} m = MatMul(melT, p)", 2),
    "convolution, on its side": (
        f"{CONV} {PARTS.format(1)} t = Transpose<perm = [0,2,1]>(p) m = MatMul(t, mel)",
        1,
    ),
    "table of frames": (f"{TABLE} {PARTS.format(2)} m = MatMul(p, mel)", 1),
    "table of frames, bands first": (
        f"{TABLE} {PARTS.format(2)} t = MatMul(p, mel) m = Transpose<perm = [0,2,1]>(t)",
        2,
    ),
    "rows by a table": (
        """t = Transpose<perm = [1,0]>(x) w = GatherND(t, deep) f = Transpose<perm = [2,0,1]>(w)
        h = Mul(f, window) z = MatMul(h, dft) """
        f"{PARTS.format(2)} m = MatMul(p, mel)",
        1,
    ),
    "slices": (
        "".join(
            f"f{k} = Slice(x, a{k}, b{k}, one) g{k} = Unsqueeze(f{k}, one) " for k in range(FRAMES)
        )
        + f"f = Concat<axis = 1>({', '.join(f'g{k}' for k in range(FRAMES))}) "
        f"h = Mul(f, window) z = MatMul(h, dft) {PARTS.format(2)} m = MatMul(p, mel)",
        1,
    ),
    "STFT": (f"{STFT} m = MatMul(p, mel)", 1),
    "STFT, bands first": (f"{STFT} t = Transpose<perm = [0,2,1]>(p) m = MatMul(melT, t)", 2),
}
"""How a spectrogram m is made of x [N, 4096], and its axis of time."""
CNN = """e = Add(m, small) l = Log(e) v = Unsqueeze(l, one) c = Conv<pads = [1,1,1,1]>(v, k1)
    a = Relu(c) s = MaxPool<kernel_shape = [2,2], strides = [2,2]>(a)
    d = Conv<pads = [1,1,1,1]>(s, k2) last = Relu(d) g = GlobalAveragePool(last) o = Flatten(g)
    y = MatMul(o, head)"""


def weights() -> dict[str, Any]:
    n, k = np.arange(WINDOW), np.arange(BANDS)
    window = np.hanning(WINDOW)
    turns = 2 * np.pi * np.outer(k, n) / WINDOW
    dft = np.concatenate([np.cos(turns), np.sin(turns)])  # [2 x 129, 256]
    mel = np.abs(np.random.default_rng(0).normal(size=(BANDS, MEL)))
    frames = np.arange(FRAMES)[:, None] * HOP + n
    floats = {
        **{"kernels": (dft * window)[:, None], "dft": dft.T, "window": window},
        **{"mel": mel, "melT": mel.T, "small": np.array(1e-6), "head": np.ones((4, 2))},
        **{"k1": np.full((4, 1, 3, 3), 1 / 9), "k2": np.full((4, 4, 3, 3), 1 / 36)},
    }
    numbers = {"frames": frames, "deep": frames[..., None], "halves": [BANDS, BANDS], "hop": HOP}
    numbers |= {"length": WINDOW, "one": [1], "two": [2], "three": [3]}
    numbers |= {f"a{t}": [t * HOP] for t in range(FRAMES)}
    numbers |= {f"b{t}": [t * HOP + WINDOW] for t in range(FRAMES)}
    found = {name: np.ascontiguousarray(value, np.float32) for name, value in floats.items()}
    return found | {name: np.array(value) for name, value in numbers.items()}


def net(body: str, given: str, classes: int = 2, **values: Any) -> onnx.ModelProto:
    """float[given] x -> [N, classes]."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{given}] x) => '
        f"(float[{given.split(',')[0]},{classes}] y) {{ {body} }}"
    )
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(v, n) for n, v in (weights() | values).items() if n in used
    )
    return model


def burst(*middles: int, long: int = LONG) -> Any:
    x = np.zeros((len(middles), long), np.float32)
    for row, middle in enumerate(middles):
        x[row, middle - BURST // 2 : middle + BURST // 2] = np.sin(0.7 * np.arange(BURST))
    return x


def peak(heat: Any) -> float:
    """The middle of what is hottest of a row."""
    return float(np.flatnonzero(heat >= 0.999 * heat.max()).mean())


@pytest.mark.parametrize("name", FRONTS)
@pytest.mark.parametrize("given", [f"N,{LONG}", f"1,{LONG}", "N,L"])
def test_a_spectrogram_is_hot_at_the_time_of_the_burst(name: str, given: str) -> None:
    body, time = FRONTS[name]
    model = net(f"{body} {CNN}", given)
    backend, file = OnnxBackend(model), instrument(model, outputs=("map", "activations"))
    for middle in TIMES:
        found = explain(backend, burst(middle), target=1)
        assert (found.layer, found.map.shape) == ("last", (1, FRAMES // 2))
        cell = LONG / found.map.shape[1]
        assert abs(peak(found.heatmap((LONG,))[0]) - middle) <= cell
        written = run(file, x=burst(middle), cam_class=np.array([1]))
        np.testing.assert_allclose(written["cam_map"], found.map, rtol=1e-5, atol=1e-6)
        by_hand = written["cam_activations"].sum(axis=(1, 4 - time))  # all weights are equal
        np.testing.assert_allclose(found.map / found.map.max(), by_hand / by_hand.max(), rtol=1e-4)


@pytest.mark.parametrize("given", ["N,4096", "N,L"])
def test_what_is_put_round_a_signal_does_not_grow_with_it(given: str) -> None:
    """Frames round the middle, as torch.stft makes them: half a window lies before the signal."""
    body = f'j = Unsqueeze(x, one) b = Pad<mode = "reflect">(j, around) w = Squeeze(b, one) {STFT} '
    body = body.replace("Unsqueeze(x, two)", "Unsqueeze(w, two)")
    around = np.array([0, 0, WINDOW // 2, 0, 0, WINDOW // 2])
    backend = OnnxBackend(net(f"{body} m = MatMul(p, mel) {CNN}", given, around=around))
    for middle in TIMES:
        found = explain(backend, burst(middle), target=1)
        assert found.region is not None
        assert found.region.windows == ((-WINDOW / 2 / LONG, 1 + WINDOW / 2 / LONG),)
        assert abs(peak(found.heatmap((LONG,))[0]) - middle) <= LONG / found.map.shape[1]


STEPS, FEATURES = 48, 5
BACK = "Transpose<perm = [0,2,1]>"
IN_TIME = f"t{{0}} = {BACK}({{1}}) i{{0}} = MatMul(t{{0}}, time) j{{0}} = {BACK}(i{{0}}) "
MIXED = IN_TIME + "r{0} = Relu(j{0}) {2} = Add({1}, r{0}) "
"""Along time, beside what it was before."""
FED = "f{0} = MatMul({1}, wide) h{0} = Relu(f{0}) n{0} = MatMul(h{0}, narrow) {2} = Add({1}, n{0}) "
"""Along the features, likewise."""
BLOCKS = MIXED.format(1, "x", "a") + FED.format(1, "a", "b") + MIXED.format(2, "b", "c")
POOLED = "m = ReduceMean<axes = [1], keepdims = 0>(last) y = MatMul(m, head)"
MIXERS = {
    "mixed in time and features": BLOCKS + FED.format(2, "c", "last") + POOLED,
    "mixed in time first and last": BLOCKS + "last = Relu(c) " + POOLED,
    "mixed in time alone": MIXED.format(1, "x", "b") + MIXED.format(2, "b", "last") + POOLED,
    "gated in time": IN_TIME.format(1, "x")
    + "s = Sigmoid(j1) b = Mul(x, s) "
    + FED.format(1, "b", "last")
    + POOLED,
    "flattened": BLOCKS + FED.format(2, "c", "last") + "o = Flatten(last) y = MatMul(o, every)",
    "over time to the score": BLOCKS
    + FED.format(2, "c", "last")
    + f"p = {BACK}(last) n = MatMul(p, weigh) y = ReduceMean<axes = [1], keepdims = 0>(n)",
    "features first": f"v = {BACK}(x) "
    + "e = MatMul(v, wide) "
    + IN_TIME.format(1, "e")
    + "last = Add(e, j1) m = ReduceMean<axes = [1], keepdims = 0>(last) y = MatMul(m, eighths)",
}
"""Networks that mix along time by products, [N, 48, 5] -> [N, 2]; the last one of [N, 5, 48]."""


@pytest.mark.parametrize("name", MIXERS)
@pytest.mark.parametrize("rows", ["N", "1"])
def test_what_is_mixed_in_time_is_hot_at_the_time_of_the_event(name: str, rows: str) -> None:
    draw = np.random.default_rng(1)
    shapes = {"time": (STEPS, STEPS), "wide": (FEATURES, 8), "narrow": (8, FEATURES)}
    shapes |= {"head": (FEATURES, 2), "every": (STEPS * FEATURES, 2), "weigh": (STEPS, 2)}
    values = {n: np.abs(draw.normal(size=shape) / 50) for n, shape in shapes.items()}
    values["eighths"] = np.abs(draw.normal(size=(8, 2)))
    first = name == "features first"
    given = [rows, FEATURES, STEPS] if first else [rows, STEPS, FEATURES]
    model = net(
        MIXERS[name],
        ",".join(map(str, given)),
        **{n: value.astype(np.float32) for n, value in values.items()},
    )
    backend = OnnxBackend(model)
    for time in (0, 17, 47):
        x = np.full((1, STEPS, FEATURES), 0.01, np.float32)
        x[:, time] = 3
        found = explain(backend, x.transpose(0, 2, 1) if first else x, target=1)
        assert (found.layer, found.map.shape) == ("last", (1, STEPS))
        assert found.region is not None
        assert found.region.axes == ((2,) if first else (1,))
        assert found.map[0].argmax() == time


ROLLED, SHIFT = 100_000, 31_416
ROLLS = {
    "slices": (
        "p = Slice(x, cut, far, two) q = Slice(x, zero, cut, two) r = Concat<axis = 2>(p, q)"
    ),
    "a table": "r = Gather<axis = 2>(x, table)",
    "backwards": "r = Slice(x, minus, least, two, minus)",
}


@pytest.mark.parametrize("name", ROLLS)
def test_a_long_roll_is_not_spelled_into_the_file(name: str) -> None:
    far = np.array([ROLLED])
    model = net(
        f"{ROLLS[name]} c = Conv(r, w) last = Relu(c) "
        "m = ReduceMean<axes = [2], keepdims = 0>(last) y = MatMul(m, head)",
        f"N,1,{ROLLED}",
        **{"cut": np.array([SHIFT]), "far": far, "zero": np.array([0]), "minus": np.array([-1])},
        **{"table": np.roll(np.arange(ROLLED), -SHIFT), "least": -far - 1},
        w=np.ones((4, 1, 1), np.float32),
    )
    backend, file = OnnxBackend(model), instrument(model)
    assert file.ByteSize() - model.ByteSize() < 10_000
    for event in (0, SHIFT - 1, SHIFT, ROLLED - 1):
        x = np.zeros((1, 1, ROLLED), np.float32)
        x[0, 0, event] = 5
        found = explain(backend, x, target=1)
        assert np.flatnonzero(found.map[0]).tolist() == [event]
        written = run(file, x=x, cam_class=np.array([1]))["cam_map"]
        np.testing.assert_allclose(written, found.map, rtol=2e-4)  # a mean of 100,000 in float32
