"""One call from a file to a report on all that it defines.

A file runs in a process of its own, under a time limit. Left out: the command line (`cli`).
"""

import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from conformance.errors import NothingTrainedError, OtherFamilyError, SubjectError, UsageError
from conformance.files import put
from conformance.outcome import Report
from conformance.report.backward_record import from_values, to_values
from conformance.report.shape_words import refused_words
from conformance.running.isolate import isolated
from conformance.shapes.adapter import adapter, names_of
from conformance.shapes.candidates import Candidate, candidates, of_thing
from conformance.shapes.custom_function import defines_functions
from conformance.shapes.definitions import cells, definitions, has_main, of_module, trains_at_import
from conformance.shapes.file_report import FileReport, NotJudged, Part, Refused, ShapeReport
from conformance.shapes.judging import Found, Recognised
from conformance.subjects.load import NOTEBOOK

Send = Callable[[object], None]

BRIEFLY = 5.0
"""Seconds that a file may run of which nothing is recognised."""


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
    nothing: NothingTrainedError | None = None
    trains = asked.name is None and trains_at_import(asked.place) is not None
    if trains and not defines_functions(asked.place):
        try:
            return FileReport(asked.place, (_run(asked),))
        except NothingTrainedError as error:  # such as a loop that prepares data
            nothing = error
    parts, left, refusal = _defined(asked, book)
    if not (parts and not left) and asked.name is None and has_main(asked.place):
        with suppress(SubjectError):  # it may need arguments, or data that are not here
            parts.append(_run(replace(asked, timeout=BRIEFLY)))
            left = []
    if not parts:
        raise nothing or UsageError(refused_words(refusal, left))
    shapes = [each for each in parts if isinstance(each, ShapeReport)]
    judged = {each.name.rpartition(":")[2] for each in shapes}
    judged |= {each.recognised.made.partition("(")[0] for each in shapes}
    return FileReport(asked.said, tuple(parts), tuple(e for e in left if e.name not in judged))


def _defined(
    asked: Asked, book: Callable[[str], Report]
) -> tuple[list[Part], list[NotJudged], Refused]:
    """The reports on what a file defines, what in it fits no shape, and how far that came."""
    if asked.place.endswith(NOTEBOOK):
        cells(asked.place)
    parts: list[Part] = []
    left: list[NotJudged] = []
    refusal = Refused(asked.said, "nothing", "")
    try:
        for record in isolated(partial(_send_all, asked), asked.timeout):
            said = cast("dict[str, Any]", record)
            if "book" in said:
                parts.append(_of_the_book(replace(asked, name=str(said["book"])), book))
            elif "found" in said:
                found = from_values(Found, said["found"])
                name = f"{asked.place}:{said['name']}"
                parts.append(ShapeReport(name, found.examined, found.recognised))
            elif "left" in said:
                left.append(from_values(NotJudged, said["left"]))
            else:
                refusal = from_values(Refused, said["refused"])
    except SubjectError as error:
        words = str(error)
        raise SubjectError(
            words if words.startswith(asked.place) else f"{asked.place}: {words}"
        ) from error
    return parts, left, refusal


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
    found = _alone(factory, name, name.rpartition(":")[2], cost)
    return ShapeReport(name, found.examined, found.recognised)


def _alone(factory: Callable[..., Any], said: str, name: str, cost: str | None) -> Found:
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
    send({"found": to_values(_alone(thing, asked.said, str(asked.name), asked.cost))})


def check_object(thing: Any, cost: str | None) -> ShapeReport | None:
    """Judge a class or a function that is loaded, in this process; None if it fits no shape."""
    module = sys.modules.get(getattr(thing, "__module__", ""))
    if module is None:
        return None
    candidate = of_thing(thing, of_module(str(getattr(module, "__file__", "")), module))
    with threadpool_limits(1):
        judged = None if candidate is None or candidate.book else candidate.found(cost)
    if judged is None:
        return None
    return ShapeReport(thing.__qualname__, judged.examined, judged.recognised)


def _run(asked: Asked) -> Part:
    """The report on a file that trains when it is imported."""
    from conformance.script.run import run_script

    return run_script(asked.place, timeout=asked.timeout)


def _send_all(asked: Asked, send: Send) -> None:
    """What the child does: it judges each candidate, and sends it as soon as it is known."""
    found = definitions(asked.place, asked.python_path)
    used: set[str] = set()
    judged_any = False
    with threadpool_limits(1), _no_exit():
        for each in _candidates(asked, found):
            if each.functions & used:
                continue  # it was judged as a part of another
            if each.book:
                judged_any = True
                send({"book": each.name})
                continue
            judged = each.found(asked.cost)
            if judged is not None:
                judged_any = True
                used |= set(judged.used)
                send({"name": each.name, "found": to_values(judged)})
            elif each.refusal.parameters:
                # else it is such as a base class of layers, or a list of them
                send({"left": to_values(NotJudged(each.name, each.refusal.words))})
        if not judged_any:
            made = adapter(found, asked.name)
            send({"refused": to_values(Refused(asked.said, names_of(found), made))})


@contextmanager
def _no_exit() -> Iterator[None]:
    """Let a program that is called in a way that it refuses by `exit()` raise an error instead."""

    def stopped(*_: object) -> None:
        raise RuntimeError("it calls exit()")

    with (
        patch.object(builtins, "exit", stopped),
        patch.object(builtins, "quit", stopped),
        patch.object(sys, "exit", stopped),
    ):
        yield


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
