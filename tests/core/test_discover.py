"""Which backend opens what, and what is imported to find out."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from cam_core import discover
from cam_core.errors import CamError, MissingExtraError, ModelError
from tests.paths import ROOT


class Toy:
    """A third party's backend: claims dictionaries."""

    def __init__(self, source: object, **options: object) -> None:
        self.source, self.options = source, options

    @staticmethod
    def claims(source: object) -> bool:
        return isinstance(source, dict)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        "cam_core.backends": [SimpleNamespace(name="toy", value="toys:Toy")],
        "cam_core.converters": [SimpleNamespace(name="toy", value="toys:to_onnx")],
    }
    monkeypatch.setitem(sys.modules, "toys", SimpleNamespace(Toy=Toy, to_onnx="a function"))
    monkeypatch.setattr(metadata, "entry_points", lambda group: points[group])


@pytest.mark.usefixtures("third_party")
def test_third_parties_are_asked() -> None:
    opened = discover.open_backend({"a": 1}, speed=3)
    assert (opened.source, opened.options) == ({"a": 1}, {"speed": 3})
    assert discover.open_backend([], backend="toy").source == []
    assert discover.find_converter("toy") == "a function"


def test_a_backend_is_told_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size that it does not ask for is left to the photos; another option would be lost."""

    class Strict(Toy):
        def __init__(self, source: object, *, layer: str | None = None) -> None:
            super().__init__(source, layer=layer)

    monkeypatch.setitem(sys.modules, "toys", SimpleNamespace(Toy=Strict))
    monkeypatch.setattr(
        metadata, "entry_points", lambda group: [SimpleNamespace(name="toy", value="toys:Toy")]
    )
    assert discover.open_backend({}, layer="a", size=(8, 8)).options == {"layer": "a"}
    with pytest.raises(CamError, match="the backend 'toy' takes no 'static'; leave it out"):
        discover.open_backend({}, static=(1, 3))


def test_missing_file_is_named() -> None:
    with pytest.raises(ModelError, match=r"no such file: 'nowhere/model\.onnx'"):
        discover.open_backend("nowhere/model.onnx")


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder; give the model file in it"):
        discover.open_backend(tmp_path)


def test_a_saved_model_is_sent_to_convert(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ModelError, match=r"gradcam convert .* -o model\.onnx"):
        discover.open_backend(tmp_path)


def test_a_factory_in_place_of_a_file_says_who_takes_one() -> None:
    with pytest.raises(ModelError, match=r"'mine:net'; a function .* compare, doctor"):
        discover.open_backend("mine:net")


def test_unknown_object_is_named() -> None:
    with pytest.raises(CamError, match=r"no backend explains a collections\.OrderedDict"):
        discover.open_backend(OrderedDict())


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(CamError, match="no backend 'onxx'; there are onnx, keras, torch"):
        discover.open_backend({}, backend="onxx")
    with pytest.raises(CamError, match="no converter 'kears'; there are torch, keras"):
        discover.find_converter("kears")


def test_a_missing_framework_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_backend.py").write_text("import framework_that_is_not_here")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(discover.BACKENDS, "needy", "needy_backend:Needy")
    expected = r"'needy' needs framework_that_is_not_here.*pip install 'cam-core\[needy\]'"
    with pytest.raises(MissingExtraError, match=expected):
        discover.open_backend({}, backend="needy")


@pytest.mark.usefixtures("third_party")
def test_unclaimed_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(discover.BACKENDS, "onnx", "toys:Toy")
    path = tmp_path / "notes.txt"
    path.write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.txt' is not a model"):
        discover.open_backend(path)


@pytest.mark.parametrize("source", ["'model.pt'", "b'bytes'", "object()"])
def test_asking_about_a_file_never_loads_torch(source: str) -> None:
    code = (
        "import sys; from cam_core import discover\n"
        f"asked = [name for name, _ in discover._candidates({source}, None)]\n"
        "assert 'torch' not in asked and 'torch' not in sys.modules and 'onnx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_torch_module_asks_only_torch() -> None:
    torch = pytest.importorskip("torch")

    class Mine(torch.nn.Module):
        """Made outside torch: its bases tell."""

    names = [name for name, _ in discover._candidates(Mine(), None)]
    assert names[0] == "torch"
    assert "onnx" not in names
