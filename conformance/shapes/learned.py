"""What is kept of what a program's function returned, for its later calls.

It is kept by the name or the kind that it has. Left out: how later calls find it (`arguments.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from conformance.backward.costs import logits_of
from conformance.programs.held_state import is_floats, leaves
from conformance.programs.vocabulary import kinds_of
from conformance.shapes.arguments import RETURNED, taken
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.example_data import SEQUENCES, Data
from conformance.shapes.function_sources import returned_names
from conformance.tracing.arrays import Traced


def learn(run: Attempt, call: Call, function: Callable[..., Any], result: Any) -> None:
    """Keep what a function returned, by the names that it gives it.

    Raises:
        UnfitError: it is not what a function of this role gives.
    """
    scope = run.scope
    names = returned_names(function)
    parts = list(result) if isinstance(result, tuple | list) else [result]
    learned: dict[str, Any] = {}
    if len(names) == len(parts) and (len(parts) > 1 or not isinstance(result, tuple | list)):
        learned.update(zip(names, parts, strict=True))
    elif len(names) == 1:
        learned[names[0]] = result
    if isinstance(result, dict):
        learned.update({key: e for key, e in result.items() if isinstance(key, str)})
    for part in parts if call.role in ("update", "train") else ():
        if isinstance(part, dict):  # `return {"w": w, "b": b}, costs`
            learned.update({key: e for key, e in part.items() if key in run.roots})
    kind = f"{RETURNED}{getattr(function, '__name__', '')}"
    scope.kinds |= {kind: result, **{f"{kind} {i}": each for i, each in enumerate(parts)}}
    scope.names.update({k: e for k, e in learned.items() if not _is_given(function, k)})
    moved = {k: e for k, e in learned.items() if k in run.roots or call.role in ("update", "train")}
    run.updated.update(moved)
    if call.role == "forward":
        _learn_forward(run, result)
    elif call.role == "gradients" and not _has_loss(result):
        raise UnfitError("it gives no gradients beside the loss")
    elif call.role in ("backward", "gradients") and result is not None:
        scope.kinds["grads"] = parts[-1] if _is_pair(result) else result


def _is_given(function: Callable[..., Any], name: str) -> bool:
    """Whether a function was given the inputs by a name that it returns something else by.

    `def forward(self, x): x = …; return x`: the x of other functions is the inputs too.
    """
    return "inputs" in kinds_of(name) and name in {each.name for each in taken(function)}


def _has_loss(result: Any) -> bool:
    """Whether it may be a loss and gradients, in either order, or by their names."""
    parts = parts_of(result)
    return len(parts) > 1 and any(is_number(each) and np.ndim(each) == 0 for each in parts)


def parts_of(result: Any) -> list[Any]:
    """What is in a tuple, a list or a dict; nothing in anything else."""
    parts = result.values() if isinstance(result, dict) else result
    return [*parts] if isinstance(result, tuple | list | dict) else []


def _is_pair(result: Any) -> bool:
    """Whether it is a loss and gradients."""
    pair = isinstance(result, tuple | list) and len(result) == 2  # noqa: PLR2004
    return pair and is_number(result[0])


def is_number(value: Any) -> bool:
    """Whether it is one number."""
    return isinstance(value, float | np.floating | np.ndarray) and np.size(value) == 1


def _learn_forward(run: Attempt, result: Any) -> None:
    """Keep the output of a forward pass and its cache."""
    output = output_of(result, run.data)
    if output is None and "self" in run.roots:
        held = [leaf.value for leaf in leaves(run.roots["self"], "self", run.plan.module)]
        fitting = [each for each in held if _is_output(each, run.data)]
        output = fitting[-1] if fitting and result is None else None
    if output is None:
        raise UnfitError("it gives no output of the shape of the targets")
    run.scope.kinds["output"] = output
    run.scope.kinds["logits"] = _logits(run, output)
    if isinstance(result, tuple) and len(result) == 2:  # noqa: PLR2004 - the output and the cache
        other = result[1] if result[0] is output else result[0]
        run.scope.kinds["cache"] = other
    elif isinstance(result, tuple | list | dict):
        run.scope.kinds["cache"] = result


def _logits(run: Attempt, output: Any) -> Any:
    """What a function is given that asks for logits: what the output was made of by a softmax."""
    if run.trace is None or not isinstance(output, Traced) or run.tensors:
        return output
    node = run.node(output)
    found = logits_of(node)
    return output if found is node else run.recorded.traced(np.array(found.value), found)


def output_of(result: Any, data: Data) -> Any:
    """The output within what a forward pass returned: the last array of its shape, if there is one.

    Where it returns an output and a cache, it is the first of the two.
    """
    if _is_output(result, data):
        return result
    if isinstance(result, dict):
        result = list(result.values())
    if not isinstance(result, tuple | list):
        return None
    each = [e.values() if isinstance(e, dict) else e for e in (result, *result)]
    steps = [[*e] for e in each if isinstance(e, Iterable) and not isinstance(e, np.ndarray)]
    many, shape = data.steps
    fitting = [e for e in steps if sum(_has_shape(one, shape) for one in e) == many]
    if fitting or data.layout in SEQUENCES:  # an output a step
        return fitting[-1] if fitting else None
    if len(result) == 2 and _is_output(result[0], data) and not isinstance(result[1], np.ndarray):  # noqa: PLR2004
        return result[0]
    fitting = [each for each in result if _is_output(each, data)]
    return fitting[-1] if fitting else None


def _is_output(value: Any, data: Data) -> bool:
    numbers = value if isinstance(value, list) else [value]
    floats = all(isinstance(each, float | np.floating) for each in numbers)
    if data.single and len(numbers) == data.sizes.n_out and floats:
        return True
    return _has_shape(value, data.output_shape)


def _has_shape(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether it is floats of a shape, perhaps turned, or of as many where it is of one number."""
    if not is_floats(value):
        return False
    fits = value.shape in (shape, shape[::-1])
    return fits or (1 in shape and value.size == int(np.prod(shape)))
