"""Finds the target layer: the default one with no name given, else whatever a name means."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cam_core.backend import Layer
from cam_core.errors import LayerError
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout
from cam_core.maps.share import Share
from cam_core.region import Region

from ..reading.graph import Extent, Graph, Tensor, floating, told
from ..reading.kinds import QUANTISERS, VIEWS
from ..reading.units import behind_quantisers, settled, units_of
from .default_layer import default_layer, default_layers
from .maps import Maps
from .modules import Modules
from .named_tensors import find_tensor
from .route import Route
from .scores import Score
from .whereabouts import in_one_batch, merged_rows, why_no_map


@dataclass(frozen=True)
class Choice:
    """A layer to look at."""

    tensor: Tensor
    layout: Layout | Arrangement | Share
    why: str = ""
    """Said to the user when the choice is not the ordinary one."""
    region: Region | None = None
    """What of an input its maps cover."""
    scale: bool = False
    """Is it one of the scales of a detector, whose maps are merged where no layer is named?"""
    over: str = ""
    """Whose rows they are, where several inputs share the batch."""

    @property
    def name(self) -> str:
        """The tensor's, and whose rows: what `Layers.find` takes."""
        return _named(self.tensor, self.over)


class Layers:
    """The layers of one graph, seen from one score."""

    def __init__(self, graph: Graph, maps: Maps, score: Score) -> None:
        self.graph, self.maps, self.score = graph, maps, score
        self.route = Route(maps.graph, maps, score)
        self.modules = Modules(graph)

    @property
    def path(self) -> set[str]:
        """Names of the tensors on a derivative-carrying path from an input to the score."""
        return self.route.path

    def candidates(self) -> list[Tensor]:
        """The maps on the path, in execution order, views left out, each as it is read on."""
        skipped = VIEWS | QUANTISERS
        maps = self.route.spatial_maps
        own = (t for t in maps if self.graph.producer[t.name].op not in skipped)
        return [settled(self.graph, t) for t in own]

    def listed(self) -> list[Tensor]:
        """`candidates`, and the default if it is none of them."""
        known = {t.name: t for t in self.candidates()}
        usual = {choice.tensor.name for choice in self._usual()}
        made = [t for node in self.graph.nodes for t in node.outputs]
        return [t for t in made if t.name in known or t.name in usual]

    def _usual(self) -> list[Choice]:
        try:
            return self.defaults()
        except LayerError:
            return []

    def table(self, default: str = "") -> list[Layer]:
        """`listed` as the contract of backends describes layers.

        `default`: the layer that is taken when none is named; found if ''.
        """
        usual = {default} if default else {choice.name for choice in self._usual()}
        over = self._defaults_over()
        return [
            Layer(
                name=_named(t, shared),
                operator=behind_quantisers(self.graph, self.graph.producer[t.name]).op,
                shape=tuple(told(extent) for extent in t.shape),
                module=self.modules.of(t.name),
                default=_named(t, shared) in usual,
                input=shared or self.maps.input(t),
                default_over=_named(t, shared) == over.get(shared or self.maps.input(t)),
            )
            for t, shared in self._entries()
        ]

    def _entries(self) -> list[tuple[Tensor, str]]:
        """`listed`, once for each input that shares the batch; '' where none do."""
        return [(t, over) for t in self.listed() for over in self.maps.shared(t) or [""]]

    def names_of(self, tensor: Tensor) -> list[str]:
        """What a tensor is listed as: by its name, and by whose rows where inputs share a batch."""
        return [_named(tensor, over) for over in self.maps.shared(tensor) or [""]]

    def _defaults_over(self) -> dict[str, str]:
        """By input, the layer that is taken for a map over it; not of inputs without a layer."""
        found = {}
        with contextlib.suppress(LayerError):
            usual = self.default()
            found[self.maps.input(usual.tensor)] = usual.name
        for name in {over: None for t in self.listed() for over in self.maps.inputs(t)}:
            if name not in found:
                with contextlib.suppress(LayerError):
                    tensor = default_layer(self.route, name)[0]
                    shared = name if name in self.maps.shared(tensor) else ""
                    found[name] = _named(tensor, shared)
        return found

    def default(self) -> Choice:
        """The layer taken when none is named.

        Raises:
            LayerError: the model has no map at all.
        """
        return self._defaults[0]

    def defaults(self) -> list[Choice]:
        """The layers whose maps are merged when none is named: one, or the scales of a detector."""
        return self._defaults

    @functools.cached_property
    def _defaults(self) -> list[Choice]:
        """Searched for once."""
        tensors, why = default_layers(self.route)
        several = len(tensors) > 1
        return [replace(self._choice(tensor, why), scale=several) for tensor in tensors]

    def asked(self, names: Iterable[str | int | None]) -> tuple[Choice, ...]:
        """A layer for each name; for None the default ones."""
        each = (self.defaults() if name is None else [self.find(name)] for name in names)
        return tuple(choice for choices in each for choice in choices)

    def find(self, name: str | int | None) -> Choice:
        """A tensor, a node, a torch module path (`path#1`: its first call) or an index.

        Where several inputs share its batch, `tensor@input` means the rows of that one, and the
        tensor alone those of the first.

        Raises:
            LayerError: unknown (near names are suggested), or not on the way to the score.
        """
        if name is None:
            return self.default()
        tensor, over = self._meant(name)
        if tensor.name == self.score.name:
            raise LayerError(
                f"layer '{name}' is the score itself; choose an earlier one from `gradcam layers`"
            )
        if tensor.name not in self.route.path | self.route.after(tensor):
            raise LayerError(
                f"layer '{name}' does not reach the score '{self.score.name}'; "
                f"choose one from `gradcam layers`"
            )
        return self._choice(tensor, over=over)

    def is_index(self, name: str | int) -> bool:
        """Is it a number in the list of layers, and no tensor or node that is called so?"""
        if isinstance(name, int):
            return True
        return bool(re.fullmatch(r"-?\d+", name)) and not any(
            name in (node.name, *(t.name for t in node.outputs)) for node in self.graph.nodes
        )

    def _meant(self, name: str | int) -> tuple[Tensor, str]:
        """The tensor, and the input whose rows are meant; '' where that is not said."""
        if isinstance(name, int) or self.is_index(name):
            listed = self._entries()
            if not -len(listed) <= int(name) < len(listed):
                raise LayerError(
                    f"layer {name}: `gradcam layers` lists {len(listed)}, numbered from 0"
                )
            return listed[int(name)]
        layer, at, over = name.rpartition("@")
        known = {*self.graph.tensors, *(node.name for node in self.graph.nodes if node.name)}
        if name in known or not at or (layer not in known and over not in known):
            return find_tensor(self.graph, self.modules, name), ""
        tensor = find_tensor(self.graph, self.modules, layer)
        if over not in self.maps.inputs(settled(self.graph, tensor)):
            shared = ", ".join(map(repr, self.names_of(tensor)))
            raise LayerError(f"layer '{name}': no rows of '{over}' lie there; there is {shared}")
        return tensor, over

    def _choice(self, tensor: Tensor, why: str = "", over: str = "") -> Choice:
        tensor = settled(self.graph, tensor)
        shared = self.maps.shared(tensor)
        over = (over or shared[0]) if shared else ""
        layout = self.maps.layout(tensor, over)
        together = in_one_batch(self.maps, tensor)
        merged = merged_rows(self.maps, self.score.tensor, self.route.mixed)
        if together or merged:
            raise LayerError(together or merged)
        if layout is None or not self.route.own_batch(tensor):
            raise LayerError(
                f"layer '{tensor.name}' with shape {_extents(tensor.shape)} is no map of the "
                f"batch: {why_no_map(self.maps, tensor)}; choose one from `gradcam layers`"
            )
        if not floating(tensor) and units_of(self.graph, tensor) is None:
            raise LayerError(
                f"layer '{tensor.name}' holds integers of unknown scale; choose one from "
                f"`gradcam layers`"
            )
        return Choice(tensor, layout, why, self.maps.region(tensor, over), over=over)


def _named(tensor: Tensor, over: str) -> str:
    return f"{tensor.name}@{over}" if over else str(tensor.name)


def _extents(shape: Sequence[Extent] | None) -> str:
    if shape is None:
        return "unknown"
    return f"[{', '.join('?' if told(d) is None else str(d) for d in shape)}]"
