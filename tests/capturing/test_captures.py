"""Many targets of one input: one forward pass, nothing copied, nothing written over."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core import explain_all
from cam_core.errors import TargetError
from tests.cotangents import one_hot

ort = pytest.importorskip("onnxruntime")

TEXT = """<ir_version: 8, opset_import: ["" : 13]>
net (float[{batch}, 3, 8, 12] x) => (float[{batch}, 5] y) {{
    conv = Conv<pads = [1, 1, 1, 1]>(x, w)
    early = Tanh(conv)
    scaled = Mul(early, x)
    gap = GlobalAveragePool(scaled)
    flat = Flatten(gap)
    y = MatMul(flat, v)
}}"""
"""G at `early` is x times v: x itself is what the backward pass reads."""
SHAPES = {"w": (3, 3, 3, 3), "v": (3, 5)}


def net(batch: str = "N") -> onnx.ModelProto:
    model = onnx.parser.parse_model(TEXT.format(batch=batch))
    rng = np.random.default_rng(8)
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def expected(x: Any, classes: list[int]) -> Any:
    """dy^c/dA = x v^c / positions, by hand."""
    v = numpy_helper.to_array(net().graph.initializer[1])
    return x * v[:, classes].T[:, :, None, None] / x[0, 0].size


def images(count: int) -> Any:
    return np.random.default_rng(2).normal(size=(count, 3, 8, 12)).astype(np.float32)


@pytest.fixture
def session_runs(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each session of onnxruntime runs."""
    runs: Counter[int] = Counter()

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def run(session: Any, *args: Any, **options: Any) -> Any:
            runs[id(session)] += 1
            return method(session, *args, **options)

        return run

    for name in ("run", "run_with_iobinding", "run_with_ort_values"):
        method = getattr(ort.InferenceSession, name)
        monkeypatch.setattr(ort.InferenceSession, name, counted(method))
    return runs


def test_three_targets_by_two_methods_are_one_forward_pass(session_runs: Counter[int]) -> None:
    backend = OnnxBackend(net())
    found = explain_all(backend, images(2), [0, 3, "top:2"], ["gradcam", "hirescam"])
    assert [e.target for e in found[::2]] == ["0", "3", "top:1", "top:2"]
    assert sorted(session_runs.values()) == [1, 4]


def test_rows_of_a_model_of_one_are_one_forward_pass_each(session_runs: Counter[int]) -> None:
    explain_all(OnnxBackend(net("1")), images(3), [0, 3])
    assert sorted(session_runs.values()) == [3, 6]


@pytest.mark.parametrize("batch", ["N", "1"])
def test_each_target_gets_its_own_gradient(batch: str) -> None:
    backend, x = OnnxBackend(net(batch)), images(2)
    asked = [[0, 4], [3, 3], [1, 0]]
    found = backend.captures(x, [one_hot(*classes) for classes in asked], layers=["early"])
    for classes, (capture,) in zip(asked, found, strict=True):
        np.testing.assert_allclose(capture.gradients, expected(x, classes), rtol=1e-5, atol=1e-7)


def test_targets_are_asked_one_by_one() -> None:
    backend, asked = OnnxBackend(net()), []

    def targets() -> Any:
        for c in (0, 1):
            asked.append(c)
            yield one_hot(c)

    found = backend.captures(images(1), targets(), layers=["early"])
    assert not asked
    assert len(next(found)) == 1
    assert asked == [0]


def test_a_wrong_target_spoils_no_other() -> None:
    found = OnnxBackend(net()).captures(images(1), [lambda y, _: y[:, :2]])
    with pytest.raises(TargetError, match=r"cotangent \[1, 2\] for a score \[1, 5\]"):
        next(found)


def test_what_is_written_into_x_between_targets_changes_nothing() -> None:
    backend, x = OnnxBackend(net()), images(1)
    kept = x.copy()
    found = backend.captures(x, [one_hot(0), one_hot(2)], layers=["early"])
    next(found)
    x[:] = 7
    (capture,) = next(found)
    np.testing.assert_allclose(capture.gradients, expected(kept, [2]), rtol=1e-5, atol=1e-7)


def test_a_is_one_memory_for_all_targets_and_cannot_be_written() -> None:
    found = OnnxBackend(net()).captures(images(1), [one_hot(0), one_hot(1)], layers=["early"])
    (a,), (b,) = found
    assert np.shares_memory(a.activations, b.activations)
    assert not np.shares_memory(a.gradients, b.gradients)
    for array in (a.activations, a.logits, a.gradients):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_arrays_outlive_their_sessions_and_later_runs() -> None:
    backend, x = OnnxBackend(net()), images(2)
    (capture,) = backend.capture(x, one_hot(0, 1), layers=["early"])
    before = [capture.activations.copy(), capture.gradients.copy(), capture.logits.copy()]
    for _ in range(5):
        backend.capture(images(2) + 1, one_hot(2, 2), layers=["early"])
    del backend
    gc.collect()
    rubbish = [np.full(capture.activations.shape, i, np.float32) for i in range(100)]
    assert len(rubbish) == 100
    for old, new in zip(
        before, (capture.activations, capture.gradients, capture.logits), strict=True
    ):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_allclose(capture.gradients, expected(x, [0, 1]), rtol=1e-5, atol=1e-7)


def test_layouts_of_memory_do_not_matter() -> None:
    x = images(2)
    odd = [np.asfortranarray(x), x.astype(">f4"), np.repeat(x, 2, axis=3)[..., ::2]]
    (same,) = OnnxBackend(net()).capture(x, one_hot(0, 1), layers=["early"])
    for other in odd:
        (capture,) = OnnxBackend(net()).capture(other, one_hot(0, 1), layers=["early"])
        np.testing.assert_array_equal(capture.gradients, same.gradients)


def test_an_output_that_is_listed_twice_counts_once() -> None:
    model = net()
    model.graph.output.append(model.graph.output[0])
    (capture,) = OnnxBackend(model).capture(images(1), one_hot(3), layers=["early"])
    np.testing.assert_allclose(capture.gradients, expected(images(1), [3]), rtol=1e-5, atol=1e-7)


def test_outputs_reach_the_target_and_strings_pass_through() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13]>
        net (float[N, 2, 4, 4] x, string[N] s) => (float[N, 2] y, string[N] z, float[N, 2] p) {
            c = MaxPool<kernel_shape = [1, 1]>(x)
            a = Tanh(c)
            gap = GlobalAveragePool(a)
            y = Flatten(gap)
            z = Identity(s)
            p = Neg(y)
        }"""
    )
    seen = {}

    def target(y: Any, outputs: Any) -> Any:
        seen.update(outputs)
        return outputs["p"]

    x, s = images(1)[:, :2, :4, :4], np.array(["left"], object)
    (capture,) = OnnxBackend(model).capture({"x": x, "s": s}, target, layers=["a"])
    assert list(seen) == ["y", "z", "p"]
    assert seen["z"].tolist() == ["left"]
    mean = np.tanh(x.astype(float)).mean((2, 3), keepdims=True)
    wanted = np.broadcast_to(-mean / 16, x.shape)
    np.testing.assert_allclose(capture.gradients, wanted, rtol=1e-5)


def test_torch_runs_its_module_once() -> None:
    torch = pytest.importorskip("torch")
    from backends.torch import TorchBackend

    calls: list[bool] = []

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Tanh()

        def forward(self, x: Any) -> Any:
            calls.append(torch.is_grad_enabled())
            return (self.body(x) * x).mean((2, 3))

    x = images(2)
    targets = [lambda y, _, c=c: np.eye(3, dtype=y.dtype)[[c, c]] for c in (0, 2, 1)]
    with torch.no_grad():
        found = TorchBackend(Net(), layer="body").captures(x, targets, input_gradients=True)
        first = next(found)
        assert not torch.is_grad_enabled()
        captures = [first, *found]
    assert calls == [True]
    for c, (capture,) in zip((0, 2, 1), captures, strict=True):
        mask = np.eye(3)[c][None, :, None, None] / x[0, 0].size
        np.testing.assert_allclose(capture.gradients, x * mask, rtol=1e-5)
        slope = (np.tanh(x) + x * (1 - np.tanh(x) ** 2)) * mask
        assert capture.input_gradients is not None
        np.testing.assert_allclose(capture.input_gradients["x"], slope, rtol=1e-4, atol=1e-7)
    with pytest.raises(ValueError, match="read-only"):
        captures[0][0].activations[0] = 0


@pytest.mark.parametrize("batch", ["N", "3", "1"])
def test_what_a_mean_hands_back_is_held_once(batch: str) -> None:
    """The layer right before a mean gets a number a channel, whatever the number of places."""
    (capture,) = OnnxBackend(net(batch), layer="scaled").capture(images(3), one_hot(1, 4, 2))
    v = numpy_helper.to_array(net().graph.initializer[1])
    by_hand = v[:, [1, 4, 2]].T[:, :, None, None] / 96
    assert capture.gradients.shape == capture.activations.shape == (3, 3, 8, 12)
    assert np.allclose(capture.gradients, by_hand, rtol=1e-6, atol=0)
    assert capture.gradients.strides[2:] == (0, 0)


def test_a_mean_that_is_read_at_one_more_place_is_no_longer_the_same_everywhere() -> None:
    (capture,) = OnnxBackend(net(), layer="early").capture(images(2), one_hot(1, 4))
    assert np.allclose(capture.gradients, expected(images(2), [1, 4]), rtol=1e-5, atol=1e-8)
    assert all(capture.gradients.strides)
