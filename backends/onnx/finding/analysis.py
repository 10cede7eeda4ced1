"""What is known of a model before anything is added: its graph, score, maps and layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx

from cam_core.errors import LayerError, ModelError

from ..reading import names
from ..reading.functions import inline_functions
from ..reading.graph import Graph
from ..reading.load import Source, load
from ..reading.names import RESERVED
from ..reading.prepare import prepare
from ..reading.static import Static, declare, fix
from ..rules import load_third_party
from ..rules.spelled_out import unfolded
from .axes.walk import followed
from .composites import recognise
from .flattened_gemm import in_rows
from .layers import Choice, Layers
from .maps import Maps
from .roles import follow
from .score_places import with_places
from .scores import Score, dequantise, find_score


@dataclass(frozen=True)
class Analysis:
    """A model read once; `layers` knows every layer, `choices` are those asked for.

    For the default of a detector they are its scales.
    """

    source: Source
    model: onnx.ModelProto
    """The source's, or a copy with its local functions inlined or its shapes fixed."""
    graph: Graph
    score: Score
    layers: Layers
    choices: tuple[Choice, ...]
    asked_score: str | None = None
    """The score as the caller named it."""
    static: Static | None = None
    """The shapes that its inputs were fixed to."""

    def at(self, layers: Sequence[str | int | None]) -> Analysis:
        """The same at other layers; the model is read anew where a composite hides one of them."""
        try:
            return replace(self, choices=self.layers.asked(layers))
        except LayerError:
            return analyse(self.source, layers, self.asked_score, self.static)


def analysed(
    model: object,
    layers: Sequence[str | int | None] = (None,),
    score: str | None = None,
    static: Static | None = None,
) -> Analysis:
    """As `analyse`; of an `Analysis` with this score and these shapes the file is not read again.

    Its own layers, score and shapes count where none are named.
    """
    if not isinstance(model, Analysis):
        return analyse(model, layers, score, static)
    as_found = model.asked_score is None and score == model.score.name  # `out:y` is not logits y
    same_score = score in (None, model.asked_score) or as_found
    if not same_score or static not in (None, model.static):
        return analyse(model.source, layers, score or model.asked_score, static or model.static)
    own = not layers or (model.choices and list(layers) == [None])
    return model if own else model.at(layers)


def analyse(
    source: object,
    layers: Sequence[str | int | None] = (None,),
    score: str | None = None,
    static: Static | None = None,
) -> Analysis:
    """Opens `source`, finds its score and the layers (None: the default ones).

    `static`: shapes that its inputs are fixed to.

    Raises:
        ModelError, LayerError: as `load`, `prepare`, `find_score` and `Layers.find` say.
    """
    load_third_party()
    opened = load(source)
    refuse_instrumented(opened)
    model = inline_functions(opened.model if static is None else fix(opened.model, static))
    graph = prepare(model, folder=opened.folder)
    if static is not None:
        declare(graph)
    dequantise(graph, score)
    named: dict[str | int, Choice] = {}
    if any(asked is not None for asked in layers):  # a composite may hide one of them
        plain = _view(graph, score)
        kept = plain.score.name
        named = {
            asked: plain.find(asked)
            for asked in layers
            if asked is not None and not plain.is_index(asked)  # indices count composites as one
        }
    else:
        kept = find_score(graph, score, followed(in_rows(unfolded(graph)))).name
    recognise(graph, keep={*(str(choice.tensor.name) for choice in named.values()), kept})
    seen = _view(graph, score)
    choices = seen.asked(named[asked].name if asked in named else asked for asked in layers)
    return Analysis(opened, model, graph, seen.score, seen, choices, score, static)


def _view(graph: Graph, score: str | None) -> Layers:
    rows = in_rows(unfolded(graph))
    found = follow(rows)
    seen = find_score(graph, score, found.first)
    if seen.name not in found.first:  # a node was added for it
        rows = in_rows(unfolded(graph))
        found = follow(rows)
    maps = Maps(rows, found, seen.tensor)
    return Layers(graph, maps, with_places(maps, seen))


def instrumented(model: onnx.ModelProto) -> bool:
    """Was the model made by `instrument`? A single key may be somebody else's."""
    return {names.VERSION, names.ADDED} <= {entry.key for entry in model.metadata_props}


def refuse_instrumented(source: Source) -> None:
    """An instrumented model is not analysed again, nor one that owns our names."""
    if instrumented(source.model):
        raise ModelError(
            f"{source.name} is instrumented already; `gradcam strip` gives its source back"
        )
    graph = source.model.graph
    values = [*graph.input, *graph.output, *graph.initializer]
    own = [v.name for v in values] + [name for node in graph.node for name in node.output]
    own += [sparse.values.name for sparse in graph.sparse_initializer]
    taken = [name for name in own if RESERVED.fullmatch(name)]
    if taken:
        raise ModelError(
            f"{source.name} has a tensor '{taken[0]}', a name that an instrumented model adds; "
            f"rename it"
        )
