"""Functions of a file that train: how each may be called, and what is known of their updates.

Such are `step_gradient(b, m, points, rate)`, which returns the parameters that it has moved, and
`gradient_descent(x, y, w_in, b_in, alpha, iterations, cost, gradient)`. With a rate of 0 they
return their parameters as they were: so these are found, whatever their names. Then the updates are
judged as a script's are, and nothing is said of a function that does not run so.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from time import process_time
from traceback import walk_tb
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.errors import ConformanceError
from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import BIAS, bare, is_parameter, kinds_of, names_gradients
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.running.tracebacks import is_ours
from conformance.script_outcome import Ran
from conformance.shapes.arguments import kinds_taken, needed, taken
from conformance.shapes.attempts import UnfitError, result_of
from conformance.shapes.example_data import TOLD, M
from conformance.shapes.function_sources import returned_parts, source_parts
from conformance.shapes.other_settings import off, other_words
from conformance.shapes.recorded_updates import UNSEEN, is_right
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

RATE, PENALTY = 2.0**-6, 2.0**-4
COUNT = 20
"""So many updates are asked for: a program may print in each tenth of them."""
WIDTH, HIDDEN, CLASSES = 3, 4, 3
"""Inputs of a sample, units of a layer between, and classes."""
CALLS = 600
"""In so many ways a function is called."""
LONGEST, SEARCHED = 0.5, 2.0
"""Seconds of the processor that a call may take, and all of them."""
FEWEST = 4
"""Arguments: a parameter, the inputs, the targets, the rate."""
SEED = 7
FUNCTION = re.compile(r"\w*(function|func|fn|fun)")
Shapes = dict[str, tuple[int, ...]]


def _shapes(width: int, *, several: bool) -> tuple[Shapes, ...]:
    """Of several inputs a sample, in rows and in columns, and of one: a line through points.

    With several outputs a sample, in rows and in columns, too, if there may be.
    """
    outputs: tuple[Shapes, ...] = (
        {"inputs": (M, width), "one hot": (M, CLASSES), "parameter": (width, CLASSES)},
        {"inputs": (width, M), "one hot": (CLASSES, M), "parameter": (CLASSES, width)},
    )
    return (
        *(outputs if several else ()),
        {"inputs": (M, width), "targets": (M,), "parameter": (width,)},
        {"inputs": (M, width), "targets": (M, 1), "parameter": (width, 1)},
        {"inputs": (width, M), "targets": (1, M), "parameter": (width, 1)},
        {"inputs": (M,), "targets": (M,), "parameter": ()},
        {"inputs": (M, width), "labels": (M,), "parameter": (width, CLASSES)},
    )


NUMBERS: dict[str, Any] = {
    "rate": RATE, "count": COUNT, "penalty": PENALTY, "batchsize": M, "quiet": 0, "seed": 0,
    "sizes": [WIDTH, HIDDEN, 1], "n_in": WIDTH, "n_hidden": HIDDEN, "n_out": 1,
}  # fmt: skip
"""What an argument is that is no array, by its kind."""
OF_CLASSES: dict[str, Any] = {"sizes": [WIDTH, HIDDEN, CLASSES], "n_out": CLASSES}
"""What is another one where there are several outputs."""


@dataclass(frozen=True)
class TrainingCall:
    """A way to call a function that trains.

    Attributes:
        function: it.
        given: its arguments by name.
        parameters: those that it moves, each with its place in what is returned.
        counts: whether it is told how many updates to make.
    """

    function: FunctionType
    given: dict[str, Any]
    parameters: dict[str, int]
    counts: bool

    @property
    def of_numbers(self) -> bool:
        """Whether each parameter is a number; one that makes its own may be given any inputs."""
        return self.parameters != {} and all(
            np.ndim(self.given[name]) == 0 for name in self.parameters
        )


def training_functions(functions: Sequence[FunctionType]) -> list[FunctionType]:
    """The functions that are told a rate and no gradients, those that call another one last."""
    known = {bare(each.__name__) for each in functions}  # `gradient` may be a function
    found = [each for each in functions if _may_train(each, known)]
    names = {each.__name__ for each in found}
    return sorted(found, key=lambda each: not names.isdisjoint(each.__code__.co_names))


def _may_train(function: FunctionType, known: Collection[str]) -> bool:
    names = [each for each in _names(function) if not _is_function(each, known)]
    kinds = {kind for each in names for kind in kinds_of(each)}
    takes_data = {"inputs", "targets"} <= kinds or len(_names(function)) >= FEWEST
    told = "rate" in kinds and takes_data and not any(map(names_gradients, names))
    return told and not _only_draws(function)


def _only_draws(function: FunctionType) -> bool:
    """Whether a rate of a function is read where random numbers are drawn alone: it is none."""
    rates = [each for each in _names(function) if "rate" in kinds_of(each)]
    parts = source_parts(function)
    drawn = {e for call in parts if _draws(call) for e in ast.walk(call) if e is not call}
    reads = [e for e in parts if isinstance(e, ast.Name) and e.id in rates]
    return bool(reads) and drawn.issuperset(reads)


def _draws(part: ast.AST) -> bool:
    """Whether a part of the source is a call of a method that NumPy's generators have."""
    method = part.func if isinstance(part, ast.Call) else None
    return isinstance(method, ast.Attribute) and hasattr(np.random.Generator, method.attr)


def _names(function: FunctionType) -> list[str]:
    """The names of the arguments that a function needs, with its rate and how often it updates."""
    asked = [each.name for each in needed(function)]
    more = (e.name for e in taken(function) if {"rate", "count"} & {*kinds_of(e.name)})
    return list(dict.fromkeys([*asked, *more]))


def _is_function(name: str, known: Collection[str]) -> bool:
    """Whether an argument is a function by its name, or has that of one of the file."""
    return bare(name) in known or FUNCTION.fullmatch(bare(name)) is not None


def is_told_how_long(function: FunctionType) -> bool:
    """Whether a function is told a rate and how many updates to make: it returns no gradients."""
    return {"rate", "count"} <= kinds_taken(function)


def training_calls(function: FunctionType, functions: Sequence[FunctionType]) -> list[TrainingCall]:
    """The ways in which a function returns most parameters, unmoved by a rate of 0.

    With numbers it is called only if more parameters are found then: of numbers no turn is wrong.
    With numbers it is called first if it takes a table, of inputs and targets together.

    Args:
        function: it.
        functions: those of its file, of which it may be given some.
    """
    tables, stopped = _takes_table(function), list[UnfitError]()
    for width in chain([WIDTH], _widths(function, stopped)):
        shapes = _shapes(width, several="sizes" in kinds_taken(function))[:: -1 if tables else 1]
        several = [_best(function, functions, each, stopped) for each in shapes]
        found = [each for each in several if each is not None]
        if found:
            break
    most = max((len(each.parameters) for each in found), default=0)
    found = [each for each in found if len(each.parameters) == most]
    alone = found[:1] if tables else found[-1:]
    return [each for each in found if not each.of_numbers] or alone


def _takes_table(function: FunctionType) -> bool:
    """Whether a function may take inputs and targets together: no name says which are targets."""
    return not any("targets" in kinds_of(name) for name in _names(function))


def _widths(function: FunctionType, stopped: Iterable[UnfitError]) -> Iterator[int]:
    """How many inputs a function may have made its parameters for, by the first that it made.

    Args:
        function: it.
        stopped: with what its calls ended.
    """
    names, found = {each.name for each in taken(function)}, dict[int, None]()
    for each in stopped:
        raised = each.__cause__
        for frame, _ in walk_tb(None if raised is None else raised.__traceback__):
            if frame.f_code is function.__code__:
                made = {k: e for k, e in frame.f_locals.items() if k not in names}
                shapes = (np.shape(each.value) for each in leaves(made, "made", None))
                found |= dict.fromkeys(next((e for e in shapes if len(e) > 1), ()))
    yield from (each for each in found if each not in (M, WIDTH))


def _best(
    function: FunctionType,
    functions: Sequence[FunctionType],
    shapes: Shapes,
    stopped: list[UnfitError],
) -> TrainingCall | None:
    """The way in which a function returns most parameters, and takes most arrays beside them.

    Args:
        function: it.
        functions: those of its file, of which it may be given some.
        shapes: of what it is given.
        stopped: where that with which a call ends is noted.
    """
    names = _names(function)
    tables = _takes_table(function)
    choices = [
        list(_choices(i, name, functions, shapes, tables=tables)) for i, name in enumerate(names)
    ]
    best, most = None, (-1, 0)
    until = process_time() + SEARCHED
    for chosen in islice(product(*choices), CALLS):
        if process_time() > until:
            break
        arrays = [kind for kind, _ in chosen if kind in DATA]
        if len({*arrays}) < len(arrays):
            continue
        given = {name: value for name, (_, value) in zip(names, chosen, strict=True)}
        own = [name for name, (kind, _) in zip(names, chosen, strict=True) if kind in OWN]
        try:
            found = _returned(function, given, own)
        except UnfitError as error:
            stopped.append(error)
            continue
        if (len(found), len(arrays)) > most:
            counts = any("count" in kinds_of(name) for name in names)
            best, most = TrainingCall(function, given, found, counts), (len(found), len(arrays))
    return best


Choice = tuple[str, Any]
"""What an argument may be, after its kind."""
OWN, DATA = ("number", "parameter"), ("inputs", "targets", "table")


def _choices(
    i: int, name: str, functions: Sequence[FunctionType], shapes: Shapes, *, tables: bool
) -> Iterator[Choice]:
    """What an argument may be, by its name and its place among all."""
    own = [e for e in functions if bare(e.__name__) == bare(name)]
    kinds = [each for each in kinds_of(name) if each not in TOLD]  # of pictures, which none is
    told = next((each for each in kinds[:1] if each in NUMBERS), None)
    if _is_function(name, [bare(each.__name__) for each in own]):
        yield from (("function", each) for each in own or functions)
    elif told is None:
        yield from (each for each in _arrays(i, shapes) if _may_be(name, each, tables=tables))
    else:
        yield told, NUMBERS[told] if "targets" in shapes else OF_CLASSES.get(told, NUMBERS[told])
        letter = told.startswith("n_") and len(name) == 1  # `c` may be a parameter
        yield from (each for each in _arrays(i, shapes) if letter and each[0] in OWN)
    if "m" in kinds:
        yield "m", M


def _may_be(name: str, choice: Choice, *, tables: bool) -> bool:
    """Whether an argument may be an array, or a number, by its name, if that tells."""
    kinds, kind = kinds_of(name), choice[0]
    if is_parameter(name):
        return kind == ("number" if BIAS.fullmatch(bare(name)) else "parameter")
    if "targets" in kinds:
        return kind == "targets"
    if {"inputs", "pairs"} & {*kinds}:
        return kind == "inputs" or (tables and kind == "table")
    return tables or kind != "table"


def _arrays(i: int, shapes: Shapes) -> Iterator[Choice]:
    """What an argument may be whose name tells nothing: a parameter, or data."""
    rng = np.random.default_rng(SEED)
    inputs = rng.normal(size=shapes["inputs"])
    targets: Array = np.arange(M) % CLASSES
    if "targets" in shapes:
        targets = (targets != 0).astype(float).reshape(shapes["targets"])
    elif "one hot" in shapes:
        rows = np.eye(CLASSES)[targets]
        targets = rows if len(rows) == shapes["one hot"][0] else rows.T
    own = np.random.default_rng([SEED, i])
    yield "number", own.normal()
    yield "parameter", own.normal(size=shapes["parameter"])
    yield "inputs", inputs
    yield "targets", targets
    if len(inputs) == M:
        table = np.column_stack([inputs, targets])
        yield "table", table
        yield "table", np.ascontiguousarray(table.T)


def _returned(
    function: FunctionType, given: Mapping[str, Any], names: Sequence[str]
) -> dict[str, int]:
    """Which arguments a function returns at a rate of 0, as it returns others of their shape else.

    Each with its place in what is returned.

    Args:
        function: it.
        given: all arguments.
        names: of those that may be.

    Raises:
        UnfitError: it does not run so.
    """
    still = {name: 0.0 if "rate" in kinds_of(name) else each for name, each in given.items()}
    parts, moved = (_parts(function, each) for each in (still, given))
    found: dict[str, int] = {}
    for name in names:
        value = given[name]
        at = [i for i, each in enumerate(parts) if _is_same(each, value)]
        if at and len(parts) == len(moved) and np.shape(moved[at[0]]) == np.shape(value):
            found[name] = at[0]
    return found


def _parts(function: FunctionType, given: Mapping[str, Any]) -> list[Any]:
    """What a function returns, part by part.

    Raises:
        UnfitError: it does not run so, or for too long.
    """
    own = {name: each if callable(each) else deepcopy(each) for name, each in given.items()}
    try:
        with limited(LONGEST):
            return [part for _, part in returned_parts(function, result_of(function, **own))]
    except TooLongError as error:
        raise UnfitError("it goes on for too long") from error


def _is_same(returned: Any, given: Any) -> bool:
    """Whether what is returned has the numbers of an argument."""
    floats = isinstance(returned, float | np.ndarray) and isinstance(given, float | np.ndarray)
    return floats and np.array_equal(returned, given)


STEPS = 3
RECORDED = 5.0
"""Seconds that a function may run while it is recorded."""


@dataclass(frozen=True)
class TriedTraining:
    """What is known of a function that trains.

    Attributes:
        ran: of its updates.
        used: the names of the functions of the file that took part.
        again: what is known of its updates as its code is then, without the line to blame.
    """

    ran: Ran
    used: frozenset[str]
    again: Callable[[], Ran | None]


def tried_training(
    place: str,
    function: FunctionType,
    functions: Sequence[FunctionType],
    module: ModuleType,
    own: Callable[[], Mapping[str, Any] | None],
) -> TriedTraining | None:
    """What is known of the updates of a function; None if nothing is.

    If it does not run with data of ours, or a gradient has another shape than its parameter, it is
    judged with what its file calls it with. One that is right is tried with the other words that
    it may be told, of which each may stand for another way to train.

    Args:
        place: of its file.
        function: it.
        functions: those of its file.
        module: of the file.
        own: gives what the file calls it with, by name; None if it does not call it.
    """
    name, calls = f"{place}:{function.__name__}", training_calls(function, functions)
    found = _of_calls(name, calls, module)
    given = own() if found is None or _is_misshapen(found.ran) else None
    if given is not None:
        calls = _own_call(function, given)
        found = _of_calls(name, calls, module)
    untried = []
    ways: list[dict[str, Any]] = [*other_words(function)]
    ways += [{each.name: True} for each in off(function)]
    for way in ways if found is not None and is_right(found.ran) else ():
        worded = [replace(each, given={**each.given, **way}) for each in calls]
        other = _of_calls(name, worded, module)
        if other is not None and not other.ran.examined.ok:
            return other
        untried += [f"{key}={word!r}" for key, word in way.items() if other is None]
    if found is None or not untried:
        return found
    notes = (*found.ran.notes, *(("untried", each) for each in untried))
    return replace(found, ran=replace(found.ran, notes=notes))


def _is_misshapen(ran: Ran) -> bool:
    """Whether a gradient has another shape than its parameter, so that data may not fit."""
    return any(each.cause.kind == "shape" for each in ran.examined.accused)


def _own_call(function: FunctionType, given: Mapping[str, Any]) -> list[TrainingCall]:
    """The way in which its file calls a function, if it returns parameters then."""
    with suppress(UnfitError):
        found = _returned(function, given, [*given])
        counts = any("count" in kinds_of(name) for name in given)
        return [TrainingCall(function, dict(given), found, counts)] if found else []
    return []


def _of_calls(
    name: str,
    calls: Iterable[TrainingCall],
    module: ModuleType,
) -> TriedTraining | None:
    """What is known of the updates of a function, called in some ways; None if nothing is.

    It is right if it is with one form of its data: another may be one that it is not written for.
    """
    wrong: TriedTraining | None = None
    for each in calls:
        found = _tried(name, each, module)
        if found is not None and is_right(found.ran):
            return found
        if found is not None and not found.ran.examined.ok:
            wrong = wrong or found
    return wrong


def _tried(
    name: str,
    call: TrainingCall,
    module: ModuleType,
    *,
    blame: bool = True,
) -> TriedTraining | None:
    from conformance.script.program_recorder import ProgramRecorder  # here: most files have none

    recorder = ProgramRecorder(name, STEPS, blame=blame)
    given = {key: np.float64(e) if type(e) is float else e for key, e in call.given.items()}
    given = {key: e.copy() if isinstance(e, np.ndarray) else e for key, e in given.items()}
    try:
        with (
            quiet(),
            np.errstate(all="ignore"),
            recorder.within([given, vars(module)]),
            suppress(TooLongError),
            limited(RECORDED),
        ):
            for _ in range(1 if call.counts else STEPS):
                _step(call, given, module)
        with quiet():
            ran = recorder.ran
    except Exception as error:  # a program may refuse to be called so in any way
        if is_ours(error) and not isinstance(error, ConformanceError):
            raise
        return None
    if _meets_more(recorder.trace, call):
        return None
    unmoved = any(each.cause.kind in UNSEEN for each in ran.examined.accused)
    moved = [
        e for e in call.parameters if ran.examined.ok or not np.array_equal(given[e], call.given[e])
    ]
    if unmoved or len(ran.parameters) < len(moved) or all(e.dead for e in ran.examined.gradients):
        return None  # a parameter is moved by what no gradient is, or none changes an output
    frames = (frame for node in recorder.trace.nodes for frame in node.frames)

    def again() -> Ran | None:
        made = _tried(name, call, module, blame=False)
        return None if made is None else made.ran

    return TriedTraining(ran, frozenset(each.function for each in frames), again)


def _step(call: TrainingCall, given: dict[str, Any], module: ModuleType) -> None:
    """Call a function of a module, and keep what it made of parameters."""
    function = vars(module).get(call.function.__name__, call.function)  # which may ask for its loss
    result = function(**{key: given[key] for key in call.given})
    parts = [part for _, part in returned_parts(call.function, result)]
    given |= {key: parts[i] for key, i in call.parameters.items()}


def _meets_more(trace: Trace, call: TrainingCall) -> bool:
    """Whether a number a sample meets more than that: outputs of several units, such as classes."""
    given = [e for e in call.given.values() if isinstance(e, np.ndarray) and e.size == M]
    for node in trace.nodes:
        if node.operation in ("subtract", "multiply", "add") and np.size(node.value) > M:
            sides = [each.value if type(each) is Node else each for each in node.args]
            if any(np.array_equal(e, one) for e in sides for one in given):
                return True
    return False
