"""A live torch.nn.Module, seen at its modules' outputs by autograd.

The module is used as it is: eval mode while it runs, then its own training flags again; no
gradient buffers, no hooks left, also after an exception. Layers are module paths: `layer4`,
`layer4.1.relu`, `features.6`; of a module that is called several times the last call, and `path#1`
is its first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.captures import capture, captures, with_gradient
from cam_core.errors import InputError
from cam_core.head import Head
from cam_core.maps.layout import Layout

from ..live.calls import Call, name_of, parse_name, require_called
from ..live.default_layer import default_layer
from ..live.heads import heads
from .forward_pass import ForwardPass
from .guided import guide
from .layout import channel_axis, find_layout
from .runs import Runs, tensors, to_numpy, top_gradients
from .tail import LayerCall
from .tracing import holding, trace
from .weights import with_parameters


class TorchBackend:
    """The capture of A and G from a torch.nn.Module.

    Args:
        module: on any device, in any mode.
        example: one input as `look` takes it; `layers()` and `inputs()` need it.
        layer: the layer taken when none is named. None finds it in the first input seen: the last
            module whose output has more than one position and a gradient, but no view, pool,
            closing layer norm or map of classes; with a summary token read at the head, the last
            layer norm that the patches go through (ViT `blocks[-1].norm1`). Functional calls are
            not modules: where the last map is made by one, the module before it is taken.
        score: an output's name, or the path of a module whose output is the score. None takes the
            first output, before a closing Softmax, LogSoftmax or Sigmoid module.
        layout: of every layer's tensor, where reading it from the operators fails.
        guided: guided backpropagation instead of the gradient.
    """

    class_axis = 1
    classes: int | None = None
    """Not known before a forward pass."""
    layer_note = ""
    metadata: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        module: Any,
        *,
        example: Inputs | None = None,
        layer: str | None = None,
        score: str | None = None,
        layout: Layout | str | None = None,
        guided: bool = False,
    ) -> None:
        self.module = module
        self._example = example
        self._layer = layer
        self._guided = guided
        self.guided_note = ""
        """Where guided backpropagation was the plain gradient in the last look."""
        self._runs = Runs(module, score)
        self._layout = Layout.parse(layout) if isinstance(layout, str) else layout
        self._modules = {n: m for n, m in module.named_modules(remove_duplicate=False) if n}
        if layer is not None:
            self._find(layer)

    @staticmethod
    def claims(source: object) -> bool:
        """Whether the source is a torch module; never imports torch."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(source, torch.nn.Module)

    @property
    def default_layer(self) -> str:
        """The layer that is taken when none is named."""
        return self._default(self._needed("the default layer"))

    @property
    def score_name(self) -> str:
        """The score as it was named; '' where it was found."""
        return self._runs.score or ""

    @property
    def score_shape(self) -> tuple[int, ...] | None:
        """Of the score in the last run; None before one."""
        ends = self._runs.ends
        return None if ends is None else ends.shapes.get(ends.score)

    @property
    def provider(self) -> str:
        """The device of the first parameter."""
        return str(next((p.device for p in self.module.parameters()), "cpu"))

    @property
    def settings(self) -> dict[str, str]:
        """`provider`."""
        return {"provider": self.provider}

    def look(
        self, x: Inputs, *, layers: Sequence[str] | None = None, inputs: Sequence[str] | None = ()
    ) -> ForwardPass:
        """One forward pass at these layers (None: the default one), run here and now.

        `inputs`: whose gradients are wanted too; None: all floating ones, 0 where none arrives.
        """
        import torch

        names = [self._default(x)] if layers is None else list(layers)
        held: dict[str, dict[int, Any]] = {path: {} for path in {self._find(n)[0] for n in names}}

        with torch.enable_grad():
            feed = tensors(self.module, x, gradients=True)
            if inputs is not None:
                with_gradient({n: t.requires_grad for n, t in feed.items()}, inputs)
            y, outputs = self._runs(feed, {path: holding(path, held[path]) for path in held})
        if self._guided:
            self.guided_note = guide(y)
        called = {name: self._called(name, held) for name in names}
        return ForwardPass(self._runs, feed, y, outputs, called, names, inputs)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer, all from one forward and one backward pass."""
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

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs by name: output, output_1, ... or the keys of a mapping."""
        import torch

        with torch.no_grad():
            _, outputs = self._runs(tensors(self.module, x), {})
        return {name: to_numpy(t) for name, t in outputs.items()}

    def inputs(self) -> list[InputInfo]:
        """What forward takes, as the example shows it."""
        feed = tensors(self.module, self._needed("inputs()"))
        return [
            InputInfo(name, (None, *t.shape[1:]), to_numpy(t).dtype, channel_axis(t))
            for name, t in feed.items()
        ]

    def heads(self) -> list[Head]:
        """What the outputs are, as the last run or the example shows it."""
        if self._runs.ends is None and self._example is not None:
            self.forward(self._example)
        return heads(self._runs.ends)

    def layers(self) -> list[Layer]:
        """Every module call that gives a tensor, in the order in which calls finish."""
        example = self._needed("layers()")
        calls, _ = self._trace(example)
        default = self._default(example)
        named = [(name_of(call, calls), call) for call in calls]
        return [
            Layer(name, call.kind, (None, *call.shape[1:]), call.path, name == default)
            for name, call in named
        ]

    def with_weights(self, change: Callable[[str, Array], Array]) -> TorchBackend:
        """A copy whose parameters are `change(name, parameter)`; batch statistics stay.

        They come in the order in which the module registers them, mostly that of its calls.
        """
        return self._like(module=with_parameters(self.module, change))

    def bend(self, x: Inputs, layer: str, cotangent: Array) -> tuple[Array, Array]:
        """Of y behind a layer's A: H A, H the second derivative of <cotangent, y>, and J A."""
        return self.look(x, layers=[layer]).bend(layer, cotangent)

    def as_guided(self) -> TorchBackend:
        """The same module with guided backpropagation in place of its gradient."""
        return self if self._guided else self._like(guided=True)

    def scored(self, output: str) -> TorchBackend:
        """The same module with another output as its score, by its name."""
        return self.with_score(output)

    def with_score(self, output: str) -> TorchBackend:
        """The same module whose score is one of its outputs, as it is: no logits before it."""
        return self._like(layer=None, score=output)

    def _like(self, **changes: Any) -> TorchBackend:
        """A backend with the settings of this one."""
        asked = {"module": self.module, "example": self._example, "layer": self._layer}
        asked |= {"score": self._runs.score, "layout": self._layout, "guided": self._guided}
        return TorchBackend(**(asked | changes))

    def _default(self, x: Inputs) -> str:
        if self._layer is None:
            calls, y = self._trace(x)
            call = default_layer(
                calls,
                gradients=lambda outputs: top_gradients(y, outputs),
                array=lambda G: to_numpy(G.float()),
                layout=self._own_layout,
                classes=y.shape[1] if y.ndim == 2 else None,
            )
            self._layer = name_of(call, calls)
        return self._layer

    def _trace(self, x: Inputs) -> tuple[list[Call], Any]:
        """Every module call that gives a tensor, and the score."""
        return trace(self._runs, self._modules, tensors(self.module, x, gradients=True))

    def _find(self, name: str) -> tuple[str, int | None]:
        """A layer's name as (module path, call), None being the last call."""
        return parse_name(name, self._modules, type(self.module).__name__)

    def _called(self, name: str, held: Mapping[str, Mapping[int, Any]]) -> LayerCall:
        path, number = self._find(name)
        number = require_called(name, number, len(held[path]))
        tensor = held[path][number]
        return LayerCall(path, number, tensor, self._own_layout(tensor))

    def _own_layout(self, tensor: Any) -> Layout:
        return find_layout(tensor) if self._layout is None else self._layout

    def _needed(self, what: str) -> Inputs:
        if self._example is None:
            raise InputError(f"{what} needs TorchBackend(module, example=...)")
        return self._example
