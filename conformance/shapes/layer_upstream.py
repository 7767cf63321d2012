"""The outputs that a layer gives, and the ∂C/∂ of each that is given back.

Where it is not right for the first, it may be meant for what it gives that is made of the first: a
layer that returns `ys, h` may be told ∂C/∂(the last y). Left out: judging it (`layers.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, stem
from conformance.shapes.arguments import taken
from conformance.shapes.attempts import Attempt, UnfitError
from conformance.shapes.function_sources import returned_names

ENTRIES = 8  # of an output, which are tried alone


def outputs(run: Attempt, result: Any) -> list[Any]:
    """The arrays that a forward part gives; else what the layer keeps of them.

    Raises:
        UnfitError: it gives no array of floats.
    """
    parts = list(result) if isinstance(result, tuple) else [result]
    kept = _kept(run, ("output", "out", "a"))
    outs = [each for each in parts if isinstance(each, np.ndarray)] or [kept]
    if any(out is None or out.dtype.kind != "f" or not out.size for out in outs[:1]):
        raise UnfitError("its forward part gives no array")
    return [each for each in outs if each.dtype.kind == "f" and each.size]


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


def tells_the_first(forward: Any, backward: Any) -> bool:
    """Whether the name of what goes back is that of the first output: `dz`, where it is `z, a`."""
    first = bare(next(iter(returned_names(forward)), ""))
    names = [each.name for each in taken(backward)]
    return any(bare(name) != stem(name) == first for name in names)


def upstream(rng: np.random.Generator, out: Any, at: int | None) -> Any:
    """A generic ∂C/∂(an output), so small that no gradient is clipped.

    Or one entry of it: of so many that lie between the first and the last one, the one of a number.
    """
    dout: Any = (2.0**-6 * rng.normal(size=out.shape)).astype(out.dtype)
    if at is None:
        return dout
    place = at * (out.size - 1) // (ENTRIES - 1)
    return np.where(np.arange(out.size).reshape(out.shape) == place, dout, 0.0)


def _kept(run: Attempt, names: Sequence[str]) -> Any:
    """What a layer keeps under one of some names."""
    layer = run.roots["self"]
    return next(
        (getattr(layer, e) for e in names if isinstance(getattr(layer, e, None), np.ndarray)), None
    )
