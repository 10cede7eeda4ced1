"""Finds the target layer: the default one with no name given, else whatever a name means."""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cam_core.backend import Layer
from cam_core.errors import LayerError
from cam_core.layout import Layout

from .maps import Maps
from .prepare import Graph, Node, Tensor, floating, reads
from .reverse import active
from .rules import ZERO, key_of
from .scores import Score
from .shapes import Extent

VIEWS = {"Transpose", "Reshape", "Identity", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast"}
POOLS = {"MaxPool", "AveragePool", "LpPool", "Pad"}
QUANTISERS = {"QuantizeLinear", "DequantizeLinear"}
MIXERS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"}
"""Operators that mix channels: a map before one of them is not yet a map of classes."""
CLOSING = {"LayerNormalization", "RMSNormalization"}
"""Norms over channels that only close the last stage (Swin): the map is the stage's own."""
NORMS = {
    *("LayerNormalization", "BatchNormalization", "RMSNormalization", "GroupNormalization"),
    *("InstanceNormalization", "Standardise"),
}
TOKENWISE = NORMS | {
    *("Add", "Sub", "Mul", "Div", "Gelu", "SiLU", "Relu", "Sigmoid", "Tanh", "Identity", "Clip"),
    *("Dropout", "Cast", "MatMul", "Gemm", "HardSwish", "Erf", "Pow", "Sqrt", "QuickGelu"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Operators that treat each token by itself (a product of two maps apart)."""


@dataclass(frozen=True)
class Choice:
    """A layer to look at."""

    tensor: Tensor
    layout: Layout
    why: str = ""
    """Said to the user when the choice is not the ordinary one."""

    @property
    def name(self) -> str:
        return str(self.tensor.name)


class Layers:
    """The layers of one graph, seen from one score."""

    def __init__(self, graph: Graph, maps: Maps, score: Score) -> None:
        self.graph, self.maps, self.score = graph, maps, score
        sources = [t.name for t in graph.inputs if floating(t)]
        self.path = active(graph, sources, score.name)
        self.order = {t.name: i for i, node in enumerate(graph.nodes) for t in node.outputs}
        self.modules = Modules(graph)

    # what there is

    def candidates(self) -> list[Tensor]:
        """The maps on the path, in execution order; views and quantisers of maps left out."""
        skipped = VIEWS | QUANTISERS
        return [t for t in self._maps() if self.graph.producer[t.name].op not in skipped]

    def table(self) -> list[Layer]:
        """`candidates` as the backends' contract lists them."""
        try:
            default = self.default().name
        except LayerError:
            default = ""
        tensors = self.candidates()
        if default and default not in {t.name for t in tensors}:
            tensors.append(self.graph.tensors[default])
        return [
            Layer(
                name=t.name,
                operator=self.graph.producer[t.name].op,
                shape=tuple(t.shape),
                module=self.modules.of(t.name),
                default=t.name == default,
            )
            for t in sorted(tensors, key=lambda t: self.order[t.name])
        ]

    def _maps(self) -> list[Tensor]:
        tensors = (t for node in self.graph.nodes for t in node.outputs)
        return [t for t in tensors if t.name in self.path and self._spatial(t)]

    def _spatial(self, tensor: Tensor) -> bool:
        space = self.maps.space(tensor)
        return (
            tensor.name != self.score.name
            and tensor.name in self.graph.producer
            and floating(tensor)
            and any(d != 1 for d in space)
            and self._own_batch(tensor)
        )

    def _own_batch(self, tensor: Tensor) -> bool:
        """Is its first axis the model's batch (and not windows, heads or tokens)?"""
        return bool(tensor.shape[0] == self.score.tensor.shape[0])

    # the default

    def default(self) -> Choice:
        """The last map that everything passes through, as docs/choosing-a-layer.md has it.

        Raises:
            LayerError: the model has no map at all.
        """
        maps = self._maps()
        if not maps:
            raise LayerError(self._no_map())
        cuts = self._cuts()
        through = [t for t in maps if t.name in cuts]
        summary = bool(through) and self._only_summary(through[-1])
        while through and self._only_summary(through[-1]):
            through.pop()
        chosen = self._step_back(through[-1]) if through else None
        if chosen is None or self._before_downsampling(chosen, maps):
            return self._largest_branch(maps)
        if summary:
            chosen = self._first_norm(chosen)
        return self._choice(chosen)

    def _no_map(self) -> str:
        """Why there is nothing to look at: a step function in the way, or no space at all."""
        before = {self.score.name}
        for node in reversed(self.graph.nodes):
            if before.isdisjoint(t.name for t in node.outputs):
                continue
            if key_of(node) in ZERO and any(floating(t) for t in node.inputs):
                return (
                    f"{node.op} (node '{node.name or node.outputs[0].name}') stands before the "
                    f"score '{self.score.name}' and has zero derivative: {ZERO[key_of(node)]}"
                )
            before.update(t.name for t in reads(node))
        return (
            f"no tensor with spatial extent lies before the score '{self.score.name}'; "
            f"name a layer with --layer"
        )

    def _choice(self, tensor: Tensor, why: str = "") -> Choice:
        layout = self.maps.layout(tensor)
        if layout is None or not self._own_batch(tensor):
            raise LayerError(
                f"layer '{tensor.name}' with shape {_extents(tensor.shape)} is no map of the "
                f"batch: choose one from `gradcam layers`"
            )
        return Choice(tensor, layout, why)

    def _cuts(self) -> set[str]:
        """Tensors on every path: when one is made, nothing older is still waiting to be read."""
        last: dict[str, int] = {}
        for i, node in enumerate(self.graph.nodes):
            if not any(t.name in self.path for t in node.outputs) or key_of(node) in ZERO:
                continue
            last.update((t.name, i) for t in reads(node) if t.name in self.path)
        cuts, open_until = set(), max((last.get(t.name, -1) for t in self.graph.inputs), default=-1)
        for i, node in enumerate(self.graph.nodes):
            made = [t.name for t in node.outputs if t.name in self.path]
            if len(made) == 1 and open_until <= i:
                cuts.add(made[0])
            open_until = max([open_until, *(last.get(name, -1) for name in made)])
        return cuts

    def _step_back(self, tensor: Tensor) -> Tensor | None:
        """Before views, trailing pools, a closing token norm and maps of classes."""
        while tensor.name in self.graph.producer:
            node = self._behind_quantisers(self.graph.producer[tensor.name])
            if not (node.op in VIEWS | POOLS | CLOSING or self._class_map(tensor)):
                return tensor
            sources = [t for t in node.inputs if t.name in self.path]
            if len(sources) != 1 or not self._before(sources[0]):
                return tensor if self._spatial(tensor) else None
            tensor = sources[0]
        return None

    def _behind_quantisers(self, node: Node) -> Node:
        """The maker of a map that is quantised and dequantised right after it is made."""
        while node.op in QUANTISERS and node.inputs[0].name in self.graph.producer:
            node = self.graph.producer[node.inputs[0].name]
        return node

    def _before(self, tensor: Tensor) -> bool:
        """May one step back to this tensor?"""
        return tensor.name in self.graph.producer and any(d != 1 for d in self.maps.space(tensor))

    def _class_map(self, tensor: Tensor) -> bool:
        """Are its channels the classes, with nothing after it that mixes channels?"""
        classes = self.score.classes
        if classes is None or self.maps.channels(tensor) != classes:
            return False
        after = active(self.graph, [tensor.name], self.score.name)
        nodes = (n for n in self.graph.nodes if any(t.name in after for t in n.outputs))
        return not any(
            n.op in MIXERS and any(t.name in after for t in reads(n))
            for n in nodes
            if tensor.name not in {t.name for t in n.outputs}
        )

    def _only_summary(self, tensor: Tensor) -> bool:
        """Does everything after it read the summary token alone, token by token till then?"""
        layout = self.maps.layout(tensor)
        if layout is None or layout.axes != "NTC":
            return False
        waiting, selected = [tensor.name], False
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            for node in self.graph.consumers.get(name, []):
                if not any(t.name in self.path for t in node.outputs) or key_of(node) in ZERO:
                    continue
                if self._selects_token(node):
                    selected = True
                    continue
                if not self._tokenwise(node):
                    return False
                following = [t.name for t in node.outputs if t.name not in seen]
                seen.update(following)
                waiting.extend(following)
        return selected

    def _selects_token(self, node: Node) -> bool:
        source = node.inputs[0]
        if source.shape is None or len(source.shape) != 3:
            return False
        if node.op == "Gather":
            index = self.graph.value(node.inputs[1])
            return node.attrs["axis"] == 1 and index is not None and index.size == 1
        if node.op == "Slice":
            made = node.outputs[0].shape
            return made is not None and len(made) == 3 and made[1] == 1 and source.shape[1] != 1
        return False

    def _tokenwise(self, node: Node) -> bool:
        flowing = [t for t in node.inputs if t.name in self.path]
        product = node.op in ("MatMul", "Einsum") and len(flowing) > 1
        return node.op in TOKENWISE and not product

    def _first_norm(self, tensor: Tensor) -> Tensor:
        """The normalisation that opens the last block, where the block reads `tensor`."""
        for node in self.graph.consumers.get(tensor.name, []):
            if node.op in NORMS:
                return node.outputs[0]
        return tensor

    def _before_downsampling(self, tensor: Tensor, maps: Sequence[Tensor]) -> bool:
        """Does a coarser map follow it?"""
        after = active(self.graph, [tensor.name], self.score.name)
        area = _area(self.maps.space(tensor))
        coarser = (t for t in maps if t.name in after and 1 < _area(self.maps.space(t)) < area)
        return any(self.graph.producer[t.name].op not in VIEWS | POOLS for t in coarser)

    def _largest_branch(self, maps: Sequence[Tensor]) -> Choice:
        """The last map of the branch with the most channels times places."""
        ends = {}
        for tensor in self.branch_ends(maps):
            stepped = self._step_back(tensor)
            if stepped is not None and self._spatial(stepped):
                ends[stepped.name] = stepped
        if not ends:
            raise LayerError("no map of the model's own batch; name a layer with --layer")
        largest = max(ends.values(), key=lambda t: math.prod(_numbers(t.shape)))
        others = ", ".join(f"'{name}'" for name in ends if name != largest.name)
        why = f"no single map carries everything: took the largest branch's last; others: {others}"
        return self._choice(largest, why if others else "")

    def branch_ends(self, maps: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The maps after which no other map follows."""
        maps = self._maps() if maps is None else maps
        names = {t.name for t in maps}
        leads: set[str] = set()
        for node in reversed(self.graph.nodes):
            made = [t.name for t in node.outputs if t.name in self.path]
            if key_of(node) not in ZERO and any(name in names or name in leads for name in made):
                leads.update(t.name for t in reads(node) if t.name in self.path)
        return [t for t in maps if t.name not in leads]

    # by name

    def find(self, name: str | int | None) -> Choice:
        """A tensor, a node, a torch module path (`path#1`: its first call) or an index.

        Raises:
            LayerError: unknown (near names are suggested), or not on the way to the score.
        """
        if name is None:
            return self.default()
        tensor = self._named(str(name))
        if tensor.name == self.score.name:
            raise LayerError(f"layer '{name}' is the score itself; choose an earlier one")
        if tensor.name not in self.path:
            reach = active(self.graph, [tensor.name], self.score.name)
            if tensor.name not in reach:
                raise LayerError(
                    f"layer '{name}' does not reach the score '{self.score.name}'; "
                    f"choose one from `gradcam layers`"
                )
        return self._choice(tensor)

    def _named(self, name: str) -> Tensor:
        tensors = {t.name: t for node in self.graph.nodes for t in node.outputs if t.name}
        if name in tensors:
            return tensors[name]
        nodes = {node.name: node for node in self.graph.nodes if node.name}
        if name in nodes:
            return nodes[name].outputs[0]
        if re.fullmatch(r"-?\d+", name):
            table = self.candidates()
            if not -len(table) <= int(name) < len(table):
                raise LayerError(f"layer {name}: the model has {len(table)}, numbered from 0")
            return table[int(name)]
        made = self.modules.last_read_outside(name)
        if made is not None:
            return self.graph.tensors[made]
        raise LayerError(self._unknown(name, [*tensors, *nodes]))

    def _unknown(self, name: str, names: Iterable[str]) -> str:
        known = self.modules.paths()
        near = difflib.get_close_matches(name, [*known, *names], 3)
        parent = name.rpartition(".")[0]
        if parent in known:
            went = ", ".join(f"'{p}'" for p in known if p.startswith(f"{parent}."))
            return (
                f"module '{name}' left no operator of its own (the exporter folded it into a "
                f"neighbour, or it does nothing); in '{parent}' there are {went or 'no others'}"
            )
        hint = f"; did you mean {', '.join(near)}?" if near else "; see `gradcam layers`"
        return f"no layer '{name}'{hint}"


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
            raise LayerError(f"module '{path}' is called {len(scopes)} times, not {call}")
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
                scopes = ast.literal_eval(getattr(entry, "value", ""))
            except (ValueError, SyntaxError):
                return ""
            return str(scopes[-2]) if len(scopes) > 1 else ""
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


def _numbers(shape: Sequence[Extent]) -> list[int]:
    return [d for d in shape if isinstance(d, int)]


def _area(space: Sequence[Extent]) -> float:
    """Places of a map; dynamic extents compare as unknown."""
    return math.prod(_numbers(space)) if all(isinstance(d, int) for d in space) else math.nan


def _extents(shape: Sequence[Extent]) -> str:
    return f"[{', '.join('?' if d is None else str(d) for d in shape)}]"
