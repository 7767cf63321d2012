"""One call from a file to a report on all that it defines.

A file runs in a process of its own, under a time limit. Left out: the command line (`cli`).
"""

import ast
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard, cast

from threadpoolctl import threadpool_limits

from conformance.backward.edited_line import blamed_as, changed_source
from conformance.backward.findings import ADDS, UPDATES, Examined
from conformance.backward.recorded_pass import NoGradientError
from conformance.errors import (
    EndlessError,
    OtherFamilyError,
    SubjectError,
    UnjudgedError,
    UnknownSubjectError,
    UsageError,
)
from conformance.file_judging import EDITING
from conformance.file_process import Asked, by_own_forward, send_adapter, send_all, send_alone
from conformance.files import put
from conformance.programs.execution import NOTEBOOK
from conformance.programs.sources import cells
from conformance.report.backward_report import BackwardReport
from conformance.report.backward_words import names_text
from conformance.report.book_report import Report
from conformance.report.file_report import FileReport, Part, ShapeReport, refused_words
from conformance.report.script_report import ScriptReport, UpdateReport
from conformance.running.isolate import isolated
from conformance.script_outcome import Ran, is_judged_as_far
from conformance.shapes.candidates import of_thing
from conformance.shapes.custom_function import defines_functions
from conformance.shapes.definitions import has_main, makes, of_module, trains_at_import
from conformance.shapes.found import Found, NotHere, NotJudged, Refused, without_gradients
from conformance.shapes.update_findings import INPUT, agreed, sign_of
from conformance.values import from_values

UNEXPLAINED = frozenset(("value", "term", "begins", "gradient"))
"""The kinds of causes that say that something is wrong, and not what."""

BRIEFLY, PATIENTLY = 5.0, 20.0
"""Seconds that a file may run of which some is recognised, and something is not; or nothing is."""


def check_file(asked: Asked, book: Callable[[str], Report]) -> FileReport:
    """Judge what a file defines.

    Args:
        asked: what is to be judged.
        book: judges the book's network, given `FILE.py:Name`.

    Raises:
        UsageError: there is no such file.
        SubjectError: its code failed, or nothing in it fits a shape.
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
    to_run = left or not parts or any(each.runs for each in last)
    to_run = to_run or makes(asked.place, found.aside)  # such as layers whose methods are not known
    runs = stopped is None and asked.name is None and has_main(asked.place)
    if to_run and runs:
        seconds = min(BRIEFLY if parts else PATIENTLY, asked.timeout)
        try:
            ran = _by_a_part(asked, _run(replace(asked, timeout=seconds)), parts)
            shown = [*left, *(each for each in last if each.runs or not parts)]
            note = "used", names_text([each.name for each in shown])
            noted = replace(ran, ran=replace(ran.ran, notes=(*ran.ran.notes, note)))
            parts = [*_but_contradicted(parts, ran), noted]
            aside = {each.name for each in shown} | {*ran.ran.within}
            left, last = [], [each for each in last if each.name not in aside]
        except SubjectError as error:  # it may need arguments, or data that are not here
            idle = str(error).partition("\n")[0]  # a change of its run is told by `run`
    elif runs and parts and all(each.ok for each in parts):
        parts, trained = _with_its_training(asked, parts, {each.name for each in last})
        last = [each for each in last if each.name not in trained]
    elif runs and any(map(_is_doubtful, parts)):
        parts = _as_it_trains(asked, parts)
    parts, unsigned = settled(parts)
    last += unsigned
    left = [each for each in left if each.name not in {one.name for one in last}] + last
    if not parts and not any(each.final for each in left):
        raise stopped or found.unjudged or _refused(asked, found, left, idle)
    judged = {each.name.rpartition(":")[2] for each in parts if isinstance(each, BackwardReport)}
    judged |= {e.recognised.made.partition("(")[0] for e in parts if isinstance(e, ShapeReport)}
    left = [e for e in left if e.final or (e.name not in judged and not (parts and e.guess))]
    return FileReport(asked.said, tuple(parts), tuple(left), found.failed)


def _networks(parts: Sequence[Part]) -> list[ShapeReport]:
    """The reports on what takes targets, or has a loss."""
    reports = (each for each in parts if isinstance(each, ShapeReport))
    return [e for e in reports if e.recognised.coding or e.examined.cost == "own"]


def _with_its_training(
    asked: Asked, parts: list[Part], left: Collection[str]
) -> tuple[list[Part], Sequence[str]]:
    """The reports on what is right by itself, with that on the file's own training if it tells.

    It may be wrong, as with a cost that is another than the default, or judge what was not tried.
    The names of what it judges are given with them.

    Args:
        asked: what is to be judged.
        parts: the reports.
        left: the names of what is not judged.
    """
    ran = _tried(asked)
    if ran is None:
        return parts, ()
    networks = _networks(parts)
    moving = any(each.cause.kind in {*UPDATES, "crossed"} for each in ran.examined.accused)
    moving = moving or (ran.examined.right > 0 and _is_mended(ran))
    own = all(each.examined.cost == "own" for each in networks)  # which says more than a known cost
    if ran.exit_code == 1 and (moving or not own or ran.examined.cost == "own"):
        noted = replace(ran, ran=replace(ran.ran, notes=(*ran.ran.notes, ("itself", ""))))
        return [noted, *parts], ()
    judged = {e.name.rpartition(":")[2] for e in parts if isinstance(e, BackwardReport)}
    tells = any(each.recognised.leaves_out for each in networks)
    within = {*ran.ran.within}
    tells = tells or bool(judged and within - judged) or not within.isdisjoint(left)
    return ([*parts, ran], ran.ran.within) if ran.examined.ok and tells else (parts, ())


def _is_doubtful(part: Part) -> TypeGuard[ShapeReport]:
    """Whether something is wrong that no change mends, or as its file calls it."""
    if not isinstance(part, ShapeReport) or part.ok:
        return False
    known = any(e.edited is not None or e.cause.changed for e in part.examined.accused)
    return part.recognised.called or not known


def _is_mended(report: BackwardReport) -> bool:
    """Whether something makes all gradients right, as far as it is told."""
    return any(each.mends or each.edited is not None for each in report.examined.accused)


def _points_out_one(ran: ScriptReport, parts: Sequence[Part]) -> bool:
    """Whether the line to blame in a part is one of several in question where the file trains."""
    accused = ran.examined.accused
    lines = {line for each in accused if each.edited is None for line in each.lines}
    blamed = [e.lines[0] for part in filter(_is_doubtful, parts) for e in part.examined.accused]
    return len(lines) > len({*blamed}) > 0 and lines.issuperset(blamed)


def _is_of_updates(report: BackwardReport) -> bool:
    """Whether updates are wrong, and not the gradients."""
    return any(each.cause.kind in UPDATES for each in report.examined.accused)


def _as_it_trains(asked: Asked, parts: list[Part]) -> list[Part]:
    """The reports, where training shows what is right, or which change mends what is wrong.

    What the gradients of a policy hold constant, such as an advantage, are the targets of a critic.
    """
    ran = _tried(asked)
    if ran is None or _points_out_one(ran, parts):
        return parts
    ran = _by_a_part(asked, ran, parts)
    if _is_mended(ran):
        names, moving = {*ran.ran.within}, _is_of_updates(ran)
        rest = [
            e
            for e in parts
            if not (_is_doubtful(e) and e.name.rpartition(":")[2] in names)
            or (_is_of_updates(e) and not moving)
        ]
    else:
        rest = _but_contradicted(parts, ran)
    return parts if len(rest) == len(parts) else [ran, *rest]


def _by_a_part(asked: Asked, ran: ScriptReport, parts: Sequence[Part]) -> ScriptReport:
    """The report on wrong training, by the blame of a part whose change makes it right, if any."""
    lines = {each.lines[:1] for each in ran.examined.accused}
    wrong = (one for e in parts if isinstance(e, ShapeReport) for one in e.examined.accused)
    for each in (one for one in wrong if lines and one.lines[:1] not in lines):
        changed = changed_source(each)
        other = None if changed is None else _tried(asked, changed)
        if other is not None and other.ok and is_judged_as_far(other.ran, ran.ran):
            examined = blamed_as(ran.examined, each)
            return replace(ran, examined=examined, ran=replace(ran.ran, examined=examined))
    return ran


def _but_contradicted(parts: list[Part], ran: ScriptReport) -> list[Part]:
    """The reports, but for what accuses lines whose gradients are right where the file trains."""
    if not ran.ok or ran.examined.cost == "unknown":
        return parts
    used, by_own = {*ran.ran.operations}, ran.examined.cost == "own"

    def is_contradicted(part: Part) -> bool:
        if not isinstance(part, ShapeReport) or part.ok:
            return False
        if part.examined.cost == "own" and not by_own:
            return False  # a known cost is one that may not be meant
        mended = (e for e in part.examined.accused if e.mends or e.edited)
        causes = ((e.edited or e.cause.changed, e.cause.kind) for e in mended)
        known = any(told or kind not in UNEXPLAINED for told, kind in causes)
        if known and not part.recognised.called:
            return False
        firsts = [(e, each) for each in part.examined.accused for e in each.lines[:1]]
        return all(
            not {(at.file, at.line, each.cause.operation), (at.file, at.line, "")}.isdisjoint(used)
            for at, each in firsts
        )

    return [each for each in parts if not is_contradicted(each)]


@dataclass
class _Defined:
    """What came of what a file defines.

    Attributes:
        parts: the reports.
        left: what in it fits no shape.
        refusal: how far that came.
        failed: what it asked for that is not here.
        unjudged: why a network of the book's could not be judged, beside what was.
        within: the names of what a network of the book's that was judged uses.
        aside: the names of what may not be meant to be judged.
    """

    refusal: Refused
    parts: list[Part] = field(default_factory=list)
    left: list[NotJudged] = field(default_factory=list)
    failed: NotHere | None = None
    unjudged: UnjudgedError | None = None
    within: set[str] = field(default_factory=set)
    aside: Sequence[str] = ()

    def take(self, said: dict[str, Any], asked: Asked, book: Callable[[str], Report]) -> None:
        """Take what the process of a file has sent."""
        if "book" in said:
            self.judge(replace(asked, name=str(said["book"])), book, set(said["uses"]))
        elif "found" in said:
            found = from_values(Found, said["found"])
            name = f"{asked.place}:{said['name']}"
            self.parts.append(ShapeReport(name, found.examined, found.recognised))
        elif "trained" in said:
            ran = from_values(Ran, said["trained"])
            self.parts.append(ScriptReport(ran.script, ran.examined, ran))
        elif "moved" in said:
            ran = from_values(Ran, said["moved"])
            self.parts.append(UpdateReport(ran.script, ran.examined, ran))
        elif "left" in said:
            self.left.append(from_values(NotJudged, said["left"]))
        elif "aside" in said:
            self.aside = said["aside"]
        elif "failed" in said:
            self.failed = from_values(NotHere, said["failed"])
        elif "refused" in said:
            self.refusal = from_values(Refused, said["refused"])

    def judge(self, asked: Asked, book: Callable[[str], Report], uses: set[str]) -> None:
        """Take the report on a network of the book's, or why there is none.

        One whose methods take something else, or return it, is judged as any other class.
        """
        try:
            self.parts.append(_of_the_book(asked, book))
            self.within |= uses
        except UnjudgedError as error:
            self.unjudged = error
        except UnknownSubjectError:
            if not asked.as_book:
                raise
            other = _defined(replace(asked, as_book=False), book)
            if not other.parts:
                raise
            self.parts += other.parts
            self.left += other.left


def _defined(asked: Asked, book: Callable[[str], Report]) -> _Defined:
    """Judge what a file defines."""
    if asked.place.endswith(NOTEBOOK):
        cells(asked.place)
    made, record = _Defined(Refused(asked.said, "nothing", "")), None
    try:
        for record in isolated(partial(send_all, asked), asked.timeout):
            made.take(cast("dict[str, Any]", record), asked, book)
    except SubjectError as error:
        if record == EDITING:  # a trial has ended the process, or stopped it
            return _defined(replace(asked, edits=False), book)
        words = str(error)
        raise SubjectError(
            words if words.startswith(asked.place) else f"{asked.place}: {words}"
        ) from error
    made.parts = [each for each in made.parts if not _is_layer(each, made.within)]
    made.left = [each for each in made.left if each.name not in made.within]
    return made


def _is_layer(part: Part, within: set[str]) -> bool:
    """Whether something is a layer with parameters of a network that was judged with it."""
    if not isinstance(part, ShapeReport) or part.recognised.parameters in ((), (INPUT,)):
        return False
    return part.name.rpartition(":")[2] in within


def _refused(asked: Asked, found: _Defined, left: Sequence[NotJudged], idle: str) -> Exception:
    """The error that says why nothing of a file is judged."""
    if found.failed and not left:
        words = f"{found.failed.where}: {found.failed.why}"
        kind = EndlessError if found.failed.endless else SubjectError
        return kind(f"{asked.place} cannot be imported: {words}")
    return UnjudgedError(refused_words(found.refusal, left, found.failed, idle))


def _of_the_book(asked: Asked, book: Callable[[str], Report]) -> Part:
    """The report on a class with the book's interface, by its own forward pass if need be."""
    try:
        return book(asked.said)
    except OtherFamilyError:
        (record,) = isolated(partial(send_alone, asked), asked.timeout)
        said = cast("dict[str, Any]", record)
        ran = said["ran"] and from_values(Ran, said["ran"])
        return _alone(asked.said, from_values(Found, said["found"]), ran)


def check_alone(factory: Callable[..., Any], name: str, cost: str | None) -> BackwardReport:
    """Judge a class or factory with the book's interface by its own forward pass, here."""
    return _alone(name, *by_own_forward(factory, name, name.rpartition(":")[2], cost))


def _alone(name: str, found: Found, ran: Ran | None) -> BackwardReport:
    """The report on a network's gradients; on its updates if they are wrong."""
    if ran is not None:
        return ScriptReport(name, ran.examined, ran)
    return ShapeReport(name, found.examined, found.recognised)


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


def _tried(asked: Asked, changed: ast.Module | None = None) -> ScriptReport | None:
    """The report on the training of a file that is run briefly, of which nothing is kept.

    Args:
        asked: what is to be judged.
        changed: what is run in the place of its source.
    """
    from conformance.run_script import run_script

    seconds = min(BRIEFLY, asked.timeout)
    try:
        return run_script(asked.place, timeout=seconds, trial=True, changed=changed)
    except SubjectError:  # it may train nothing, or need what is not here
        return None


def _run(asked: Asked) -> ScriptReport:
    """The report on a file that trains when it is run."""
    from conformance.run_script import run_script

    return run_script(asked.place, timeout=asked.timeout)


def recognises(asked: Asked) -> bool:
    """Whether something that a file defines fits a shape."""
    try:
        for record in isolated(partial(send_all, asked), asked.timeout):
            if not {"book", "found", "moved"}.isdisjoint(cast("dict[str, Any]", record)):
                return True
    except SubjectError:  # then it does not come so far
        pass
    return False


def write_adapter(asked: Asked, target: Path) -> str:
    """Write a program that judges a file into another one, and return its source.

    Raises:
        UsageError: the file defines nothing, or the other one is there already.
        SubjectError: its code failed.
    """
    if target.exists():
        raise UsageError(f"{target} is there already: it is left as it is")
    for record in isolated(partial(send_adapter, asked), asked.timeout):
        source = cast("str", record)
        if not source:
            raise UsageError(f"{asked.place} defines no class or function of its own")
        put("the adapter", target, source)
        return source
    raise SubjectError(f"{asked.place}: its process ended and said nothing")


UNKNOWN = (
    "it adds the gradients that it is given, which is right for those of minus the cost alone, and "
    "nothing in this file shows which it is given"
)


def settled(parts: Sequence[Part]) -> tuple[list[Part], list[NotJudged]]:
    """The reports by the sign that networks, optimisers and layers share; what is not judged by it.

    A layer is given its upstream gradients by us, so it shows nothing of their sign.
    """
    moving = [each for each in parts if isinstance(each, ShapeReport | UpdateReport)]
    adding = [each for each in moving if _adds(each.examined)]
    networks = _networks(parts)
    negated = [each for each in networks if sign_of(each.examined) < 0]
    right = any(sign_of(each.examined) > 0 for each in networks)
    if not adding or (right and not negated):
        return list(parts), []
    if negated and not right:
        of_a_sign = {id(each) for each in (*adding, *negated)}
        return [_agreed(each) if id(each) in of_a_sign else each for each in parts], []
    rest = [each for each in parts if not any(each is one for one in adding)]
    names = (each.name.rpartition(":")[2] for each in adding)
    return rest, [NotJudged(name, UNKNOWN, network=True, final=True) for name in names]


def _adds(examined: Examined) -> bool:
    """Whether an optimiser or a layer adds what it is given, and nothing else is wrong."""
    return {each.cause.kind for each in examined.accused} == {ADDS}


def _agreed(report: Part) -> Part:
    """The report without the blame of the sign."""
    assert isinstance(report, ShapeReport | UpdateReport)  # noqa: S101 - the others have no sign
    examined = agreed(report.examined)
    if isinstance(report, UpdateReport):
        examined = replace(examined, factor=report.examined.factor)
        ran = replace(report.ran, examined=examined, notes=(*report.ran.notes, (ADDS, "")))
        return replace(report, examined=examined, ran=ran)
    return replace(report, examined=examined)
