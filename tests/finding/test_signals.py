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
