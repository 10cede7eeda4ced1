"""The operators to keep in float, in the spelling of the tools that quantise."""

from __future__ import annotations

from collections.abc import Sequence

from .suspects import Suspect


def nodes_of(kept: Sequence[Suspect]) -> list[str]:
    """The operators that make or read the tensors of a set, by the float model's names."""
    return list(dict.fromkeys(name for s in kept for name in s.nodes))


def keep_lists(kept: Sequence[Suspect]) -> dict[str, str]:
    """What onnxruntime, NNCF and trtexec are told, by tool; {} where no operator has a name, or
    none of the tensors is rounded: of two files in float there is nothing to leave out.

    A tool keeps whole operators in float, and so more than the tensors of the set: an activation
    stays float where what makes it and all that reads it does.
    """
    names = nodes_of(kept)
    if not names or all(s.kind == "node" and s.instead == s.wide for s in kept):
        return {}
    quoted = ", ".join(f'"{name}"' for name in names)
    layers = ",".join(f"{name}:fp32" for name in names)
    return {
        "onnxruntime": f"quantize_static(..., nodes_to_exclude=[{quoted}])",
        "nncf": f"nncf.quantize(..., ignored_scope=nncf.IgnoredScope(names=[{quoted}]))",
        "trtexec": f"--fp16 --precisionConstraints=obey --layerPrecisions={layers}",
    }
