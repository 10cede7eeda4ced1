"""Models by the name of the function that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.errors import InputError, ModelError
from cam_core.factory import is_factory, made, packages_of

MODULE = """
from cam_core.errors import InputError

def alone():
    return [1]

def pair():
    return [1], 2

class held:
    value = 3

def broken():
    raise ValueError("no\\nweights")

def refused():
    raise InputError("no weights at all")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules in a folder of which the path of imports knows nothing; it is as before after."""
    (tmp_path / "mine_to_make.py").write_text(MODULE)
    (tmp_path / "broken_to_make.py").write_text("None.weights\n")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_a_factory() -> None:
    assert is_factory("mine_to_make:alone")
    assert is_factory("a.b.c:d.e")
    for other in ("model.onnx", "a/b.onnx", "C:\\model.onnx", "a:", ":b"):
        assert not is_factory(other)
    Path("a:b").write_bytes(b"")
    assert not is_factory("a:b")


@pytest.mark.parametrize(
    ("name", "expected"), [("alone", ([1], None)), ("pair", ([1], 2)), ("held.value", (3, None))]
)
def test_what_it_gives(name: str, expected: tuple[object, object]) -> None:
    assert made(f"mine_to_make:{name}") == expected


def test_a_model_is_called_by_nobody() -> None:
    torch = pytest.importorskip("torch")
    Path("net_to_make.py").write_text("import torch\nnet = torch.nn.ReLU()\n")
    model, _ = made("net_to_make:net")
    assert isinstance(model, torch.nn.ReLU)
    assert "torch" in packages_of(model)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no_such_module_here:f", "No module named 'no_such_module_here'"),
        ("mine_to_make:f", "module 'mine_to_make' has no 'f'"),
        ("mine_to_make:broken", "failed: ValueError: no weights"),
        ("broken_to_make:f", "failed: AttributeError: 'NoneType' object has no attribute"),
    ],
)
def test_what_fails_is_a_line(source: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        made(source)
    assert "\n" not in str(caught.value)


def test_what_it_refuses_is_said_as_it_says_it() -> None:
    with pytest.raises(InputError, match=r"^no weights at all$"):
        made("mine_to_make:refused")
