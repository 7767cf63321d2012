"""A case with its numbers, and its tensors by the names that they have in a file.

Left out: the file (`casefile.py`), and what the values should be (`cases`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from conformance.corpus.case import Case
from conformance.model.row import of_batch
from reference.step import STATE, Array, Batch, Parameters, split


@dataclass(frozen=True, eq=False)
class RecordedStep:
    """One step of a case: what goes in, what must come out, and how far it may be off."""

    parameters: Parameters
    batch: Batch
    expected: Mapping[str, Array]  # correctly rounded; keys in causal order
    bound: Mapping[str, Array]  # the tolerance of each entry, rounded up


@dataclass(frozen=True, eq=False)
class Recorded:
    """A case with its numbers."""

    case: Case
    steps: tuple[RecordedStep, ...]


def layered(case: Case, named: Mapping[str, Array]) -> Parameters:
    """The parameters of the case among some named arrays.

    Raises:
        KeyError: one is missing.
        ValueError: their shapes do not make the network of the case.
    """
    parameters = Parameters.of(named)
    if parameters.sizes != case.sizes:
        raise ValueError(f"w2 … b{case.layers}")
    return parameters


def shape_of(case: Case, name: str, m: int) -> tuple[int, ...]:
    """The shape of a quantity of a case, in a mini-batch of m samples."""
    return case.rows[name].shape(case.sizes, m)


def assembled(case: Case, tensors: Mapping[str, Array]) -> Recorded:
    """The case of these tensors, which are all that it has, each in its shape and dtype and finite.

    Raises:
        ValueError: they are not; the message begins with the name of a tensor.
    """
    _check(case, tensors)
    parameters = layered(case, tensors)
    steps = []
    for t in range(case.steps):
        expected = {name: tensors[f"{t}/{name}"] for name in case.rows}
        bound = {name: tensors[f"bound/{t}/{name}"] for name in expected}
        masks = tuple(tensors[f"{t}/{name}"] for name in case.masks)
        batch = Batch(tensors[f"{t}/x"], tensors[f"{t}/y"], masks)
        steps.append(RecordedStep(parameters, batch, expected, bound))
        parameters = layered(case, expected)
    return Recorded(case, tuple(steps))


def _shapes(case: Case) -> dict[str, tuple[int, ...]]:
    """The tensors of a case and their shapes."""
    start = [f"{kind}{layer}" for layer in range(2, case.layers + 1) for kind in "bw"]
    start += [name for name in case.rows if split(name)[0] in STATE]
    shapes, hidden = {name: shape_of(case, name, 0) for name in start}, case.sizes[1:-1]
    for t, batch in enumerate(case.batches):
        m = len(batch)
        shapes |= {f"{t}/x": (case.sizes[0], m), f"{t}/y": (case.sizes[-1], m)}
        shapes |= {f"{t}/{name}": (n, m) for name, n in zip(case.masks, hidden, strict=False)}
        for name in case.rows:
            shapes[f"{t}/{name}"] = shapes[f"bound/{t}/{name}"] = shape_of(case, name, m)
    return shapes


def _check(case: Case, tensors: Mapping[str, Array]) -> None:
    """Refuse what is not the tensors of the case, each in its shape and dtype and finite.

    Raises:
        ValueError: the message begins with the name of the tensor.
    """
    shapes = _shapes(case)
    for name in sorted(shapes.keys() ^ tensors.keys()):
        what = "is missing" if name in shapes else "does not belong there"
        raise ValueError(f"{name} {what}")
    for name, shape in shapes.items():
        array = tensors[name]
        if array.shape != shape or array.dtype != case.type:
            right = f"{case.dtype} {shape}"
            raise ValueError(f"{name} is {array.dtype} {array.shape}, should be {right}")
        bound = name.startswith("bound/")
        if not np.isfinite(array).all() or (bound and np.count_nonzero(array < 0)):
            raise ValueError(f"{name} holds a number that is not finite, or a bound below zero")


def tensors(recorded: Recorded) -> dict[str, Array]:
    """Everything that a case's file holds, in its order: start, samples, values and bounds."""
    named = begun(recorded.steps[0].parameters)
    for t, step in enumerate(recorded.steps):
        named |= {f"{t}/{name}": array for name, array in of_batch(step.batch).items()}
        named |= {f"{t}/{name}": array for name, array in step.expected.items()}
        named |= {f"bound/{t}/{name}": array for name, array in step.bound.items()}
    return {name: _little(array) for name, array in named.items()}


def begun(parameters: Parameters) -> dict[str, Array]:
    """What a case starts from by the names that it has in a file, sorted."""
    return dict(sorted([*parameters.named(), *parameters.state.items()]))


def _little(array: Array) -> Array:
    """The same numbers little-endian and row by row, on whatever machine."""
    return np.array(array, array.dtype.newbyteorder("<"), order="C")
