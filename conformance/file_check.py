"""One call from a file to a report on all that it defines.

A file runs in a process of its own, under a time limit. Left out: the command line (`cli`).
"""

import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from threadpoolctl import threadpool_limits

from conformance.backward.program import NoGradientError
from conformance.errors import EndlessError, OtherFamilyError, SubjectError, UsageError
from conformance.files import put
from conformance.report.backward_report import BackwardReport
from conformance.report.book_report import Report
from conformance.report.file_report import FileReport, Part, ShapeReport
from conformance.report.script_report import UpdateReport
from conformance.report.shape_words import refused_words
from conformance.running.isolate import isolated
from conformance.script_outcome import Ran
from conformance.shapes.adapter import adapter, names_of
from conformance.shapes.candidates import Candidate, candidates, of_thing
from conformance.shapes.custom_function import defines_functions
from conformance.shapes.definitions import cells, definitions, has_main, of_module, trains_at_import
from conformance.shapes.function_pairs import PairSearch
from conformance.shapes.judging import Found, Recognised
from conformance.shapes.losses import LossSearch
from conformance.shapes.not_judged import NotHere, NotJudged, Refused, without_gradients
from conformance.shapes.vocabulary import is_role
from conformance.signs import settled
from conformance.subjects.load import NOTEBOOK
from conformance.values import from_values, to_values

Send = Callable[[object], None]

BRIEFLY, PATIENTLY = 5.0, 20.0
"""Seconds that a file may run of which some is recognised, and something is not; or nothing is."""


@dataclass(frozen=True)
class Asked:
    """What is to be judged.

    Attributes:
        place: the file.
        name: in the file; None for all that it defines.
        cost: the cost to judge with, in the place of the program's own.
        python_path: folders from which the file may import.
        timeout: the longest silence of its process in seconds.
    """

    place: str
    name: str | None = None
    cost: str | None = None
    python_path: tuple[Path, ...] = ()
    timeout: float = 60.0

    @property
    def said(self) -> str:
        """As it was given."""
        return self.place if self.name is None else f"{self.place}:{self.name}"


def check_file(asked: Asked, book: Callable[[str], Report]) -> FileReport:
    """Judge what a file defines.

    Args:
        asked: what is to be judged.
        book: judges the book's network, given `FILE.py:Name`.

    Raises:
        UsageError: there is no such file, or nothing in it fits a shape.
        SubjectError: its code failed.
    """
    stopped: SubjectError | None = None
    idle = ""
    trains = asked.name is None and trains_at_import(asked.place)
    if trains and not defines_functions(asked.place):
        try:
            return FileReport(asked.place, (_run(asked),))
        except SubjectError as error:  # such as data that is not here, or a loop that prepares it
            stopped = error
    found = _defined(asked, book)
    parts, left = found.parts, [each for each in found.left if not each.final]
    last = [each for each in found.left if each.final]
    to_run = left or not (parts or last) or any(each.runs for each in last)
    if stopped is None and to_run and asked.name is None and has_main(asked.place):
        seconds = min(BRIEFLY if parts else PATIENTLY, asked.timeout)
        try:
            parts.append(_run(replace(asked, timeout=seconds)))
            left, last = [], [each for each in last if not each.runs]
        except SubjectError as error:  # it may need arguments, or data that are not here
            idle = str(error)
    parts, unsigned = settled(parts)
    last += unsigned
    left = [each for each in left if each.name not in {one.name for one in last}] + last
    if not parts and not any(each.final for each in left):
        if stopped is None and found.failed and not left:
            words = f"{found.failed.where}: {found.failed.why}"
            kind = EndlessError if found.failed.endless else SubjectError
            stopped = kind(f"{asked.place} cannot be imported: {words}")
        raise stopped or UsageError(refused_words(found.refusal, left, found.failed, idle))
    judged = {each.name.rpartition(":")[2] for each in parts if isinstance(each, BackwardReport)}
    judged |= {e.recognised.made.partition("(")[0] for e in parts if isinstance(e, ShapeReport)}
    left = [e for e in left if e.final or (e.name not in judged and not (parts and e.guess))]
    return FileReport(asked.said, tuple(parts), tuple(left), found.failed)


@dataclass
class _Defined:
    """What came of what a file defines.

    Attributes:
        parts: the reports.
        left: what in it fits no shape.
        refusal: how far that came.
        failed: what it asked for that is not here.
    """

    refusal: Refused
    parts: list[Part] = field(default_factory=list)
    left: list[NotJudged] = field(default_factory=list)
    failed: NotHere | None = None


def _defined(asked: Asked, book: Callable[[str], Report]) -> _Defined:
    """Judge what a file defines."""
    if asked.place.endswith(NOTEBOOK):
        cells(asked.place)
    made = _Defined(Refused(asked.said, "nothing", ""))
    try:
        for record in isolated(partial(_send_all, asked), asked.timeout):
            said = cast("dict[str, Any]", record)
            if "book" in said:
                made.parts.append(_of_the_book(replace(asked, name=str(said["book"])), book))
            elif "found" in said:
                found = from_values(Found, said["found"])
                name = f"{asked.place}:{said['name']}"
                made.parts.append(ShapeReport(name, found.examined, found.recognised))
            elif "moved" in said:
                ran = from_values(Ran, said["moved"])
                made.parts.append(UpdateReport(ran.script, ran.examined, ran))
            elif "left" in said:
                made.left.append(from_values(NotJudged, said["left"]))
            elif "failed" in said:
                made.failed = from_values(NotHere, said["failed"])
            else:
                made.refusal = from_values(Refused, said["refused"])
    except SubjectError as error:
        words = str(error)
        raise SubjectError(
            words if words.startswith(asked.place) else f"{asked.place}: {words}"
        ) from error
    return made


def _of_the_book(asked: Asked, book: Callable[[str], Report]) -> Part:
    """The report on a class with the book's interface, by its own forward pass if need be."""
    try:
        return book(asked.said)
    except OtherFamilyError:
        (record,) = isolated(partial(_send_alone, asked), asked.timeout)
        found = from_values(Found, cast("dict[str, Any]", record)["found"])
        return ShapeReport(asked.said, found.examined, found.recognised)


def check_alone(factory: Callable[..., Any], name: str, cost: str | None) -> ShapeReport:
    """Judge a class or factory with the book's interface by its own forward pass, here."""
    found = _by_own_forward(factory, name, name.rpartition(":")[2], cost)
    return ShapeReport(name, found.examined, found.recognised)


def _by_own_forward(factory: Callable[..., Any], said: str, name: str, cost: str | None) -> Found:
    from conformance.subjects.book.own_forward import examined_alone

    with threadpool_limits(1):
        examined = examined_alone(factory, said, cost)
    names = tuple(each.name for each in examined.gradients)
    how = "columns", "one-hot", ("backprop(x, y)",), "returned", names
    return Found(Recognised(f"{name}(sizes)", *how, backward=0), examined)


def _send_alone(asked: Asked, send: Send) -> None:
    """What the child does: it judges a class with the book's interface by its own forward pass."""
    from conformance.subjects.load import load

    thing = cast("Callable[..., Any]", load(asked.said, asked.python_path))
    send({"found": to_values(_by_own_forward(thing, asked.said, str(asked.name), asked.cost))})


def check_object(thing: Any, cost: str | None) -> ShapeReport | None:
    """Judge a class or a function that is loaded, in this process; None if it fits no shape."""
    module = sys.modules.get(getattr(thing, "__module__", ""))
    if module is None:
        return None
    candidate = of_thing(thing, of_module(str(getattr(module, "__file__", "")), module))
    with threadpool_limits(1):
        try:
            judged = None if candidate is None or candidate.book else candidate.found(cost)
        except NoGradientError as error:
            raise SubjectError(str(error)) from error
    if judged is None:
        return None
    if judged.unjudged and judged.examined.ok:
        raise SubjectError(without_gradients(thing.__qualname__, judged.unjudged).why)
    return ShapeReport(thing.__qualname__, judged.examined, judged.recognised)


def _run(asked: Asked) -> Part:
    """The report on a file that trains when it is imported."""
    from conformance.script.run import run_script

    return run_script(asked.place, timeout=asked.timeout)


def _send_all(asked: Asked, send: Send) -> None:
    """What the child does: it judges each candidate, and sends it as soon as it is known."""
    found = definitions(asked.place, asked.python_path)
    if found.failed:
        first = found.failed[0]
        send({"failed": to_values(NotHere(first.where, first.why, first.endless))})
    used: set[str] = set()
    called: set[str] = set()
    judged_any = False
    with threadpool_limits(1), _no_exit():
        for each in _candidates(asked, found):
            if each.functions & used:
                continue  # it was judged as a part of another
            if each.book:
                judged_any = True
                used.add(each.name)
                send({"book": each.name})
                continue
            try:
                judged = each.found(asked.cost)
            except NoGradientError as error:
                judged_any = True
                send({"left": to_values(NotJudged(each.name, str(error), True, final=True))})
                continue
            if judged is not None:
                judged_any = True
                used |= set(judged.used)
                called |= {each.partition("(")[0] for each in judged.recognised.calls}
                _send_found(each.name, judged, send)
            elif each.refusal.parameters:
                # else it is such as a base class of layers, or a list of them
                send({"left": to_values(_left(each, getattr(found.module, each.name, None)))})
        classes = [e for e in found.classes if e.__name__ not in used]
        functions = [e for e in found.functions if e.__name__ not in used | called]
        for one in _optimisers(asked, classes, functions):
            judged_any = True
            send({"moved" if isinstance(one, Ran) else "left": to_values(one)})
        if not judged_any:
            made = adapter(found, asked.name)
            send({"refused": to_values(Refused(asked.said, names_of(found), made))})


def _send_found(name: str, judged: Found, send: Send) -> None:
    send({"name": name, "found": to_values(judged)})
    if judged.unjudged:
        send({"left": to_values(without_gradients(name, judged.unjudged))})


def _left(candidate: Candidate, thing: Any) -> NotJudged:
    """A thing that fits no shape."""
    name = candidate.name
    network = candidate.whole and (isinstance(thing, type) or candidate.layer is not None)
    says = any(is_role(name, role) is not None for role in ("backward", "loss", "train"))
    guess = not (network or says or candidate.layer)
    promised = isinstance(candidate.layer, PairSearch | LossSearch)
    backward = is_role(name, "backward") == 0 or promised
    return NotJudged(name, candidate.refusal.words, network or backward, guess)


def _optimisers(
    asked: Asked, classes: Sequence[type], functions: Sequence[FunctionType]
) -> "Iterator[Ran | NotJudged]":
    """The verdicts on those classes and functions that move parameters."""
    wanted = [each for each in classes if asked.name in (None, each.__name__)]
    others = [each for each in functions if asked.name in (None, each.__name__)]
    if wanted or others:
        from conformance.script.moved import judged_optimisers

        yield from judged_optimisers(asked.place, wanted, others)


@contextmanager
def _no_exit() -> Iterator[None]:
    """Let a program that is called in a way that it refuses by `exit()` raise an error instead."""

    def stopped(*_: object) -> None:
        raise RuntimeError("it calls exit()")

    ends: list[tuple[Any, str]] = [(builtins, "exit"), (builtins, "quit"), (sys, "exit")]
    before = [getattr(module, name) for module, name in ends]
    try:
        for module, name in ends:
            setattr(module, name, stopped)
        yield
    finally:
        for (module, name), own in zip(ends, before, strict=True):
            setattr(module, name, own)


def write_adapter(asked: Asked, target: Path) -> str:
    """Write a program that judges a file into another one, and return its source.

    Raises:
        UsageError: the file defines nothing, or the other one is there already.
        SubjectError: its code failed.
    """
    if target.exists():
        raise UsageError(f"{target} is there already: it is left as it is")
    for record in isolated(partial(_send_adapter, asked), asked.timeout):
        source = cast("str", record)
        if not source:
            raise UsageError(f"{asked.place} defines no class or function of its own")
        put("the adapter", target, source)
        return source
    raise SubjectError(f"{asked.place}: its process ended and said nothing")


def _send_adapter(asked: Asked, send: Send) -> None:
    send(adapter(definitions(asked.place, asked.python_path), asked.name))


def _candidates(asked: Asked, found: Any) -> Sequence[Candidate]:
    if asked.name is None:
        return list(candidates(found))
    thing = getattr(found.module, asked.name, None)
    made = of_thing(thing, found)
    return [] if made is None else [made]
