"""float32 .onnx -> int8 .onnx with Q/DQ pairs, by onnxruntime.quantization."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cam_core.errors import InputError, MissingExtraError, ModelError

from .finish import finish, hash_of
from .parity import Array, Feed, Parity
from .seen_onnx import seen
from .torch_parity import first_line
from .torch_settings import quiet

LOST = 0.5
"""How much of the largest score may be lost before the file counts as broken; see `to_int8`."""
OLDEST = 13
"""The opset from which on DequantizeLinear takes a scale for each channel."""


def to_int8(
    source: str | Path,
    path: str | Path,
    feeds: Iterable[Mapping[str, Array]],
    *,
    per_channel: bool = True,
    leave: Sequence[str] = (),
    tolerance: float = LOST,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
    step: Callable[[], object] = lambda: None,
) -> tuple[Path, Parity | None]:
    """Write a static QDQ model, calibrated on inputs that were prepared as the model takes them.

    A file below opset 13 is brought up to it. An int8 model never computes the same. What is
    measured, on the first inputs, is the largest difference of an output relative to its largest
    value; beyond `tolerance` nothing is written.

    Args:
        source: the float model.
        path: where the other one goes.
        feeds: what it is calibrated on, one input by name each, preprocessed.
        per_channel: a scale for each output channel of a weight.
        leave: names of nodes that stay in float, as `gradcam blame` lists them; nothing is fused
            before quantising then.
        tolerance: see above.
        force: write it all the same.
        metadata: what else the file is told.
        step: called after each input that it is calibrated on.

    Raises:
        InputError: nothing to calibrate on.
        ModelError: onnxruntime cannot quantise it, or too much is lost.
        MissingExtraError: onnxruntime is not installed.
    """
    source, held = Path(source), [dict(feed) for feed in feeds]
    if not held:
        raise InputError("nothing to calibrate on: give a few dozen photos like those to come")
    version = _version()
    _require_operators(source, leave)

    def write(file: Path) -> None:
        try:
            with quiet(), tempfile.TemporaryDirectory() as room:
                _quantise(source, file, Reader(held, step), Path(room), per_channel, leave)
        except Exception as error:  # onnxruntime's own
            raise ModelError(f"'{source.name}' cannot be quantised: {first_line(error)}") from error

    told = {"source": source.name, "sha256": hash_of(source), "converter": version}
    given: dict[str, Any] = {"told": told, "force": force, "metadata": metadata}
    return finish(path, write, lambda f: seen(source, f), held[:4], tolerance=tolerance, **given)


class Reader:
    """The calibration data, one input after the other; what onnxruntime asks for."""

    def __init__(self, feeds: Sequence[Feed], step: Callable[[], object] = lambda: None) -> None:
        self._left, self._step, self._begun = iter(feeds), step, False

    def get_next(self) -> Feed | None:
        """The next one, None at the end; whoever asks is done with the one before."""
        if self._begun:
            self._step()
        feed = next(self._left, None)
        self._begun = feed is not None
        return feed


def _quantise(
    source: Path,
    file: Path,
    reader: Reader,
    room: Path,
    per_channel: bool,
    leave: Sequence[str],
) -> None:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = room / "ready.onnx"
    # operators that are named keep their names only where nothing is fused
    how = {"skip_symbolic_shape": True, "skip_optimization": bool(leave)}
    quant_pre_process(str(_brought_up(source, room)), str(ready), **how)
    quantization.quantize_static(
        str(ready),
        str(file),
        reader,
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=per_channel,
        nodes_to_exclude=list(leave),
    )
    _carry(source, file)


def _require_operators(source: Path, names: Sequence[str]) -> None:
    """Refuses names that no operator has: the quantiser passes over them in silence."""
    import onnx

    if not names:
        return
    known = {node.name for node in onnx.load(str(source), load_external_data=False).graph.node}
    strange = [name for name in names if name not in known]
    if strange:
        raise InputError(f"'{source.name}' has no operator '{strange[0]}' to leave in float")


def _brought_up(source: Path, room: Path) -> Path:
    """The file, or a copy at OLDEST of one that is older, of which onnxruntime makes no model."""
    import onnx

    held = onnx.load(str(source), load_external_data=False).opset_import
    if all(one.version >= OLDEST for one in held if one.domain in ("", "ai.onnx")):
        return source
    newer = room / "newer.onnx"
    onnx.save(onnx.version_converter.convert_version(onnx.load(str(source)), OLDEST), str(newer))
    return newer


def _carry(source: Path, file: Path) -> None:
    """What the source says of itself, its preprocessing and labels, said of the other as well."""
    import onnx

    own = onnx.load(str(source), load_external_data=False)
    made = onnx.load(str(file), load_external_data=False)
    known = {entry.key for entry in made.metadata_props}
    made.metadata_props.extend(e for e in own.metadata_props if e.key not in known)
    onnx.save(made, str(file))


def _version() -> str:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            'onnxruntime is not installed: pip install "cam-core[cpu]" (or [gpu])'
        ) from error
    return f"onnxruntime {onnxruntime.__version__}"
