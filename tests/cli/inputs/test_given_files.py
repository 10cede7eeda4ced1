"""What is taken from a folder: photos, and nothing that a command wrote there."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from cam_core.cli.group import gradcam
from cam_core.cli.inputs.given_files import find_files
from cam_core.demo import MODEL

SCENE = MODEL.parent / "scenes" / "scene-1.png"
METHODS = ("--method", "gradcam", "--method", "layercam")
TWO = ("--layer", "relu_2", "--layer", "relu_3")
CALLS = {
    "explain": ("explain", "PHOTO", "--target", "1", *METHODS),
    "smoothed": ("explain", "PHOTO", "--target", "1", *METHODS, "--smooth", "eigen"),
    "layers": ("explain", "PHOTO", "--target", "1", *METHODS, "--smooth", "eigen", *TWO),
    "versus": ("explain", "PHOTO", "--versus", "4"),
    "boxes": ("boxes", "PHOTO", "--target", "1"),
    "masks": ("masks", "PHOTO", "--target", "1"),
    "attack": ("attack", "PHOTO"),
    "units": ("units", "FOLDER", "--target", "1"),
    "rank": ("rank", "PHOTO", "--methods", "gradcam", "--metrics", "sparseness", "--sanity", "0"),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_a_command_wrote_is_no_photo(call: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    photo = tmp_path / "a.png"
    Image.open(SCENE).save(photo)
    Image.open(SCENE).save(tmp_path / "my.methods.png")  # of a user, with no records
    command, *words = CALLS[call]
    given = {"PHOTO": str(photo), "FOLDER": str(tmp_path)}
    words = [given.get(word, word) for word in words]
    done = CliRunner().invoke(gradcam, [command, str(MODEL), *words, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert len(list(tmp_path.glob("*.png"))) > 2
    assert find_files([tmp_path]) == [photo, tmp_path / "my.methods.png"]
    assert find_files([tmp_path / "*.png"]) == [photo, tmp_path / "my.methods.png"]
