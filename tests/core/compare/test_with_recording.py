"""A recording on a side: its own maps and scores, held against a model or another recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from backends.recorded import RecordedBackend
from cam_core import explain
from cam_core.compare import compare
from cam_core.errors import InputError, LayerError, NothingFoundError
from cam_core.recording import Recorded, sha256_of, write_folder
from tests.core.two_networks import BACKENDS, MODELS, network

COUNT = 8
CNN = MODELS["cnn"]
FACTS = {"metadata": {"cam.layer": "late", "cam.method": "gradcam"}}


@pytest.fixture(scope="module")
def model() -> Any:
    return BACKENDS["onnx"](CNN)


@pytest.fixture
def x() -> Any:
    """Smooth pictures, each brighter somewhere."""
    coarse = np.random.default_rng(6).normal(size=(COUNT, 3, 4, 6))
    return coarse.repeat(2, axis=2).repeat(2, axis=3).astype(np.float32)


def scores(model: Any, x: Any) -> Any:
    return np.array(model.look(x, layers=()).score)


def classes(model: Any, x: Any) -> list[int]:
    return [int(i) for i in scores(model, x).argmax(axis=1)]


def maps(model: Any, x: Any, used: list[int]) -> list[Any]:
    """The signed map [1, *S] of a class of each row, one after another."""
    return [
        explain(model, x[i : i + 1], str(c), layer="late")[0].signed for i, c in enumerate(used)
    ]


def written(
    folder: Path, x: Any, y: Any, signed: Any, used: Any, facts: Any = FACTS, whole: bool = True
) -> RecordedBackend:
    """Recordings as a device writes them; not `whole`: the needed arrays alone."""
    pictures = {
        f"p{i}": Recorded(
            sha256_of(x[i]),
            y[i : i + 1],
            np.maximum(signed[i], 0),
            *((signed[i], used[i]) if whole else ()),
        )
        for i in range(len(x))
    }
    write_folder(folder, pictures, facts)
    return RecordedBackend(folder)


@pytest.fixture
def kept(model: Any, x: Any, tmp_path: Path) -> RecordedBackend:
    used = classes(model, x)
    y = scores(model, x)
    return written(tmp_path / "kept", x, y, maps(model, x, used), used)


def test_a_model_and_its_own_recording_are_the_same(model: Any, kept: Any, x: Any) -> None:
    found = compare(model, kept, x, sample=4)
    assert found.verdict.word == "the same", found.verdict.line
    assert [(one.a, one.b, one.by) for one in found.sides.layers] == [
        ("late", "late", "what the recording says")
    ]
    assert found.sample == sum("noise" in one.bounds for one in found.pairs) == 4
    back = compare(kept, model, x, sample=4)
    assert back.verdict.word == "the same", back.verdict.line
    assert "noise and other classes are B's" in back.said[0]
    for one, other in zip(found.pairs, back.pairs, strict=True):  # its own bounds, either way
        assert one.bounds == pytest.approx(other.bounds, abs=1e-6)


def test_the_recorded_map_is_what_is_compared(
    model: Any, x: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    used = [int(c) for c in rng.integers(0, 5, COUNT)]
    signed = [rng.normal(size=one.shape) for one in maps(model, x, used)]
    y = scores(model, x) + 1
    device = written(tmp_path / "r", x, y, signed, used)
    found = compare(model, device, x, sample=0)
    own = maps(model, x, used)
    for i, one in enumerate(found.pairs):
        expected = spearmanr(own[i].ravel(), signed[i].ravel())[0]
        assert one.measures["spearman"] == pytest.approx(expected, abs=1e-2)  # near ranks may tie
        np.testing.assert_array_equal(one.maps[1].signed, signed[i][0])
        assert one.maps[1].raw_max == pytest.approx(max(signed[i].max(), 0))
        assert one.target == str(used[i])
        assert one.scores[1] - one.scores[0] == pytest.approx(1, abs=1e-4)
    assert found.verdict.word != "the same"


def test_the_documented_arrays_alone_will_do(x: Any, tmp_path: Path) -> None:
    from backends.torch import TorchBackend

    model = TorchBackend(network(CNN), example=x[:1])
    used, y = classes(model, x), scores(model, x)
    signed = maps(model, x, used)
    bare = written(tmp_path / "bare", x, y, signed, used, {}, whole=False)
    found = compare(model, bare, x, sample=4)
    assert found.verdict.word == "the same", found.verdict.line
    said = " ".join(found.said)
    assert "the top one is taken" in said
    assert "compared after their ReLU" in said
    assert "'late' of A is held against 'the recorded map' of B" in said
    for i, one in enumerate(found.pairs):
        assert one.measures["spearman"] == pytest.approx(1, abs=1e-2)
        assert one.target == str(used[i])
    named = compare(model, bare, x, sample=0, layer="late")
    assert named.sides.layers[0].by == "what was asked"


def test_other_layers_have_maps_of_another_size(model: Any, x: Any, tmp_path: Path) -> None:
    used, y = classes(model, x), scores(model, x)
    signed = [np.kron(one, np.ones((1, 2, 2))) for one in maps(model, x, used)]
    found = compare(model, written(tmp_path / "r", x, y, signed, used), x, sample=0)
    assert "name the recorded layer of the model" in " ".join(found.said)


def test_pictures_that_were_not_recorded_are_left_out(model: Any, kept: Any, x: Any) -> None:
    other = x.copy()
    other[2] += 1
    found = compare(model, kept, other, sample=3)
    assert [one.index for one in found.pairs] == [0, 1, 3, 4, 5, 6, 7]
    (line,) = found.missed
    assert line.startswith("[2]: no input of its hash ")
    assert line in found.said
    with pytest.raises(NothingFoundError, match=r"nothing to compare: \[0\]: no input of its hash"):
        compare(model, kept, x + 1)


def test_two_recordings_need_no_inputs(model: Any, kept: Any, x: Any, tmp_path: Path) -> None:
    used, y = classes(model, x), scores(model, x)
    signed = maps(model, x, used)
    found = compare(kept, written(tmp_path / "b", x, y, signed, used))
    assert (found.verdict.word, found.sample) == ("cannot say", 0)  # nothing to hold it against
    assert all(one.measures["spearman"] == pytest.approx(1) for one in found.pairs)
    assert [one.name for one in found.pairs] == [f"p{i}" for i in range(COUNT)]
    turned = written(tmp_path / "c", x, y, [-one for one in signed], used)
    apart = compare(kept, turned)
    assert apart.verdict.agreement is not None
    assert apart.verdict.agreement.mean == pytest.approx(-1, abs=1e-6)
    with pytest.raises(InputError, match="x is missing"):
        compare(kept, model)


def test_maps_of_two_classes_are_left_out(model: Any, kept: Any, x: Any, tmp_path: Path) -> None:
    used, y = classes(model, x), scores(model, x)
    other = [(c + 1) % 5 if i == 3 else c for i, c in enumerate(used)]
    found = compare(kept, written(tmp_path / "b", x, y, maps(model, x, other), other))
    assert "A and B have maps of other classes of 1 photo: these are left out" in found.said
    assert [np.isnan(one.measures["spearman"]) for one in found.pairs] == [
        i == 3 for i in range(COUNT)
    ]


def test_another_target_than_was_recorded_is_refused(model: Any, kept: Any, x: Any) -> None:
    (used,) = set(classes(model, x[:1]))
    assert compare(model, kept, x[:1], target=str(used), sample=0).pairs
    with pytest.raises(InputError, match=rf"the recorded map of '\[0\]' is of class {used}"):
        compare(model, kept, x[:1], target=str((used + 1) % 5), sample=0)


def test_a_recording_has_no_layer_to_ask_for(model: Any, kept: Any, x: Any) -> None:
    with pytest.raises(LayerError, match=r"--layer-b late: '.*kept' is a recording"):
        compare(model, kept, x, layer_b="late")
    assert compare(kept, model, x, layer_b="late", sample=0).sides.layers[0].by == "what was asked"


def test_classes_are_mapped_to_the_models_numbers(model: Any, x: Any, tmp_path: Path) -> None:
    names = ("cat", "dog", "owl", "fox", "hen")
    order = [3, 0, 4, 1, 2]  # B's place of A's class c is order.index(c)
    used, y = classes(model, x), scores(model, x)
    theirs = [order.index(c) for c in used]
    device = written(tmp_path / "r", x, y[:, order], maps(model, x, used), theirs)
    labels_b = [names[c] for c in order]
    for pair in ((model, device), (device, model)):
        flip = pair[0] is device
        found = compare(
            *pair,
            x,
            labels=labels_b if flip else names,
            labels_b=names if flip else labels_b,
            sample=4,
        )
        assert found.verdict.word == "the same", found.verdict.line
        assert not any(one.flips for one in found.pairs)


def test_recorded_maps_may_have_several_shapes(
    model: Any, x: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    """As of photos that were fed at their own sizes."""
    used, y = classes(model, x), scores(model, x)
    signed = [rng.normal(size=(1, 4 + i % 2, 6)) for i in range(COUNT)]
    noisy = [one + rng.normal(size=one.shape) for one in signed]
    a = written(tmp_path / "a", x, y, signed, used)
    b = written(tmp_path / "b", x, y, noisy, used)
    found = compare(a, b)
    for pair, one, other in zip(found.pairs, signed, noisy, strict=True):
        expected = spearmanr(one.ravel(), other.ravel())[0]
        assert pair.measures["spearman"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("said", "expected"), [("gradcam++:eps=1", "gradcam++:eps=1"), ("own:a=1", "gradcam")]
)
def test_the_method_of_a_recording_is_taken_with_its_options(
    model: Any, x: Any, tmp_path: Path, said: str, expected: str
) -> None:
    """What is no method here leaves the usual one, and is told."""
    used = classes(model, x)
    signed = [
        explain(model, x[i : i + 1], str(c), expected, layer="late")[0].signed
        for i, c in enumerate(used)
    ]
    facts = {"metadata": {"cam.layer": "late", "cam.method": said}}
    found = compare(model, written(tmp_path / "r", x, scores(model, x), signed, used, facts), x)
    assert found.sides.how == expected
    assert any("maps of two methods" in line for line in found.said) == (said != expected)
    r = [pair.measures["spearman"] for pair in found.pairs]
    assert np.nanmin(r) > 1 - 1e-2  # near ranks may tie
    assert np.isfinite(r).sum() > COUNT / 2  # a map may be 0 on both sides


def test_recorded_maps_of_nan_say_so(model: Any, x: Any, tmp_path: Path) -> None:
    used = classes(model, x)
    none = [one * np.nan for one in maps(model, x, used)]
    recorded = written(tmp_path / "r", x, scores(model, x), none, used)
    found = compare(model, recorded, x).verdict
    assert found.word == "not the same"
    assert found.reasons[0] == "B has no map of 8 photos (NaN or inf in the recorded map)"
