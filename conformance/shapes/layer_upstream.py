"""The outputs that a layer gives, and the ∂C/∂ of each that is given back.

Where it is not right for the first, it may be meant for what it gives that is made of the first: a
layer that returns `ys, h` may be told ∂C/∂(the last y). Left out: judging it (`layers.py`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from conformance.programs.held_state import is_floats
from conformance.shapes.attempts import Attempt, UnfitError
from conformance.shapes.function_sources import returned_parts
from conformance.shapes.layer_arguments import Takes

ENTRIES = 8  # of an output, which are tried alone


def outputs(run: Attempt, result: Any, kept: Mapping[str, Any], takes: Takes) -> list[Any]:
    """The arrays that a forward part gives; else what the layer keeps of them.

    They are those whose names its backward part says, in its order; else the first ones.

    Args:
        run: that went forward.
        result: what the forward part returned.
        kept: what it was handed, stored or returned, by name.
        takes: what the backward part takes.

    Raises:
        UnfitError: it gives no array of floats.
    """
    parts = list(result) if isinstance(result, tuple) else [result]
    own = _kept(run, ("output", "out", "a"))
    outs = [each for each in parts if isinstance(each, np.ndarray)] or [own]
    if any(out is None or out.dtype.kind != "f" or not out.size for out in outs[:1]):
        raise UnfitError("its forward part gives no array")
    names = {**kept, **dict(returned_parts(run.results[0][1], result))}
    told: list[Any] = [names.get(name) for name in takes.named]
    if told and all(is_floats(each) and each.size for each in told):
        return told
    return [each for each in outs if each.dtype.kind == "f" and each.size][: takes.upstreams]


def output_made_of(run: Attempt, first: Any, result: Any) -> Any:
    """What a forward part gives that is made of its first array: of a list, that of the last step.

    Raises:
        UnfitError: there is none.
    """
    parts = result if isinstance(result, tuple) else ()
    ends = [each[-1] if isinstance(each, list) and each else each for each in parts]
    node = run.node(first)
    for each in (e for e in ends if is_floats(e) and e.size):
        if run.node(each) is not node and run.node(each).depends_on(node):
            return each
    raise UnfitError("it gives no further output")


def upstream(rng: np.random.Generator, out: Any, at: int | None) -> Any:
    """A generic ∂C/∂(an output), so small that no gradient is clipped.

    Or one entry of it: of so many that lie between the first and the last one, the one of a number.
    """
    dout: Any = (2.0**-6 * rng.normal(size=out.shape)).astype(out.dtype)
    if at is None:
        return dout
    place = at * (out.size - 1) // (ENTRIES - 1)
    return np.where(np.arange(out.size).reshape(out.shape) == place, dout, 0.0)


def _kept(run: Attempt, names: Iterable[str]) -> Any:
    """What a layer keeps under one of some names."""
    layer = run.roots["self"]
    return next(
        (getattr(layer, e) for e in names if isinstance(getattr(layer, e, None), np.ndarray)), None
    )
