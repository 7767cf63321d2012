"""A program of a dozen lines that lets a file be judged that fits no shape.

It has the file's own names and the shapes of its arrays, and it runs. What is not known is a guess
that a comment marks. Left out: writing it (`cli/init.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conformance.programs.held_state import Leaf, leaves
from conformance.programs.vocabulary import is_parameter, kinds_of
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import called, needed, taken
from conformance.shapes.attempts import LONGEST
from conformance.shapes.definitions import Definitions
from conformance.shapes.example_data import Data, Sizes, example_data
from conformance.shapes.plans import by_role, constructions, methods, sizes_of

PROGRAM = """\
import numpy as np
from conformance import check_backward
from {module} import {name}

rng = np.random.default_rng(0)
X, y = rng.normal(size={x}), np.eye({classes})[np.arange({m}) % {classes}]  # its data
params = {{{params}}}


def step(params, X, y):
{body}


report = check_backward(step, params, X, y)
print(report)
raise SystemExit(report.exit_code)
"""
LAST = PROGRAM[PROGRAM.index("report =") :]


@dataclass(frozen=True)
class _Parts:
    """What differs between adapters: a name, the data, the parameters, the likeliest steps."""

    name: str
    data: Data
    shapes: dict[str, tuple[int, ...]]
    bodies: Sequence[Sequence[str]]

    def program(self, found: Definitions) -> str:
        """The source, with the first step that runs."""
        arrays = (f"{name!r}: rng.normal(size={e})" for name, e in self.shapes.items())
        parts = {
            "module": Path(found.place).stem,
            "name": self.name,
            "x": self.data.x.shape,
            "classes": self.data.sizes.n_out,
            "m": self.data.sizes.m,
            "params": ", ".join(arrays),
        }
        bodies = ("\n".join(f"    {line}" for line in each) for each in self.bodies)
        made = [PROGRAM.format(body=each, **parts) for each in bodies]
        return next((each for each in made if _runs(each, found)), made[-1])


def _runs(source: str, found: Definitions) -> bool:
    """Whether an adapter runs, but for the judgement."""
    imported = f"from {Path(found.place).stem} import "
    lines = [e for e in source.removesuffix(LAST).splitlines() if not e.startswith(imported)]
    names = dict(vars(found.module))
    try:
        with quiet(), limited(LONGEST):
            exec("\n".join([*lines, "step(params, X, y)"]), names)  # noqa: S102 - it is our own
    except (Exception, TooLongError):  # noqa: BLE001 - a program may stop in any way
        return False
    return True


def adapter(found: Definitions, name: str | None = None) -> str:
    """The source of a program that judges what a file defines; nothing if it defines nothing.

    Args:
        found: what the file defines.
        name: of the class or function; None for the likeliest.
    """
    kinds = [e for e in found.classes if name in (None, e.__name__)]
    kinds.sort(key=lambda kind: -sum(map(bool, by_role(methods(kind)).values())))
    made = next((each for kind in kinds if (each := _of_class(kind, found))), None)
    made = made or _of_function(found, name)
    return "" if made is None else made.program(found)


def _of_class(kind: type, found: Definitions) -> _Parts | None:
    """The parts for the first way in which a class is made and has arrays."""
    data = next(example_data(Sizes(), ("rows",)))
    for _, args, kwargs in constructions(kind, data):
        try:
            with quiet():
                net = kind(*args, **kwargs)
        except Exception:  # noqa: BLE001, S112 - another way may do
            continue
        held = _parameters(leaves(net, "net", found.module))
        if not held:
            continue
        data = next(example_data(sizes_of({"self": net}, found.module, Sizes())[0], ("rows",)))
        given = [*map(_written, args), *(f"{name}={_written(e)}" for name, e in kwargs.items())]
        shapes = {each.name: np.shape(each.value) for each in held}
        return _Parts(kind.__name__, data, shapes, _bodies(kind, ", ".join(given), held))
    return None


def _parameters(held: Sequence[Leaf]) -> list[Leaf]:
    """The arrays of different names, those with names of parameters if there are any."""
    named = [each for each in held if each.is_parameter] or held
    return list({each.name: each for each in named}.values())


def _written(value: Any) -> str:
    """An argument as it is written."""
    if isinstance(value, np.ndarray):
        return "X" if value.shape[-1:] == (Sizes().n_in,) else "y"
    return repr(value)


def _bodies(kind: type, given: str, held: Sequence[Leaf]) -> list[list[str]]:
    """The steps of a class, the likeliest first; the last one runs."""
    roles = by_role(methods(kind))
    ahead = next((name for name, _ in roles["forward"]), None)
    ways = (*roles["backward"], *roles["train"], *roles["update"])
    back = next((name for name, _ in ways), None)
    paths = ", ".join(each.path for each in held)
    copies = ", ".join(f"params[{each.name!r}].copy()" for each in held)
    apart = ", ".join(f"{each.name!r}: params[{each.name!r}] - {each.path}" for each in held)
    forward = f"output = net.{ahead}({_arguments(kind, ahead)})" if ahead else ""
    backward = f"net.{back}({_arguments(kind, back)})" if back else "call here what goes backwards"
    first = [f"net = {kind.__name__}({given})", f"{paths} = {copies}"]
    known = [forward, "loss = ((output - y) ** 2).sum() / 2  # put its own loss here"]
    unknown = ["loss = sum((e ** 2).sum() for e in params.values())  # put its own loss here"]
    last = f"return loss, {{{apart}}}  # put the gradients here"
    return [
        [*first, *known, backward, last],
        [*first, *known, f"# {backward}", last],
        [*first, *unknown, f"# {backward}", last],
    ]


GUESSES = {
    "inputs": "X", "targets": "y", "output": "output", "rate": "1.0", "count": "1",
    "pairs": "list(zip(X, y))",
}  # fmt: skip


def _arguments(kind: type, method: str) -> str:
    """The arguments of a method, as far as their names tell."""
    return ", ".join(_guess(each.name) for each in needed(getattr(kind, method))[1:])


def _guess(name: str) -> str:
    return next((GUESSES[kind] for kind in kinds_of(name) if kind in GUESSES), "y")


def _of_function(found: Definitions, name: str | None) -> _Parts | None:
    """The parts for the likeliest function; None if there is none."""
    roles = by_role([(each.__name__, each) for each in found.functions])
    ranked = [f for role in ("backward", "loss", "train") for _, f in roles[role]]
    functions: list[Callable[..., Any]] = [
        *(each for each in found.functions if each.__name__ == name),
        *(each for each in ranked if callable(each)),
        *sorted(found.functions, key=lambda each: -len(needed(each))),
    ]
    if not functions:
        return None
    function, data = functions[0], next(example_data(Sizes(), ("rows",)))
    names = [each.name for each in taken(function)]
    params = [each for each in names if is_parameter(each) or "params" in kinds_of(each)]
    n, k = data.sizes.n_in, data.sizes.n_out
    shapes: dict[str, tuple[int, ...]] = {
        name: (n, k) if i % 2 == 0 else (k,) for i, name in enumerate(params or ["W"])
    }
    given = ", ".join(f"params[{e!r}]" if e in params else _guess(e) for e in names)
    call = f"loss, gradients = {function.__name__}({given})"
    bodies = [
        [call, "return loss, gradients  # the loss, and a gradient for each of params"],
        [
            f"# {call}",
            "loss = sum((e ** 2).sum() for e in params.values())  # put its own loss here",
            "return loss, {key: 0 * e for key, e in params.items()}  # put the gradients here",
        ],
    ]
    return _Parts(function.__name__, data, shapes, bodies)


def names_of(found: Definitions) -> str:
    """What a file defines, in a line."""
    said = [*(f"class {each.__name__}" for each in found.classes), *map(called, found.functions)]
    return ", ".join(said) or "nothing"
