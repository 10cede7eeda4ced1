"""Models one after another as one backend: an encoder and its decoder, a tower and a comparison.

The chain rule over files: the cotangent of a later model's input is the target of the earlier
model's output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..backend import Array, Backend, Capture, InputInfo, Inputs, Layer, Target
from ..captures import capture, captures, with_gradient
from ..errors import InputError
from ..head import Head
from .links import PARTED, distinct, find_links, told_apart
from .look import ChainLook, Place, Wiring
from .opening import opened, stem, with_score
from .part import OWN, Part, by_name, floats
from .places import find_place


class Chain:
    """Several models, each reading outputs of those before it; the score is that of the last.

    What several models have under one name is called by the model as well: `encoder:image`. The
    default layers are those of the first model that takes a picture from outside. Each output that
    goes on costs a forward pass of its model.

    Args:
        models: in the order in which they run, whatever `open_backend` takes, or backends.
        connect: output -> input; of one name if None.
        names: of the models; the stems of their files if None.
        layer: the default of `look`, as it is called in the chain.
        score: that of the last model; found if None.
        options: for `open_backend`, for all models.

    Raises:
        InputError: see `find_links`.
        ModelError: a backend that cannot take another output as its score.
    """

    def __init__(
        self,
        models: Sequence[Any],
        connect: Mapping[str, str] | None = None,
        *,
        names: Sequence[str] | None = None,
        layer: str | None = None,
        score: str | None = None,
        **options: Any,
    ) -> None:
        if len(models) < 2:
            raise InputError("a chain has at least two models: open a single one by itself")
        scored = {} if score is None else {"score": score}
        found = [opened(m, options) for m in models[:-1]]
        found.append(opened(models[-1], options | scored))
        called = list(names) if names is not None else distinct([stem(m) for m in models])
        outputs = [[head.output for head in backend.heads()] for backend in found]
        inputs = [[info.name for info in backend.inputs()] for backend in found]
        self._links = find_links(connect, called, outputs, inputs)
        self.connect = {
            f"{called[k.source]}{PARTED}{k.output}": f"{called[k.model]}{PARTED}{k.input}"
            for k in self._links
        }
        self._opened = found
        last = len(found) - 1
        self._parts = [self._part(i, n, found[i], last=i == last) for i, n in enumerate(called)]
        self._layer = layer

    @property
    def class_axis(self) -> int:
        """Where the classes are in the score of the last model."""
        return self._last.class_axis

    @property
    def classes(self) -> int | None:
        """How many there are, where the last model fixes it."""
        return self._last.classes

    @property
    def score_shape(self) -> tuple[int | str | None, ...] | None:
        """Of the last model's score, as far as it is known."""
        found: tuple[int | str | None, ...] | None = getattr(self._last, "score_shape", None)
        return found

    @property
    def score_name(self) -> str:
        """The tensor of the last model whose gradient is taken."""
        return self._last.score_name

    @property
    def layer_note(self) -> str:
        """What the model with the default layers says of them."""
        return next(iter(self._parts[self._main].scored.values())).layer_note

    @property
    def provider(self) -> str:
        """What the last model runs on."""
        return self._last.provider

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the last model, the models' names, and what goes where."""
        names = [part.name for part in self._parts]
        return {**self._last.settings, "chain": names, "connect": dict(self.connect)}

    @property
    def metadata(self) -> dict[str, str]:
        """Of all models; what the last says counts most."""
        return {k: v for part in self._parts for k, v in part.backend.metadata.items()}

    def inputs(self) -> list[InputInfo]:
        """What the models take from outside, one after the other."""
        named = zip(self._parts, self._wiring.inputs, strict=True)
        return [replace(i, name=outer[i.name]) for part, outer in named for i in part.infos]

    def heads(self) -> list[Head]:
        """What the outputs of the last model are, the one with the score first."""
        return self._last.heads()

    def layers(self) -> list[Layer]:
        """Those of all models, in the order in which they run."""
        return [self._shown(i, one) for i, part in enumerate(self._parts) for one in part.layers]

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the last model, by name."""
        feed = self._fed(x)
        values: dict[tuple[int, str], Array] = {}
        for i, part in enumerate(self._parts):
            made = part.backend.forward(self._wiring.feed(i, feed, values))
            values |= {(i, name): array for name, array in made.items()}
        return made

    def look(
        self, x: Inputs, *, layers: Sequence[str] | None = None, inputs: Sequence[str] | None = ()
    ) -> ChainLook:
        """One forward pass through all models, run here and now.

        Raises:
            LayerError: a layer that is unknown, or that several models have.
            InputError: x does not fit the models, or an input has no gradient.
        """
        if inputs is not None:
            with_gradient({info.name: floats(info) for info in self.inputs()}, inputs)
        if layers is None and self._layer is not None:
            layers = [self._layer]
        places = None if layers is None else [self._place(name) for name in layers]
        return ChainLook(self._wiring, self._fed(x), places, inputs, self._main)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer (None: the default ones), all from one forward pass."""
        return capture(self, x, target, layers=layers, input_gradients=input_gradients)

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now."""
        return captures(self, x, targets, layers=layers, input_gradients=input_gradients)

    def scored(self, output: str) -> Chain:
        """The same models with another output of the last one as the score."""
        models = [part.backend for part in self._parts[:-1]]
        names = [part.name for part in self._parts]
        end = self._last.scored(output)
        return Chain([*models, end], self.connect, names=names, layer=self._layer)

    def with_weights(self, change: Callable[[str, Array], Array]) -> Chain:
        """The same models with every weight replaced by `change(name, weight)`."""
        models = [part.backend.with_weights(change) for part in self._parts]
        names = [part.name for part in self._parts]
        return Chain(models, self.connect, names=names, layer=self._layer)

    @property
    def _last(self) -> Backend:
        return self._parts[-1].backend

    @cached_property
    def _main(self) -> int:
        """The first model that takes a picture from outside; the first one if none does."""
        return next((i for i, part in enumerate(self._parts) if part.pictured), 0)

    @cached_property
    def _wiring(self) -> Wiring:
        names = [part.name for part in self._parts]
        inputs = told_apart([[i.name for i in part.infos] for part in self._parts], names)
        layers = told_apart([[one.name for one in part.layers] for part in self._parts], names)
        return Wiring(self._parts, self._links, inputs, layers)

    def _part(self, i: int, name: str, backend: Backend, *, last: bool) -> Part:
        given = frozenset(link.input for link in self._links if link.model == i)
        if last:
            return Part(name, backend, {OWN: backend}, given)
        carrying = {
            link.output: None
            for link in self._links
            if link.source == i and floats(_info(self._opened[link.model], link.input))
        }
        return Part(name, backend, {o: with_score(backend, o, name) for o in carrying}, given)

    def _place(self, name: str) -> Place:
        return find_place(self._wiring, self._main, name)

    def _shown(self, i: int, layer: Layer) -> Layer:
        """As the chain calls it; over its own input where that comes from outside."""
        over = self._wiring.inputs[i].get(layer.input, "")
        return replace(
            layer,
            name=self._wiring.layers[i][layer.name],
            default=self._usual((i, layer.name), layer.default),
            input=over,
            default_over=layer.default_over and bool(over),
        )

    def _usual(self, place: Place, default: bool) -> bool:
        if self._layer is not None:
            return place == self._place(self._layer)
        return default and place[0] == self._main

    def _fed(self, x: Inputs) -> dict[str, Array]:
        return by_name(x, [info.name for info in self.inputs()])


def _info(backend: Backend, name: str) -> InputInfo:
    return next(info for info in backend.inputs() if info.name == name)
