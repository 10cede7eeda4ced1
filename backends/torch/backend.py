"""A live torch.nn.Module, seen at its modules' outputs by autograd.

The module is used as it is: eval mode while it runs, then its own training flags again; no
gradient buffers, no hooks left, also after an exception. Layers are module paths: `layer4`,
`layer4.1.relu`, `features.6`; a module that is called several times means its last call, `path#1`
its first.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.errors import InputError, LayerError
from cam_core.maps.layout import Layout

from .captures import Seen
from .default_layer import Call, default_layer
from .forward_pass import Hook, run, tensors, to_numpy
from .layout import find_layout
from .outputs import first_tensor, has_tensor, replace_tensor

Outputs = dict[str, Any]


class TorchBackend:
    """The capture of A and G from a torch.nn.Module.

    Args:
        module: on any device, in any mode.
        example: one input as `capture` takes it; `layers()` and `inputs()` need it.
        layer: the layer taken when none is named. None finds it in the first input seen: the last
            module whose output has more than one position and a gradient, but no view, pool,
            closing layer norm or map of classes; with a summary token read at the head, the last
            layer norm that the patches go through (ViT `blocks[-1].norm1`). Functional calls are
            not modules: where the last map is made by one, the module before it is taken.
        score: an output's name, or the path of a module whose output is the score. None takes the
            first output, before a closing Softmax, LogSoftmax or Sigmoid module.
        layout: of every layer's tensor, where reading it from the operators fails.
    """

    def __init__(
        self,
        module: Any,
        *,
        example: Inputs | None = None,
        layer: str | None = None,
        score: str | None = None,
        layout: Layout | str | None = None,
    ) -> None:
        self.module = module
        self._example = example
        self._layer = layer
        self._score = score
        self._layout = Layout.parse(layout) if isinstance(layout, str) else layout
        self._modules = dict(module.named_modules(remove_duplicate=False))
        del self._modules[""]
        self._count: dict[str, int] = {}
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

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer, all from one forward and one backward pass."""
        return next(self.captures(x, [target], layers=layers, input_gradients=input_gradients))

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now."""
        import torch

        paths = [self._default(x)] if layers is None else list(layers)
        held: dict[str, dict[int, Any]] = {path: {} for path in {self._find(p)[0] for p in paths}}

        def keep(path: str) -> Hook:
            def hook(number: int, output: Any) -> Any:
                A = first_tensor(output, path)
                A = A if A.requires_grad else A.detach().requires_grad_()
                held[path][number] = A
                return replace_tensor(output, A.clone())  # a later in-place operator hits the copy

            return hook

        with torch.enable_grad():
            feed = tensors(self.module, x, gradients=True)
            y, outputs = self._run(feed, {path: keep(path) for path in held})
        called = [self._called(name, held) for name in paths]
        layered = [(n, A, self._own_layout(A)) for n, A in zip(paths, called, strict=True)]
        leaves = {n: t for n, t in feed.items() if t.requires_grad} if input_gradients else None
        seen, asked = Seen(y, outputs, layered, leaves), list(targets)
        return (seen.capture(t, last=i == len(asked)) for i, t in enumerate(asked, 1))

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs by name: output, output_1, ... or the keys of a mapping."""
        import torch

        with torch.no_grad():
            _, outputs = self._run(tensors(self.module, x), {})
        return {name: to_numpy(t) for name, t in outputs.items()}

    def tail(self, layer: str, A: Array, x: Inputs) -> Array:
        """The score when the layer's activations are A [N, K, *S]; summary tokens stay x's own."""
        import torch

        path, number = self._find(layer)
        last = self._calls_of(path, x) if number is None else number
        done: list[int] = []

        def hook(call: int, output: Any) -> Any:
            if call != last:
                return None
            done.append(call)
            own = first_tensor(output, path)
            given = self._own_layout(own).invert(np.asarray(A), to_numpy(own))
            if given.shape != tuple(own.shape):
                shape = list(self._own_layout(own).apply(to_numpy(own)).shape)
                raise LayerError(f"layer {layer!r} takes activations {shape}, not {list(A.shape)}")
            return replace_tensor(output, torch.as_tensor(np.array(given)).to(own))

        with torch.enable_grad():  # the layout is read from what autograd records
            y, _ = self._run(tensors(self.module, x, gradients=True), {path: hook})
        if not done:
            raise LayerError(f"layer {layer!r}: the module is not called in the forward pass")
        return to_numpy(y)

    def inputs(self) -> list[InputInfo]:
        """What forward takes, as the example shows it."""
        feed = tensors(self.module, self._needed("inputs()"))
        return [
            InputInfo(name, (None, *t.shape[1:]), to_numpy(t).dtype, _channel_axis(t))
            for name, t in feed.items()
        ]

    def layers(self) -> list[Layer]:
        """Every module call that gives a tensor, in the order in which calls finish."""
        example = self._needed("layers()")
        calls, _ = self._trace(example)
        default = self._default(example)
        last = {call.path: call.number for call in calls}
        names = [c.path if last[c.path] == c.number else f"{c.path}#{c.number}" for c in calls]
        return [
            Layer(
                name,
                type(self._modules[call.path]).__name__,
                (None, *call.output.shape[1:]),
                call.path,
                name == default,
            )
            for name, call in zip(names, calls, strict=True)
        ]

    def with_weights(self, change: Callable[[str, Array], Array]) -> TorchBackend:
        """A copy whose parameters are `change(name, parameter)`; batch statistics stay."""
        import torch

        module = copy.deepcopy(self.module)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(torch.as_tensor(np.array(change(name, to_numpy(parameter)))))
        return TorchBackend(
            module,
            example=self._example,
            layer=self._layer,
            score=self._score,
            layout=self._layout,
        )

    def _default(self, x: Inputs) -> str:
        if self._layer is None:
            import torch

            with torch.enable_grad():
                calls, y = self._trace(x)
                call = default_layer(calls, y, self._layout)
            last = max(c.number for c in calls if c.path == call.path)
            self._layer = call.path if call.number == last else f"{call.path}#{call.number}"
        return self._layer

    def _trace(self, x: Inputs) -> tuple[list[Call], Any]:
        """Every module call that gives a tensor, and the score."""
        import torch

        calls: list[Call] = []

        def keep(path: str) -> Hook:
            def hook(number: int, output: Any) -> Any:
                if has_tensor(output):
                    kind = type(self._modules[path]).__name__
                    calls.append(Call(path, number, kind, first_tensor(output, path)))

            return hook

        with torch.enable_grad():
            y, _ = self._run(
                tensors(self.module, x, gradients=True), {p: keep(p) for p in self._modules}
            )
        return calls, y

    def _calls_of(self, path: str, x: Inputs) -> int:
        """How often a module is called: its last call is known only afterwards."""
        if path not in self._count:
            numbers = [call.number for call in self._trace(x)[0] if call.path == path]
            self._count[path] = max(numbers, default=0)
        return self._count[path]

    def _run(self, feed: Mapping[str, Any], hooks: Mapping[str, Hook]) -> tuple[Any, Outputs]:
        return run(self.module, feed, hooks, self._score)

    def _find(self, name: str) -> tuple[str, int | None]:
        """A layer's name as (module path, call), None being the last call."""
        path, _, number = name.partition("#")
        if path in self._modules and (number.isdecimal() or not number):
            return path, int(number) if number else None
        near = get_close_matches(path, self._modules, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise LayerError(f"no module {name!r} in {type(self.module).__name__}{hint}")

    def _called(self, name: str, held: Mapping[str, Mapping[int, Any]]) -> Any:
        path, number = self._find(name)
        calls = held[path]
        if not calls:
            raise LayerError(f"layer {name!r}: the module is not called in the forward pass")
        if number is not None and number not in calls:
            raise LayerError(f"layer {name!r}: the module is called {len(calls)} times")
        self._count[path] = max(calls)
        return calls[max(calls) if number is None else number]

    def _own_layout(self, tensor: Any) -> Layout:
        return find_layout(tensor) if self._layout is None else self._layout

    def _needed(self, what: str) -> Inputs:
        if self._example is None:
            raise InputError(f"{what} needs TorchBackend(module, example=...)")
        return self._example


def _channel_axis(image: Any) -> int | None:
    if image.ndim != 4:
        return None
    return next((axis for axis in (1, 3) if image.shape[axis] in (1, 3, 4)), None)
