"""JAX functions -> .onnx, by jax2onnx: outputs compared.

jax2onnx asks for onnxruntime, which would overwrite onnxruntime-gpu: install it by
`pip install --no-deps jax2onnx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import MissingExtraError, ModelError

from .finish import finish
from .parity import Array, Feed, Parity, Seen
from .tensorflow import OPSET, require
from .torch_parity import first_line
from .torch_settings import quiet


def to_onnx(
    source: Callable[..., Any],
    path: str | Path,
    *,
    example: Mapping[str, Array] | Array,
    opset: int | None = None,
    dynamic_batch: bool = True,
    verify: bool = True,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Path, Parity | None]:
    """Write a function as an .onnx file, and check that it computes the same.

    Args:
        source: of arrays alone, the parameters bound:
            `lambda x: module.apply(variables, x)`; pure.
        example: one array, or several by name in the order of the arguments.
        dynamic_batch: the first axis of every input stays free.
        path, opset, verify, force, metadata: as of `converters.keras.to_onnx`.

    Raises:
        ModelError: it cannot be converted, or computes something else.
        MissingExtraError: JAX or jax2onnx is not installed.
    """
    require("jax")
    jax2onnx = _jax2onnx()
    import onnx

    given = example if isinstance(example, Mapping) else {"x": example}
    feed = {name: np.asarray(array) for name, array in given.items()}
    shapes = [(("B", *a.shape[1:]) if dynamic_batch else a.shape) for a in feed.values()]

    def write(file: Path) -> None:
        try:
            with quiet():
                made = jax2onnx.to_onnx(
                    source, inputs=shapes, opset=OPSET if opset is None else opset
                )
        except Exception as error:  # whatever jax2onnx does not know
            raise ModelError(f"jax2onnx failed: {first_line(error)}") from error
        _renamed(made, list(feed))
        onnx.save(made, str(file))

    def seen(feed: Feed) -> Seen:
        result = source(*feed.values())
        values = result if isinstance(result, tuple | list) else [result]
        return Seen({f"output {i}": np.array(t) for i, t in enumerate(values)})

    batches = [feed, {n: np.concatenate([a, a[:1] * 0.75]) for n, a in feed.items()}]
    feeds = batches[: 1 + dynamic_batch] if verify else []
    told = {
        "source": getattr(source, "__name__", "function"),
        "sha256": "",
        "converter": _version(),
    }
    return finish(path, write, seen, feeds, told=told, force=force, metadata=metadata)


def _renamed(model: Any, names: Sequence[str]) -> None:
    """The inputs by their own names, in place."""
    old = [i.name for i in model.graph.input]
    new = dict(zip(old, names, strict=True))
    for value in model.graph.input:
        value.name = new[value.name]
    for node in model.graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]


def _jax2onnx() -> Any:
    try:
        with quiet():
            import jax2onnx
    except ImportError as error:
        missing = (error.name or "jax2onnx").partition(".")[0]
        raise MissingExtraError(
            f"{missing} is not installed: pip install --no-deps jax2onnx (with its own "
            "dependencies it puts onnxruntime in the place of onnxruntime-gpu)"
        ) from error
    return jax2onnx


def _version() -> str:
    from importlib.metadata import version

    return f"jax2onnx {version('jax2onnx')}"
