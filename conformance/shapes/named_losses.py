"""Which functions and classes of a file are losses with their gradients, by their names.

Left out: judging them (`losses.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from types import FunctionType
from typing import Any

from conformance.backward.syntax import tree
from conformance.programs.vocabulary import (
    NOT_THESE,
    WEIGHT,
    bare,
    is_gradient,
    is_plain,
    is_role,
    kinds_of,
    stem,
)
from conformance.shapes.arguments import kinds_taken, method_of, needed
from conformance.shapes.definitions import is_open
from conformance.shapes.function_sources import beside_names, returned_keys, returned_names
from conformance.shapes.layer_arguments import called_itself
from conformance.shapes.loss_data import likelihood, weighs
from conformance.shapes.losses import PAIR, LossSearch

LOSS = re.compile(
    r"loss|cost|entropy|nll|mse|hinge|error|huber|contrastive|triplet|divergence|likelihood"
)
SLOPE = re.compile(r"grad|der(iv\w*)?$|prime|delta|slope")
"""What the name of what gives a gradient has beside that of its loss."""
GRADIENT = re.compile(r"grad|deriv|prime")
RETURNED = re.compile(r"(\w+_)?(loss|cost|nll|objective)|l|j")
"""The names under which a function returns a loss."""

SHORT = {"bce", "ce", "kl", "kld", "mae", "elbo", "iou", "nce", "dice"}
"""What losses are called for short, as whole words: `indices` has another."""

ENDS = ("prime", "derivative", "deriv", "grad", "gradient", "backward", "delta")
"""How the name of what gives the gradient of a loss goes on after that of the loss."""


def loss_class(kind: type) -> LossSearch | None:
    """A class as a loss with its gradient; None if it is none."""
    names = [n for n in dir(kind) if callable(getattr(kind, n)) and is_plain(n)]
    told = [
        n
        for n in names
        if is_role(n, "loss") is not None or is_role(n, "forward") == 0 or bare(n) == "calculate"
    ]
    ahead = [n for n in told if not is_open(getattr(kind, n))] or called_itself(kind)
    back = [
        n
        for n in names
        if is_role(n, "backward") is not None or bare(n) in ("prime", "derivative", "delta")
    ]
    count = {name: len(needed(method_of(kind, name))) for name in names}
    back = [n for n in back if count[n] <= len(PAIR)]
    ends = any(count[n] == 0 for n in back)  # given nothing, as no layer is
    two = [n for n in ahead if count[n] == len(PAIR)]
    ahead = [n for n in two if ends or _compares(getattr(kind, n))]
    whole = [n for n in names if is_role(n, "forward") is not None and count[n] == len(("inputs",))]
    keeps = not back and {*ahead} == {*names}  # its gradient, under the name of one
    if any(bare(each.name) != "name" for each in needed(kind)) or not (back or keeps):
        return None
    if whole:
        return _of_probabilities(kind, whole[0], back[0])
    made = type(kind.__name__, (kind,), {"__init__": _by_its_name}) if needed(kind) else kind
    if not ahead:
        return None
    prime = back[0] if back else None
    return LossSearch(kind.__name__, ahead[0], prime, made, told=bool(back) and _is_last(kind))


def _is_last(kind: type) -> bool:
    """Whether no class of its file derives from one."""
    derived: list[type] = kind.__subclasses__()
    return all(each.__module__ != kind.__module__ for each in derived)


def _by_its_name(self: Any) -> None:
    """Make a loss that is given a name, which its class has for ours."""
    super(type(self), self).__init__(type(self).__name__)


def _of_probabilities(kind: type, forward: str, back: str) -> LossSearch | None:
    """A class that makes probabilities and, given targets, the gradient of their likelihood.

    None if it is a network: what goes forward from inputs alone and holds something is one.
    """
    method = method_of(kind, back)
    if len(needed(method)) != len(("targets",)) or not _compares(method):
        return None
    try:
        held = vars(kind())
    except Exception:  # noqa: BLE001 - a program may refuse it in any way
        return None
    if any(not isinstance(each, str | int | float | None) for each in held.values()):
        return None

    def loss(self: Any, output: Any, target: Any) -> Any:
        return likelihood(getattr(self, forward)(output), target)

    loss.__name__ = forward
    made = type(kind.__name__, (kind,), {"likelihood": loss})
    return LossSearch(kind.__name__, "likelihood", back, made, told=_is_last(kind))


def _compares(function: Callable[..., Any]) -> bool:
    """Whether a method takes an output and a target."""
    return "targets" in kinds_taken(function)


def losses(functions: Sequence[FunctionType]) -> Iterator[LossSearch]:
    """The losses among functions that give their gradients, or have a partner that does."""
    named = {bare(each.__name__): each for each in functions}
    primes = {
        name: named[own + end]
        for name, function in named.items()
        for own in (_initials(function), name)
        for end in ENDS[::-1]
        if own + end in named
    }
    primes |= dict(_by_arguments(functions, primes))
    for name, function in named.items():
        count = len(needed(function))
        if name in primes:
            prime = primes[name]
            if count == len(needed(prime)) == len(PAIR):
                given = _given(function, prime)
                yield LossSearch(function.__name__, function, prime, given=given)
            elif _may_be_loss(function) and _takes_the_same(function, prime):
                yield LossSearch(function.__name__, function, prime)
        elif count > len(PAIR) and function in primes.values():
            continue
        elif LOSS.search(name) and count == len(PAIR) and _compares(function):
            yield LossSearch(function.__name__, function, None, told=_promises(function))
        elif (
            count >= len(PAIR)
            and _promises(function)
            and returns_loss(function)
            and not _is_of_a_network(function)
        ):
            yield LossSearch(function.__name__, function, None, told=True)


def _may_be_loss(function: FunctionType) -> bool:
    """Whether a function may be a loss by its name, or as it takes an output and targets."""
    compares = {"output", "targets"} <= kinds_taken(function)
    return compares or LOSS.search(bare(function.__name__)) is not None


def _by_arguments(
    functions: Sequence[FunctionType], known: Mapping[str, FunctionType]
) -> Iterator[tuple[str, FunctionType]]:
    """The losses that have no partner of their name, each with the only gradient of its arguments.

    Their names share a word: `cross_entropy_loss(z, y)` and `softmax_cross_entropy_grad(z, y)`.
    """
    paired = [*known.values()]
    slopes = [e for e in functions if GRADIENT.search(bare(e.__name__)) and e not in paired]
    stated = [e for e in functions if says_loss(e) and bare(e.__name__) not in known]
    fits = [
        (loss, slope)
        for loss in stated
        for slope in slopes
        if _words(loss) & _words(slope) and _arguments(loss) == _arguments(slope)
    ]
    for loss, slope in fits:
        if sum(loss is one or slope is other for one, other in fits) == 1:
            yield bare(loss.__name__), slope


def _words(function: FunctionType) -> set[str]:
    """The words of the name of a function."""
    return {*re.findall(r"[a-z]+|[A-Z]+[a-z]*", function.__name__)}


def _arguments(function: FunctionType) -> list[str]:
    """The names of the arguments that a function needs, in their order."""
    return [each.name for each in needed(function)]


def returns_loss(function: FunctionType) -> bool:
    """Whether a function returns a loss first, by a word of its name or of what it returns."""
    words = re.findall(r"[A-Za-z]\w*", returned_names(function)[0])
    short = {each.lower() for each in (*words, *_words(function))}
    says = LOSS.search(bare(function.__name__)) or any(RETURNED.fullmatch(bare(e)) for e in words)
    return bool(says) or not SHORT.isdisjoint(short)


def _initials(function: FunctionType) -> str:
    """What a loss is called for short: `bce` of `binary_cross_entropy`."""
    return "".join(each[:1] for each in function.__name__.lower().split("_"))


def states_loss(functions: Sequence[FunctionType], gradient: FunctionType) -> list[FunctionType]:
    """The functions that may give, by their names, the loss of which another gives the gradient."""
    if says_loss(gradient):
        return []
    same = (e for e in functions if e is not gradient and _names(e) == _names(gradient))
    own = stem(gradient.__name__)
    return [each for each in same if says_loss(each) or own == bare(each.__name__)]


def says_loss(function: FunctionType) -> bool:
    """Whether a function gives a loss by its name, and not the gradient of one."""
    name = bare(function.__name__)
    return LOSS.search(name) is not None and SLOPE.search(name) is None


def _names(function: FunctionType) -> list[str]:
    return sorted(_arguments(function))


def _takes_the_same(function: FunctionType, prime: FunctionType) -> bool:
    """Whether two functions take the same arguments, and none of a network."""
    return _names(function) == _names(prime) and not _is_of_a_network(function)


def _is_of_a_network(function: FunctionType) -> bool:
    """Whether a function takes the weights of a network, or its inputs."""
    names = [each.name for each in needed(function)]
    return any(_of_a_network(e) for e in names if not weighs(names, e))


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
    """Whether a function returns something that may be its gradient beside what may be a loss."""
    first = next(iter(returned_names(function)), "")
    is_loss = not first.isidentifier() or not is_gradient(first)
    return is_loss and any(map(is_gradient, beside_names(function)))


def promises_gradients(function: FunctionType) -> bool:
    """Whether a function gives a loss and gradients of its arguments, as its names say."""
    taken = {bare(each.name) for each in needed(function)}
    names = returned_names(function)
    if len(names) <= 1 or NOT_THESE.fullmatch(bare(function.__name__)):
        return False
    beside = [each for each in beside_names(function) if each.isidentifier()]
    named = any(bare(e) != stem(e) in taken or bare(e).startswith("grad") for e in beside)
    keyed = {*map(bare, returned_keys(function))} & taken
    return returns_loss(function) and (named or bool(keyed))


def _of_a_network(name: str) -> bool:
    """Whether an argument is the weights of a network, or its inputs."""
    kinds, words = kinds_of(name), bare(name)
    return "inputs" in kinds or (len(words) > 1 and "params" in kinds) or bool(
        WEIGHT.fullmatch(words)
    )  # fmt: skip


@dataclass
class _After:
    """A function of an output and a target, given what the output is made of: `f(softmax(z), y)`.

    Attributes:
        function: it.
        activation: makes the output.
    """

    function: FunctionType
    activation: FunctionType

    def __post_init__(self) -> None:
        self.__name__, self.__globals__ = self.function.__name__, self.function.__globals__
        self.__signature__ = signature(self.function)

    def __call__(self, output: Any, target: Any) -> Any:
        return self.function(self.activation(output), target)


def before_activations(functions: Sequence[FunctionType]) -> Iterator[LossSearch]:
    """The losses of which a function gives the gradient by what an activation was given.

    Such is `softmax_backward(pred, y)` beside `softmax(x)` and `cross_entropy(pred, y)`.
    """
    ones = {bare(each.__name__): each for each in functions if len(needed(each)) == 1}
    for prime in functions:
        stem = re.sub(rf"({'|'.join(ENDS)})$", "", bare(prime.__name__))
        names = [each.name for each in needed(prime)]
        told = len(names) == len(PAIR) and "targets" in kinds_of(names[1])
        stated = [e for e in functions if says_loss(e) and [a.name for a in needed(e)] == names]
        if told and stem in ones and len(stated) == 1:
            loss, back = (_After(each, ones[stem]) for each in (stated[0], prime))
            yield LossSearch(prime.__name__, loss, back)
