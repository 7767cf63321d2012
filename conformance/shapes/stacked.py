"""A container of layers, `Sequential(*layers)`, made of two layers that the file defines.

Left out: containers that the file itself fills (`assembled.py`).
"""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.held_state import leaves
from conformance.shapes.arguments import Scope
from conformance.shapes.attempts import UnfitError, result_of
from conformance.shapes.example_data import Data, Sizes, example_data
from conformance.shapes.layer_classes import layer_search
from conformance.shapes.layer_shapes import Make, layer_constructions, takes_parts
from conformance.shapes.layers import LayerSearch
from conformance.shapes.plans import Made


def stacked(kind: type, classes: Sequence[type], module: ModuleType) -> Iterator[Made]:
    """The ways in which a class that takes layers is given two of a file, those with weights first.

    Args:
        kind: the class.
        classes: of the file.
        module: that the file is.
    """
    others = [each for each in classes if each is not kind and not takes_parts(each)]
    found = [(each, search) for each in others if (search := layer_search(each, module))]
    for layer, search in found if takes_parts(kind) else ():
        name = layer.__name__
        yield Made(f"{kind.__name__}({name}, {name})", _of_two(kind, search, module))


def _of_two(kind: type, search: LayerSearch, module: ModuleType) -> Make:
    def make(data: Data, _scope: Scope) -> dict[str, Any]:
        below, out = _runs(search, data, data.x, module)
        n = np.shape(out)[0 if data.layout == "columns" else -1]
        next_data = next(example_data(Sizes(n_in=n), (data.layout,)), None)
        if next_data is None:  # such as of one number a sample
            raise UnfitError("its layers give several numbers")
        above, _ = _runs(search, next_data, out, module)
        return {"self": result_of(kind, below, above)}

    return make


def _runs(search: LayerSearch, data: Data, x: Any, module: ModuleType) -> tuple[Any, Any]:
    """A layer with weights that takes some inputs, and its output.

    Raises:
        UnfitError: it is not made so that it takes them.
    """
    problem = UnfitError("how its layers are made is not known")
    for _, way in layer_constructions(search.kind, data):
        try:
            layer = way(data, Scope())["self"]
            weights = leaves(layer, "self", module)
            out = result_of(getattr(layer, search.forward), np.array(x))
        except UnfitError as error:
            problem = error
            continue
        if weights and np.ndim(out) == np.ndim(x) > 0:
            return layer, out
    raise problem
