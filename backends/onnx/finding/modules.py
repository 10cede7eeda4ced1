"""Torch module paths, as the exporters leave them in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cam_core.errors import LayerError
from cam_core.foreign import from_literal

from ..reading.graph import Graph


class Modules:
    """Torch module paths, as the exporters leave them behind."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.calls: dict[str, str] = {}
        for node in graph.model.graph.node:
            path = _scope(node.metadata_props) or _node_path(node.name)
            if path:
                self.calls.update((name, path) for name in node.output if name)

    def of(self, tensor: str) -> str:
        """The path of the module that made a tensor, '' where unknown."""
        return self.calls.get(tensor, "")

    def paths(self) -> set[str]:
        """Every module path, parents included."""
        found: set[str] = set()
        for call in set(self.calls.values()):
            parts = call.split(".")
            found.update(".".join(parts[: i + 1]) for i in range(len(parts)))
        return found

    def last_read_outside(self, name: str) -> str | None:
        """The last tensor made in the module or its children and read outside them."""
        path, _, call = name.partition("#")
        scopes = self._calls_of(path)
        if not scopes:
            return None
        position = int(call) - 1 if call.isdigit() else len(scopes) - 1
        if not 0 <= position < len(scopes):
            times = "once" if len(scopes) == 1 else f"{len(scopes)} times"
            raise LayerError(
                f"module '{path}' is called {times}: there is no '{name}'; '{path}#1' is the first "
                f"call, '{path}' the last"
            )
        inside = {t for t, made_in in self.calls.items() if _within(made_in, scopes[position])}
        last = None
        for node in self.graph.nodes:
            for tensor in node.outputs:
                readers = self.graph.consumers.get(tensor.name, [])
                outside = any(t.name not in inside for r in readers for t in r.outputs)
                if tensor.name in inside and (outside or tensor.name in self.graph.output_names):
                    last = tensor.name
        return last

    def _calls_of(self, path: str) -> list[str]:
        """The scopes of each call of a module, in order: `relu`, `relu_1`, ..."""
        known = sorted(self.paths())
        repeated = re.compile(rf"{re.escape(path)}_(\d+)")
        again = {int(m[1]): p for p in known if (m := repeated.fullmatch(p))}
        calls = [path] if path in known else []
        return calls + [again[i] for i in sorted(again)] if calls else []


def _within(path: str, scope: str) -> bool:
    return path == scope or path.startswith(f"{scope}.")


def _scope(properties: Iterable[object]) -> str:
    """Dynamo: `pkg.torch.onnx.name_scopes`, a list that ends with the node's own name."""
    for entry in properties:
        if getattr(entry, "key", "") == "pkg.torch.onnx.name_scopes":
            try:
                scopes = from_literal(getattr(entry, "value", ""))
            except ValueError:
                return ""
            named = isinstance(scopes, list | tuple) and len(scopes) > 1
            return str(scopes[-2]) if named else ""
    return ""


def _node_path(name: str) -> str:
    """TorchScript: '/layer4/layer4.0/conv1/Conv' is module `layer4.0.conv1`."""
    if not name.startswith("/"):
        return ""
    path: list[str] = []
    for part in name.split("/")[1:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path)
