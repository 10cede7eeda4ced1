"""The ONNX backend: captures A and G of an `.onnx` file through onnxruntime."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.errors import LayerError, TargetError

from .analysis import Analysis, analyse, instrumented
from .feed import feed, rows
from .injected import INJECTED, injected, with_outputs
from .layers import Choice
from .load import Source, load, opset
from .prepare import floating
from .runtime import open_session, run
from .split import Split, split
from .strip import strip

SUFFIXES = (".onnx", ".ort")


class OnnxBackend:
    """A model in onnxruntime, seen at its layers.

    Args:
        source: a path, the bytes of a file, or an `onnx.ModelProto`; an instrumented model
            counts as its source.
        layer: the default of `capture`: tensor, node, torch module path or index; found if None.
        score: the score tensor; found if None.
        providers: onnxruntime's execution providers, short names allowed (`cpu`, `cuda`).
        optimization: all, extended, basic or disabled: an int8 model is another function at each.
        guided: guided backpropagation instead of the gradient.
        custom_ops: libraries of custom operators to register.
    """

    def __init__(
        self,
        source: Any,
        *,
        layer: str | int | None = None,
        score: str | None = None,
        providers: Sequence[str] | None = None,
        optimization: str = "all",
        guided: bool = False,
        custom_ops: Sequence[str] = (),
    ) -> None:
        opened = load(source)
        self._metadata = {e.key: e.value for e in opened.model.metadata_props}
        if instrumented(opened.model):
            opened = Source(strip(opened), opened.path)
        self.analysis: Analysis = analyse(opened, [] if layer is None else [layer], score)
        self._options = {
            "score": score,
            "providers": providers,
            "optimization": optimization,
            "guided": guided,
            "custom_ops": custom_ops,
        }
        self._layer = layer
        self._hidden: dict[tuple[str | int, ...], Analysis] = {}
        self._splits: dict[Any, tuple[Split, Any, Any]] = {}
        self._tails: dict[str, tuple[Any, Any]] = {}
        self._plain: Any = None

    @staticmethod
    def claims(source: Any) -> bool:
        """Is `source` an ONNX model, as far as a glance tells?"""
        if isinstance(source, str | Path):
            return Path(source).suffix in SUFFIXES
        return isinstance(source, bytes | onnx.ModelProto)

    @property
    def path(self) -> Path | None:
        """Where the model came from."""
        return self.analysis.source.path

    @property
    def default_layer(self) -> str:
        """The layer that is taken when none is named."""
        return self._default.name

    @property
    def layer_note(self) -> str:
        """What is to be said of the default layer; mostly nothing."""
        return self._default.why

    @property
    def provider(self) -> str:
        """The execution provider that runs the model."""
        return str(self._forward_session().get_providers()[0])

    @property
    def score_name(self) -> str:
        """The tensor whose gradient is taken."""
        return self.analysis.score.name

    @property
    def class_axis(self) -> int:
        """Where the classes are in the score."""
        return self.analysis.score.class_axis

    @property
    def classes(self) -> int | None:
        """How many there are, where the model fixes it."""
        return self.analysis.score.classes

    @property
    def opset(self) -> int:
        """The version of ai.onnx that the model imports."""
        return opset(self.analysis.model)

    @property
    def optimization(self) -> str:
        """How far the runtime may rewrite the model."""
        return str(self._options["optimization"])

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own metadata, those of an instrumented one included."""
        return dict(self._metadata)

    def inputs(self) -> list[InputInfo]:
        """What the model takes, in its own order."""
        maps = self.analysis.layers.maps
        return [
            InputInfo(t.name, tuple(t.shape or ()), np.dtype(t.dtype), maps.channel_axis(t))
            for t in self.analysis.graph.inputs
        ]

    def layers(self) -> list[Layer]:
        """The maps between input and score, in execution order."""
        return self.analysis.layers.table()

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        session, infos = self._forward_session(), self.inputs()
        found = [run(session, None, part) for part in rows(feed(x, infos), infos)]
        names = [output.name for output in session.get_outputs()]
        return _arrays(names, found)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str | int] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer (None: the default layer), all from one forward pass.

        Raises:
            LayerError: a layer that is unknown or does not reach the score.
            InputError, TargetError: x or the target does not fit the model.
        """
        analysis, choices = self._choices(layers)
        sources = self._gradient_inputs() if input_gradients else []
        plan, forward, backward = self._split(analysis, choices, sources)
        infos = self.inputs()
        parts = rows(feed(x, infos), infos)
        kept = [self._forward(plan, forward, part) for part in parts]
        outputs = _arrays(list(kept[0]), [list(k.values()) for k in kept])
        logits = outputs[self.score_name]
        own = {t.name for t in self.analysis.graph.outputs}
        cotangent = _cotangent(target, logits, {n: a for n, a in outputs.items() if n in own})
        found = self._backward(plan, backward, kept, parts, cotangent)
        gradients = {n: found[plan.gradients[n]] for n in sources} if input_gradients else None
        return [
            Capture(
                layer=choice.name,
                logits=logits,
                activations=choice.layout.apply(outputs[choice.name]),
                gradients=choice.layout.apply(found[plan.gradients[choice.name]]),
                input_gradients=gradients,
            )
            for choice in choices
        ]

    def tail(self, layer: str, A: Array, x: Inputs) -> Array:
        """The score tensor when the layer's activations are A [N, K, *S]."""
        choice = self._choices([layer])[1][0]
        infos = self.inputs()
        parts = rows(feed(x, infos), infos)
        head, session = self._tail_sessions(choice)
        own = np.concatenate([run(head, [choice.name], part)[0] for part in parts])
        tensor = choice.layout.invert(A.astype(own.dtype), own)
        if tensor.shape != own.shape:
            raise LayerError(f"layer '{layer}' is {list(own.shape)}, A gives {list(tensor.shape)}")
        scores = []
        wanted = {i.name for i in session.get_inputs()}
        for i, part in enumerate(parts):
            mine = tensor[i : i + 1] if len(parts) > 1 else tensor
            given = {n: a for n, a in part.items() if n in wanted} | {INJECTED: mine}
            scores.append(run(session, [self.score_name], given)[0])
        return np.concatenate(scores)

    def with_weights(self, change: Callable[[str, Array], Array]) -> OnnxBackend:
        """The same model with every weight replaced by `change(name, weight)`.

        A weight is a floating point or 8-bit initialiser (given as float32, rounded and clipped
        back), or a Constant node that is no single number.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self.analysis.source.model)
        if self.analysis.source.folder is not None:
            onnx.load_external_data_for_model(model, str(self.analysis.source.folder))
        for name, tensor in _weights(model):
            weight = numpy_helper.to_array(tensor)
            if np.issubdtype(weight.dtype, np.floating):
                changed = np.asarray(change(name, weight), weight.dtype)
            elif weight.dtype in (np.int8, np.uint8) and weight.ndim > 1:
                ends = np.iinfo(weight.dtype)
                float_weight = np.rint(change(name, weight.astype(np.float32)))
                changed = np.clip(float_weight, ends.min, ends.max).astype(weight.dtype)
            else:
                continue
            tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
        return OnnxBackend(model, layer=self._layer, **self._options)  # type: ignore[arg-type]

    # inside

    @functools.cached_property
    def _default(self) -> Choice:
        """Found when first needed: a model without maps can still be run, and seen by name."""
        return (self.analysis.choices or [self.analysis.layers.default()])[0]

    def _tail_sessions(self, choice: Choice) -> tuple[Any, Any]:
        """The model up to the layer, and from it to the score."""
        if choice.name not in self._tails:
            head = self._session(with_outputs(self.analysis, [choice.tensor]))
            self._tails[choice.name] = head, self._session(injected(self.analysis, choice.tensor))
        return self._tails[choice.name]

    def _forward_session(self) -> Any:
        if self._plain is None:
            self._plain = self._session(self.analysis.model)
        return self._plain

    def _choices(self, layers: Sequence[str | int] | None) -> tuple[Analysis, Sequence[Choice]]:
        """The layers, and the analysis that sees them: a composite may hide one in the usual."""
        if layers is None:
            return self.analysis, [self._default]
        if tuple(layers) not in self._hidden:
            try:
                return self.analysis, [self.analysis.layers.find(name) for name in layers]
            except LayerError:
                source, score = self.analysis.source, self._options["score"]
                self._hidden[tuple(layers)] = analyse(source, layers, score)  # type: ignore[arg-type]
        analysis = self._hidden[tuple(layers)]
        return analysis, analysis.choices

    def _gradient_inputs(self) -> list[str]:
        path = self.analysis.layers.path
        return [t.name for t in self.analysis.graph.inputs if t.name in path and floating(t)]

    def _session(self, model: onnx.ModelProto) -> Any:
        return open_session(
            model,
            folder=self.analysis.source.folder,
            asked=self._options["providers"],  # type: ignore[arg-type]
            optimization=str(self._options["optimization"]),
            custom_ops=self._options["custom_ops"],  # type: ignore[arg-type]
        )

    def _split(
        self, analysis: Analysis, choices: Sequence[Choice], sources: Sequence[str]
    ) -> tuple[Split, Any, Any]:
        key = (tuple(c.name for c in choices), tuple(sources))
        if key not in self._splits:
            guided = bool(self._options["guided"])
            plan = split(analysis, choices, sources, guided=guided)
            sessions = self._session(plan.forward), self._session(plan.backward)
            self._splits[key] = (plan, *sessions)
        return self._splits[key]

    def _forward(self, plan: Split, session: Any, part: Mapping[str, Array]) -> dict[str, Any]:
        names = [o.name for o in session.get_outputs()]
        found = dict(zip(names, run(session, names, dict(part)), strict=True))
        return found | {n: part[n] for n in plan.fetched if n in part}

    def _backward(
        self,
        plan: Split,
        session: Any,
        kept: Sequence[Mapping[str, Any]],
        parts: Sequence[Mapping[str, Array]],
        cotangent: Array,
    ) -> dict[str, Array]:
        wanted = {i.name for i in session.get_inputs()}
        names = [o.name for o in session.get_outputs()]
        found = []
        for i, residuals in enumerate(kept):
            mine = cotangent[i : i + 1] if len(kept) > 1 else cotangent
            given = {n: a for n, a in {**parts[i], **residuals}.items() if n in wanted}
            given |= {"cam.cotangent": mine} if "cam.cotangent" in wanted else {}
            found.append(run(session, names, given))
        return _arrays(names, found)


def _weights(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Names and tensors, wherever an exporter put them."""
    yield from ((tensor.name, tensor) for tensor in model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value" and math.prod(attribute.t.dims) > 1:
                yield node.output[0], attribute.t


def _cotangent(target: Target, logits: Array, outputs: Mapping[str, Array]) -> Array:
    cotangent = np.asarray(target(logits, outputs), logits.dtype)
    if cotangent.shape != logits.shape:
        raise TargetError(
            f"the target gives a cotangent {list(cotangent.shape)} for a score {list(logits.shape)}"
        )
    return cotangent


def _arrays(names: Sequence[str], parts: Sequence[Sequence[Any]]) -> dict[str, Array]:
    """Outputs by name, the batches joined; what is no array (a ZipMap's dictionaries) left out."""
    found = {}
    for i, name in enumerate(names):
        pieces = [part[i] for part in parts]
        if isinstance(pieces[0], np.ndarray):
            found[name] = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    return found
