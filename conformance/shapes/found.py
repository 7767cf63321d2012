"""What is known of the programs of a file, and what runs them again as they are then.

A change of a line is tried by the gradients that a program gives then, and confirmed with other
numbers, with which it has to be right as well. Left out: programs that are read in ways of ours
(`reading.py`), and the words (`report/file_report.py`).
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from conformance.backward.findings import OWN, Examined
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import OwnPass, parameter_names, record, short, walked
from conformance.running.quiet import quiet
from reference.step import Array

Gradients = Mapping[str, Array]
"""By the names of the parameters; beside them outputs, which no mistake in a gradient changes."""

LOSS = "its loss"
BY = 0.1
"""How far numbers are moved, relative to each: many have to stay what they are, such as above 0."""


class Rerun(NamedTuple):
    """What runs something again that was judged.

    Attributes:
        again: gives its gradients.
        elsewhere: whether it is right with other numbers.
    """

    again: Callable[[], Gradients]
    elsewhere: Callable[[], bool]


def of_step(made: Callable[[bool], OwnPass]) -> Rerun:
    """What records a step again.

    Args:
        made: records it; with other numbers, if it is told so.
    """

    def again() -> Gradients:
        step = made(False)
        loss = {} if step.loss is None else {LOSS: step.loss.value}
        return loss | {each.name: each.node.value for each in step.goals}

    return Rerun(again, lambda: examine_pass(made(True), blame=False).ok)


def of_function(
    function: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...] = (),
    own: Callable[..., Any] | None = None,
) -> Rerun:
    """What calls a function again that gives a loss and gradients; see `record`."""
    names = parameter_names(params)

    def again() -> Gradients:
        with quiet():
            loss, gradients = function(*copy.deepcopy((params, *data)))
        found = walked(gradients, names)
        return {LOSS: np.asarray(loss), **{short(name): np.asarray(e) for name, e in found}}

    def elsewhere() -> bool:
        settings = tuple(moved(each) if type(each) is float else each for each in data)
        return examine_pass(record(function, moved(params), settings, own), blame=False).ok

    return Rerun(again, elsewhere)


def other_defaults(functions: Iterable[FunctionType]) -> AbstractContextManager[None]:
    """Functions with other floats as defaults, to the end of the block.

    Those of one name stay equal, as a setting has to be that several functions take.
    """

    def other(name: str, value: Any) -> Any:
        by = BY * np.random.default_rng([*name.encode()]).uniform(0.5, 1.0)
        return value * (1 + by) if type(value) is float else value

    return with_defaults(functions, other)


@contextmanager
def with_defaults(functions: Iterable[Any], other: Callable[[str, Any], Any]) -> Iterator[None]:
    """Functions with other defaults, to the end of the block.

    Args:
        functions: they; what is none stays as it is.
        other: gives a default, by the name of its argument and what it was.
    """
    own = [each for each in functions if isinstance(each, FunctionType)]
    before = [(each, each.__defaults__, each.__kwdefaults__) for each in own]
    try:
        for each, defaults, by_name in before:
            count = each.__code__.co_argcount
            names = each.__code__.co_varnames[count - len(defaults or ()) : count]
            each.__defaults__ = defaults and tuple(map(other, names, defaults))
            each.__kwdefaults__ = by_name and {k: other(k, e) for k, e in by_name.items()}
        yield
    finally:
        for each, defaults, by_name in before:
            each.__defaults__, each.__kwdefaults__ = defaults, by_name


def moved(value: Any) -> Any:
    """Other numbers: each float of arrays, dicts, lists and tuples, moved a little."""
    return _moved(value, np.random.default_rng(17))


def _moved(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, Mapping):
        return {key: _moved(each, rng) for key, each in value.items()}
    if isinstance(value, list | tuple):
        parts = [_moved(each, rng) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    size = np.where(array == 0, np.max(np.abs(array), initial=0.0) or 1.0, array)
    by = array.dtype.type(BY) * size * rng.uniform(-1.0, 1.0, size=array.shape)
    other = (array + by).astype(array.dtype)
    return other if isinstance(value, np.ndarray) else type(value)(other)


@dataclass(frozen=True)
class Recognised:
    """What a program was taken for.

    Attributes:
        made: the call that makes it.
        layout: of the samples.
        coding: of the targets; nothing where there are none.
        calls: its functions, in the order in which they were called, each with its arguments.
        source: where its gradients are: `returned` or `moved`.
        parameters: their names.
        backward: the place among the calls of the one that gives the gradients.
        constant: the biases, where the program moves none of them.
        alone: if it is right for one alone, and not for several, of what: an output, a vector;
            `ones` if it is for samples that begin with 1.
        off: what it may be told, and was not, such as `momentum=True`.
        rule: by which it moves its parameters, in words, if it is another than the book's.
        unruled: its methods that move parameters, by a rule that is not judged.
        sums: the parameters of which the gradients are added up, and nothing sets them back.
        called: whether it was given what the file calls it with.
        undecayed: whether its gradients lack the decay of its loss, and nothing adds it.
    """

    made: str
    layout: str
    coding: str
    calls: tuple[str, ...]
    source: str
    parameters: tuple[str, ...]
    backward: int = -1
    constant: tuple[str, ...] = ()
    alone: str = ""
    off: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    unruled: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    called: bool = False
    undecayed: bool = False

    @property
    def leaves_out(self) -> bool:
        """Whether something of it is not judged: it may move its parameters otherwise."""
        return bool(self.off or self.unruled or self.undecayed)


@dataclass(frozen=True)
class Found:
    """A program, recognised and judged.

    Attributes:
        recognised: what it was taken for.
        examined: what is known of its gradients.
        used: the names of the functions and classes of the file that took part.
        unjudged: the parameters of which no gradient is found.
        beside: the gradients that it returns and that are of nothing that is known.
        unnamed: arrays that may be parameters as well, and of which no gradient is found.
        again: runs it as it is then, in the process that judged it, and gives its gradients.
        elsewhere: tells whether it is right then, with other numbers.
        another: judges it with other settings, such as another activation, and gives what is known
            where it is wrong; None if it is with none.
    """

    recognised: Recognised
    examined: Examined
    used: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    again: Callable[[], Gradients] | None = field(
        default=None, compare=False, repr=False, metadata=OWN
    )
    elsewhere: Callable[[], bool] | None = field(
        default=None, compare=False, repr=False, metadata=OWN
    )
    another: Callable[[], "Found | None"] | None = field(
        default=None, compare=False, repr=False, metadata=OWN
    )

    def rerun(self, by: Rerun) -> "Found":
        """The same, with what runs it again."""
        return replace(self, again=by.again, elsewhere=by.elsewhere)

    @property
    def misshapen(self) -> bool:
        """Whether a gradient has another shape than its parameter."""
        return any(each.cause.kind == "shape" for each in self.examined.accused)


@dataclass(frozen=True)
class NotJudged:
    """A thing that fits no shape, though its names say that it goes backwards.

    Attributes:
        name: of it.
        why: how far the readings came.
        network: whether it is what is to be judged: a class, or what goes backward by its name.
        guess: whether no name says that it goes backward, so that it is said only beside nothing.
        final: whether that is all that can be said: neither to run the file nor to write a program
            that calls it would show whether it is right.
        runs: whether a run of the file that uses it shows that after all.
    """

    name: str
    why: str
    network: bool = False
    guess: bool = False
    final: bool = False
    runs: bool = False


UNRULED = "its updates are those of no rule that is known, such as momentum or Adam"
"""Why what moves parameters is not judged."""


def without_gradients(name: str, parameters: Sequence[str]) -> NotJudged:
    """A thing with parameters of which no gradient is found, though that of its input is."""
    return NotJudged(name, f"no gradient is found of {', '.join(parameters)}", True, final=True)


def beside_gradients(name: str, beside: Sequence[str]) -> NotJudged:
    """A thing that was judged, but for gradients of what is no parameter."""
    words = f"it returns {', '.join(beside)} as well, and of what is not known"
    return NotJudged(name, words, final=True)


def without_names(name: str, arrays: Sequence[str]) -> NotJudged:
    """A thing that was judged, but for arrays that no name says are parameters."""
    words = f"its output is made of {', '.join(arrays)} as well, and no gradient of it is found"
    return NotJudged(name, words, final=True)


@dataclass(frozen=True)
class NotHere:
    """What a file asked for, such as data.

    Attributes:
        where: its file and line.
        why: it is not here.
        endless: whether it went on for too long instead.
    """

    where: str
    why: str
    endless: bool = False


@dataclass(frozen=True)
class Refused:
    """A file of which nothing fits a shape.

    Attributes:
        said: the file, as it was given.
        defines: what it defines.
        adapter: a program that judges it, once it has what it lacks.
        unfit: what in it may not be meant to be judged, with the reason why it is not.
    """

    said: str
    defines: str
    adapter: str
    unfit: tuple[NotJudged, ...] = ()
