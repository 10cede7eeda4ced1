"""A picture file becomes upright RGB pixels, or a one-line error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
"""What is taken from a folder; a file that is named may have any suffix."""
MODELS = {".onnx", ".ort", ".keras", ".h5", ".tflite", ".pt", ".pth", ".pb"}
"""What is named among the photos by mistake."""
EMPTY = "image '{}': the file is empty. Copy or download it again."


def read(path: str | Path) -> Array:
    """The photo as people see it: uint8 [H, W, 3], RGB, turned upright as its EXIF tag says.

    Grey, palette, CMYK and 16-bit pictures are converted; transparency is laid over white.

    Raises:
        InputError: there is no such file, it is not a picture, or it is cut off.
    """
    path = Path(path)
    require_file(path)
    with opened(path, path) as picture:
        return upright(picture, path)


def decode(content: bytes, name: str) -> Array:
    """The same of the content of a file that lies elsewhere.

    Raises:
        InputError: it is not a picture, or it is cut off.
    """
    if not content:
        raise InputError(EMPTY.format(name))
    with opened(BytesIO(content), name) as picture:
        return upright(picture, name)


def glance(path: str | Path) -> tuple[int, int]:
    """Width and height as stored, by the head of the file alone: much faster than `read`.

    Raises:
        InputError: as `read`, but not where only the pixels are broken.
    """
    require_file(Path(path))
    with opened(Path(path), path) as picture:
        size = picture.size
        picture.verify()
    return size


@contextmanager
def opened(file: Path | BytesIO, path: str | Path) -> Iterator[ImageFile]:
    """The file with its head read; every failure of the decoder becomes an InputError."""
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd EXIF blocks and palettes: the pixels are fine
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file) as picture:
                yield picture
        except InputError:
            raise
        except UnidentifiedImageError as error:
            if Path(path).suffix.casefold() in MODELS:
                raise InputError(
                    f"image '{path}': this is a model; name models first, then photos."
                ) from error
            raise InputError(
                f"image '{path}': not a picture that can be read. Convert it to PNG or JPEG."
            ) from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
            raise InputError(
                f"image '{path}': more than {limit} million pixels. Shrink it first."
            ) from error
        except PermissionError as error:
            raise InputError(f"image '{path}': no permission to read it.") from error
        except Exception as error:  # each decoder has its own: OSError, SyntaxError, zlib.error ...
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"image '{path}': broken or cut off ({reason}). Copy or download it again."
            ) from error


def require_file(path: Path) -> None:
    """Refuse what is absent, a folder, or empty."""
    if not path.exists():
        raise InputError(f"image '{path}': no such file. Check the path.")
    if not path.is_file():
        raise InputError(f"image '{path}': not a file. Name the pictures one by one.")
    try:
        empty = path.stat().st_size == 0
    except OSError as error:
        raise InputError(f"image '{path}': {error.strerror}.") from error
    if empty:
        raise InputError(EMPTY.format(path))


def upright(picture: ImageFile, path: str | Path) -> Array:
    """Its pixels as its EXIF tag turns them."""
    from PIL import ImageOps

    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    return to_rgb(picture, path)


def to_rgb(picture: Image, path: str | Path) -> Array:
    """Any pillow mode -> uint8 [H, W, 3]; alpha over white."""
    from PIL import Image

    if picture.mode == "F" or picture.mode.startswith("I"):
        grey = deep_to_uint8(np.asarray(picture), path)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        picture = Image.alpha_composite(white, rgba)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def deep_to_uint8(values: Array, path: str | Path) -> Array:
    """Grey of more than 8 bits [H, W] -> uint8: 16-bit integers, or floats in [0, 1]."""
    whole = np.issubdtype(values.dtype, np.integer)
    top = 65535 if whole else 1
    if not (values.min() >= 0 and values.max() <= top):  # also NaN
        raise InputError(
            f"image '{path}': values from {values.min():g} to {values.max():g}; grey pictures "
            f"are read from 0 to {top}. Convert it to an 8-bit PNG."
        )
    return np.rint(values.astype(np.float64) * (255 / top)).astype(np.uint8)
