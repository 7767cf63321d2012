"""Functions that give a loss and its gradients by the vectors that they are handed.

Such is the loss of one pair of words: a vector, the index of a word, the vectors of all words. The
names of functions and classes tell which are losses with their gradients. Left out: what computes
with inputs and targets of many samples (`search.py`), and losses of outputs (`losses.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.program import Goal, NotAGradientError, OwnPass
from conformance.backward.syntax import tree
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import called, needed, taken
from conformance.shapes.definitions import returned_names
from conformance.shapes.judging import Found, Recognised
from conformance.shapes.layers import called_itself
from conformance.shapes.learned import is_number
from conformance.shapes.loss_data import weighs
from conformance.shapes.losses import PAIR, LossSearch, beside_names, is_gradient
from conformance.shapes.run import LONGEST
from conformance.shapes.vocabulary import WEIGHT, bare, is_plain, is_role, kinds_of
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

SHAPES: Mapping[str, tuple[int, ...]] = {
    r"\w*(vectors|vecs|embeddings|matrix)": (5, 4),
    r"\w*(vec|vector|embedding)|predicted|h|v": (4,),
    r"\w*(idx|index|target|label)": (),
}
"""The shapes of arguments by their names: the vectors of all words, one vector, a number of one."""


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
        trace, rng = Trace(sites=True), np.random.default_rng(4)
        given: dict[str, Any] = {
            name: trace.given(rng.normal(size=shape), name) if shape else 1 if shape == () else None
            for name, shape in self.shapes.items()
        }
        try:
            with quiet(), limited(LONGEST), traced_program(trace, self.function):
                result = self.function(**given)
        except (Exception, TooLongError) as error:  # noqa: BLE001 - a program may refuse it in any way
            self.problems.append(f"{self.function.__name__}: {type(error).__name__}: {error}")
            return None
        arrays = {name: e for name, e in given.items() if isinstance(e, np.ndarray)}
        goals = _goals(trace, result, arrays)
        loss = trace.argument(result[0]) if goals else None
        try:
            examined = examine_pass(OwnPass(trace, goals, loss=loss, promised=True))
        except NotAGradientError as error:
            self.problems.append(str(error))
            return None
        names = tuple(each.name for each in goals)
        calls = (called(self.function),)
        recognised = Recognised("", "one vector", "", calls, "returned", names)
        return Found(recognised, examined, (self.function.__name__,))


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
    return next((shape for key, shape in SHAPES.items() if re.fullmatch(key, words)), None)


LOSS = re.compile(
    r"loss|cost|entropy|nll|mse|hinge|error|huber|contrastive|triplet|nce|dice|divergence|likelihood"
)
RETURNED = re.compile(r"(\w+_)?(loss|cost|nll|objective)|l|j")
"""The names under which a function returns a loss."""


def loss_class(kind: type) -> LossSearch | None:
    """A class as a loss with its gradient; None if it is none."""
    names = [n for n in dir(kind) if callable(getattr(kind, n)) and is_plain(n)]
    ahead = [
        n
        for n in names
        if is_role(n, "loss") is not None or is_role(n, "forward") == 0 or bare(n) == "calculate"
    ] or called_itself(kind)
    back = [
        n
        for n in names
        if is_role(n, "backward") is not None or bare(n) in ("prime", "derivative", "delta")
    ]
    back = [n for n in back if len(needed(getattr(kind, n))) <= 3]  # noqa: PLR2004
    ends = any(len(needed(getattr(kind, n))) == 1 for n in back)  # given nothing, as no layer is
    two = [n for n in ahead if len(needed(getattr(kind, n))) == 3]  # noqa: PLR2004
    ahead = [n for n in two if ends or _compares(getattr(kind, n))]
    whole = [
        n
        for n in names
        if is_role(n, "forward") is not None and len(needed(getattr(kind, n))) == len(PAIR)
    ]
    if needed(kind) or not ahead or not back or whole:
        return None  # what goes forward from inputs alone is a network
    return LossSearch(kind.__name__, ahead[0], back[0], kind, told=not kind.__subclasses__())


def _compares(function: Callable[..., Any]) -> bool:
    """Whether a method takes an output and a target."""
    return any("targets" in kinds_of(each.name) for each in taken(function))


def losses(functions: Sequence[FunctionType]) -> Iterator[LossSearch]:
    """The losses among functions that give their gradients, or have a partner that does."""
    named = {bare(each.__name__): each for each in functions}
    for name, function in named.items():
        count = len(needed(function))
        ends = ("prime", "derivative", "deriv", "grad", "gradient", "backward", "delta")
        prime = next((named[name + end] for end in ends if name + end in named), None)
        if prime is not None:
            if count == len(needed(prime)) == len(PAIR):
                given = _given(function, prime)
                yield LossSearch(function.__name__, function, prime, given=given)
        elif LOSS.search(name) and count == len(PAIR) and _compares(function):
            yield LossSearch(function.__name__, function, None, told=_promises(function))
        elif count >= len(PAIR) and _promises(function):
            says = LOSS.search(name) or RETURNED.fullmatch(bare(returned_names(function)[0]))
            names = [each.name for each in needed(function)]
            if says and not any(_of_a_network(e) for e in names if not weighs(names, e)):
                yield LossSearch(function.__name__, function, None, told=True)


def _given(*functions: FunctionType) -> list[str]:
    """What the file gives two functions of arguments that tell nothing; nothing if it varies."""
    own = {kind for each in functions for e in needed(each) for kind in kinds_of(e.name)}
    if own & {"targets", "output"}:
        return []
    names = {each.__name__ for each in functions}
    whole = tree(functions[0].__code__.co_filename)
    calls = [e for e in ast.walk(whole or ast.Pass()) if isinstance(e, ast.Call)]
    found = [
        [_last_name(arg) for arg in each.args]
        for each in calls
        if _last_name(each.func) in names and len(each.args) == len(PAIR)
    ]
    at = {tuple("targets" in kinds_of(name) for name in each) for each in found}
    return found[0] if len(at) == 1 and sum(*at) == 1 else []


def _last_name(written: ast.expr) -> str:
    """The name in what is written: `net.y_pred`, `Y[i]`."""
    while isinstance(written, ast.Subscript):
        written = written.value
    return written.attr if isinstance(written, ast.Attribute) else getattr(written, "id", "")


def _promises(function: FunctionType) -> bool:
    """Whether a function returns something beside a loss that may be its gradient."""
    return any(map(is_gradient, beside_names(function)))


def _of_a_network(name: str) -> bool:
    """Whether an argument is the weights of a network, or its inputs."""
    kinds, words = kinds_of(name), bare(name)
    return "inputs" in kinds or (len(words) > 1 and "params" in kinds) or bool(
        WEIGHT.fullmatch(words)
    )  # fmt: skip
