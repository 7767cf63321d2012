"""Functions that are judged on the vectors that they are handed, or on data that the file makes.

Such is the loss of one pair of words, with its gradients: a vector, the index of a word, the
vectors of all words; and `f(*make(0))`. Left out: what computes with inputs and targets of many
samples (`search.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.examine_gradients import examine
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, is_role
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import LONGEST
from conformance.shapes.found import Found, Recognised
from conformance.shapes.function_sources import returned_names
from conformance.shapes.learned import is_number
from conformance.shapes.reruns import of_function, of_step
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

SHAPES: Mapping[str, tuple[int, ...]] = {
    r"\w*(vectors|vecs|embeddings|matrix)": (5, 4),
    r"\w*(vec|vector|embedding)|predicted|h|v": (4,),
    r"\w*(idx|index|target|label)": (),
}
"""The shapes of arguments by their names: the vectors of all words, one vector, a number of one."""
OTHERS = re.compile(r"\w*(indices|idxs|indexes|negatives?|negsamples)|neg\w*(idx|index|ids?)")
"""The numbers of other words, which are drawn: one may come twice."""


@dataclass(frozen=True)
class VectorLossSearch:
    """A function that may give a loss and gradients by its arrays.

    Attributes:
        function: it.
        shapes: of its arguments; None for what it may do without.
        problems: why it could not be judged.
    """

    function: FunctionType
    shapes: Mapping[str, tuple[int, ...] | None]
    problems: list[str] = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run so."""
        try:
            step = self._run(other=False)
        except (Exception, TooLongError) as error:  # noqa: BLE001 - a program may refuse it in any way
            self.problems.append(f"{self.function.__name__}: {type(error).__name__}: {error}")
            return None
        try:
            examined = examine_pass(step)
        except NotAGradientError as error:
            self.problems.append(str(error))
            return None
        names = tuple(each.name for each in step.goals)
        calls = (called(self.function),)
        recognised = Recognised("", "one vector", "", calls, "returned", names)
        found = Found(recognised, examined, (self.function.__name__,))
        return found.rerun(of_step(lambda other: self._run(other=other)))

    def _run(self, *, other: bool) -> OwnPass:
        """A recorded run, with the numbers that are judged or with others."""
        trace, rng = Trace(sites=True), np.random.default_rng(5 if other else 4)
        others = {name: np.array([0, 3, 0]) for name in self.shapes if OTHERS.fullmatch(bare(name))}
        given: dict[str, Any] = others | {
            name: trace.given(rng.normal(size=shape), name) if shape else 1 if shape == () else None
            for name, shape in self.shapes.items()
            if name not in others
        }
        with quiet(), limited(LONGEST), traced_program(trace, self.function):
            result = self.function(**given)
        arrays = {name: e for name, e in given.items() if is_floats(e)}
        goals = _goals(trace, result, arrays)
        loss = trace.argument(result[0]) if goals else None
        return OwnPass(trace, goals, loss=loss, promised=True)


def _goals(trace: Trace, result: Any, arrays: Mapping[str, Any]) -> tuple[Goal, ...]:
    """The gradients beside a loss, each of the argument of its shape; none if it gives none."""
    parts = list(result) if isinstance(result, tuple | list) else []
    if len(parts) <= len(arrays) or not is_number(parts[0]):
        return ()
    by_shape = {np.shape(each): each for each in parts[1:]}
    return tuple(
        Goal(name, trace.argument(each), trace.argument(by_shape[each.shape]))
        for name, each in arrays.items()
        if each.shape in by_shape
    )


def vector_losses(functions: Sequence[FunctionType]) -> Iterator[VectorLossSearch]:
    """The functions that return a loss and something beside it, and take vectors and an index."""
    for function in functions:
        names = returned_names(function)
        shapes = {each.name: _shape(each.name) for each in needed(function)}
        known = [each for each in shapes.values() if each is not None]
        gives = len(names) > 1 and is_role(names[0], "loss") is not None
        if gives and len(set(known)) == len(known) == len(SHAPES):
            yield VectorLossSearch(function, shapes)


def _shape(name: str) -> tuple[int, ...] | None:
    words = bare(name)
    known = (shape for key, shape in SHAPES.items() if re.fullmatch(key, words))
    return None if OTHERS.fullmatch(words) else next(known, None)


SEEDS = {"seed", "rng", "randomstate", "n", "m", "s"}


@dataclass(frozen=True)
class OwnDataSearch:
    """A function and those that may make its arguments.

    Attributes:
        function: it gives a loss and gradients.
        makers: of the file, called with a seed or with nothing.
        problems: none: what does not run so may run otherwise.
    """

    function: FunctionType
    makers: tuple[FunctionType, ...]
    problems: tuple[str, ...] = ()

    def found(self, cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run on what the file makes."""
        for maker in self.makers:
            for params, data in _arguments(maker, len(needed(self.function))):
                found = self._judged(maker, params, data, cost)
                if found is not None:
                    return found
        return None

    def _judged(
        self, maker: FunctionType, params: Any, data: tuple[Any, ...], cost: str | None
    ) -> Found | None:
        try:
            with quiet(), limited(LONGEST):
                result = self.function(params, *data)
            if not isinstance(result, tuple | list) or len(result) != len(("loss", "gradients")):
                return None
            examined = examine(self.function, params, data, cost=cost)
        except (Exception, TooLongError):  # noqa: BLE001 - other arguments may do
            return None
        names = tuple(each.name for each in examined.gradients)
        calls = (called(self.function),)
        recognised = Recognised("", f"data of {called(maker)}", "", calls, "returned", names)
        own = set(self.function.__code__.co_names) & set(self.function.__globals__)  # it calls them
        used = self.function.__name__, maker.__name__, *sorted(own)
        return Found(recognised, examined, used).rerun(of_function(self.function, params, data))


def _arguments(maker: FunctionType, count: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The parameters and the data that a function makes, in so many arguments."""
    try:
        with quiet(), limited(LONGEST):
            made = maker(*([0] * len(needed(maker))))
    except (Exception, TooLongError):  # noqa: BLE001 - a program may stop in any way
        return
    if not isinstance(made, tuple | list):
        return
    if len(made) == count > 1:
        yield made[0], tuple(made[1:])
    pair = len(made) == len(("params", "data"))
    if pair and isinstance(made[1], tuple | list) and len(made[1]) == count - 1:
        yield made[0], tuple(made[1])


def own_data(functions: Sequence[FunctionType]) -> Iterator[OwnDataSearch]:
    """The functions that may be run on data that the file makes; one that trains gives no loss."""
    makers = tuple(each for each in functions if _makes(each))
    for each in functions:
        trains = is_role(each.__name__, "train") is not None
        if makers and each not in makers and not trains and len(needed(each)) > 1:
            yield OwnDataSearch(each, makers)


def _makes(function: Callable[..., Any]) -> bool:
    names = [bare(each.name) for each in needed(function)]
    return not names or (len(names) == 1 and names[0] in SEEDS)
