"""One call from a subject, however it is given, to a report.

A subject that is named by a file or a module runs in a process of its own, under a time limit; an
object that is handed over runs here. Left out: the command line (`cli`).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, cast

from threadpoolctl import threadpool_limits

from conformance.arithmetic.formats import SHORT
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import (
    OtherFamilyError,
    StoppedError,
    SubjectError,
    UnjudgedError,
    UnknownSubjectError,
    UsageError,
)
from conformance.examine import examine
from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import explained_elsewhere
from conformance.judging.observe import ExactRun
from conformance.model.functions import COSTS
from conformance.programs.load import is_spec, load
from conformance.report.book_report import Report
from conformance.report.record import case_from_json, case_to_json, further_to_json
from conformance.running.isolate import isolated
from conformance.subjects import COMMAND, Reading, Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.named import cases_for, find, in_format, short_format
from conformance.values import to_values

Done = Callable[[CaseReport], None]
TURN = RLock()
"""Checks of objects take turns: the stdout that is kept from a subject is that of the process."""


def check(
    subject: object,
    *,
    case: str | Collection[str] | None = None,
    dtype: str | None = None,
    precision: str | None = None,
    cost: str | None = None,
    family: tuple[str, str] | None = None,
    timeout: float = 60.0,
    python_path: Sequence[Path] = (),
    done: Done = lambda _: None,
    detailed: bool = False,
) -> Report:
    """Check a subject against the recorded cases.

    Args:
        subject: `reference`, `torch_impl`, `path/to/file.py:Name`, `package.module:Name`, the path
            of a recorded `.safetensors` trace, `cmd:COMMAND`, or an object: a class with the book's
            interface, a `torch.nn.Module`, a function `step(weights, biases, x, y, eta) -> dict`.
        case: a glob, or several: only the cases whose id matches one.
        dtype: only the cases in this dtype.
        precision: `float16` or `bfloat16`: the subject computes in this format, and is judged by
            the float64 cases with their inputs rounded to it.
        cost: the cost of a network that does not let one choose it, quadratic if not given; of a
            command, a trace or a `Subject`, which is put to the cases with this cost alone.
        family: the activations that it is meant to have, of hidden layers and output, such as
            `("relu", "softmax")`; those that it is seen to have if not given.
        timeout: the longest silence of a process in seconds.
        python_path: folders from which a file or module may import.
        done: called with the report on each case.
        detailed: whether to keep what is behind each verdict, entry by entry, for a page.

    Raises:
        UsageError: there is no such subject, or no case fits it.
        SubjectError: the subject could not be loaded or run at all.
        CorpusError: the fixtures are damaged.
    """
    place = store.root()
    if precision is not None and (precision not in SHORT or dtype is not None):
        raise UsageError(f"precision {precision}: give {' or '.join(SHORT)}, and no dtype")
    cases: Sequence[Case] = store.cases(place, case, dtype if precision is None else "float64")
    meant = Meant(cost, family, precision)
    if isinstance(subject, str) and is_spec(subject) and not subject.endswith(".safetensors"):
        options = meant, tuple(python_path)
        return _apart(subject, cases, options, (timeout, done), detailed=detailed)
    with TURN, threadpool_limits(1):
        named = case if isinstance(case, str) else None
        judged = found(subject, place, meant, case=named, timeout=timeout)
        report = examine(judged, place, _cases_for(judged, cases), done, detailed=detailed)
        if report.meant is None:
            return _fitting(report)
        judged = found(subject, place, _as_read(meant, report.meant), case=named, timeout=timeout)
        return _fitting(examine(judged, place, _cases_for(judged, cases), done, detailed=detailed))


class Meant(NamedTuple):
    """The cost, the family and the format that a subject is said to have."""

    cost: str | None = None
    family: tuple[str, str] | None = None
    precision: str | None = None


def _as_read(meant: Meant, reading: Reading) -> Meant:
    return meant._replace(cost=reading.cost, family=reading.family)


def found(
    subject: object, place: Path, meant: Meant, *, case: str | None = None, timeout: float = 60.0
) -> Subject:
    """The subject that is an object, or that words name which are no file's or module's.

    Raises:
        UsageError: there is none.
        SubjectError: its code failed.
    """
    if isinstance(subject, Subject):
        return _as_meant(subject, meant)
    if not isinstance(subject, str):
        name = getattr(subject, "__name__", type(subject).__name__)
        return _adapted(subject, name, meant)
    if subject.startswith(COMMAND):
        from conformance.subjects.command.command_subject import command_subject

        return _as_meant(command_subject(subject, timeout=timeout), meant)
    if subject.endswith(".safetensors"):
        from conformance.subjects.trace.trace_subject import trace_subject

        return _as_meant(trace_subject(Path(subject), place, case), meant)
    return _as_meant(find(subject), meant)


def _adapted(thing: Any, name: str, meant: Meant) -> Subject:
    """A subject of what a name stands for.

    Raises:
        UnknownSubjectError: it is not the network of the book.
    """
    known = meant.cost if meant.cost in COSTS else None  # of another one `_with_cost` says so
    try:
        adapted = adapt(thing, name, known, meant.family)
    except UnknownSubjectError:
        raise
    except UsageError as error:
        raise UnknownSubjectError(str(error)) from error
    if meant.cost is not None:
        adapted = _with_cost(adapted, meant.cost)
    short = meant.precision or short_format(adapted)
    return adapted if short is None else in_format(adapted, short)


def _with_cost(subject: Subject, cost: str) -> Subject:
    """A subject that is put to the cases with one of its costs alone.

    Raises:
        UsageError: it is none of its costs.
    """
    if cost not in subject.costs:
        output = subject.family[1]
        goes = " or ".join(each for each in COSTS if output in COSTS[each].outputs)
        raise UsageError(f"cost {cost}: with {output} at its output {subject.name} has {goes}")
    return replace(subject, costs=(cost,))


def _as_meant(subject: Subject, meant: Meant) -> Subject:
    """A subject of which we cannot see its cost or family, with those that it is said to have."""
    cost, family, precision = meant
    subject = subject if cost is None else replace(subject, costs=(cost,))
    subject = subject if family is None else replace(subject, family=family)
    if precision is None:
        return subject
    from conformance.subjects.command.command_subject import CommandSubject
    from conformance.subjects.trace.trace_subject import TraceSubject

    if isinstance(subject, CommandSubject | TraceSubject):
        raise UsageError(f"precision {precision}: a command and a trace are not judged in it")
    return in_format(subject, precision)


def _apart(
    spec: str,
    cases: Sequence[Case],
    options: tuple[Meant, tuple[Path, ...]],
    watching: tuple[float, Done],
    *,
    detailed: bool,
) -> Report:
    """Check what a file or module names in a process of its own."""
    timeout, done = watching
    said: dict[str, Any] = {"subject": spec, "conventions": [], "skipped": {}, "exact": []}
    reports: list[CaseReport] = []
    loaded = False
    try:
        for record in isolated(partial(_send_all, spec, cases, options, detailed), timeout):
            loaded = True
            said.update(cast("dict[str, Any]", record))
            if "again" in said:  # as another network
                del said["again"]
                reports.clear()
            if "case" in said:
                reports.append(case_from_json(said.pop("case")))
                done(reports[-1])
            for i, each in said.pop("explained", ()):
                reports[i] = case_from_json(each)
    except SubjectError as error:
        _note_end(error, spec, cases, (said, reports), loaded=loaded)
    return _fitting(replace(Report.from_json({**said, "cases": ()}), cases=tuple(reports)))


def _note_end(
    error: SubjectError,
    spec: str,
    cases: Sequence[Case],
    heard: tuple[dict[str, Any], list[CaseReport]],
    *,
    loaded: bool,
) -> None:
    """Note in what was heard where a subject ended that was to go on.

    Raises:
        SubjectError: it ended before any case.
    """
    said, reports = heard
    if said.get("short") is not None:
        cases = [each.in_format(said["short"]) for each in cases]
    waiting = [each for each in cases if each.id not in said["skipped"]][len(reports) :]
    if not (reports or waiting) or not (loaded or isinstance(error, StoppedError)):
        words = str(error)
        kind = UnjudgedError if isinstance(error, UnjudgedError) else SubjectError
        raise kind(words if words.startswith(spec) else f"{spec}: {words}") from error
    if waiting:
        within = f"{spec} in {waiting[0].id}" if loaded else spec
        reports[:] = explained_elsewhere(reports)  # which the child did not come to
        reports.append(CaseReport(waiting[0], spec, [], f"{within}: {error}"))
    else:  # all is judged, and the exact lane, which comes last, is not run to its end
        left = f"it {error}".splitlines()[0]
        said["exact"] += [to_values(ExactRun(reports[-1].case.id, 0, left))]


def _send_all(
    spec: str,
    cases: Sequence[Case],
    options: tuple[Meant, tuple[Path, ...]],
    detailed: bool,
    send: Callable[[object], None],
) -> None:
    """What the child does: it examines the subject, and sends each part as soon as it is known."""
    meant, python_path = options
    subject = replace(_adapted(load(spec, python_path), spec, meant), folders=python_path)
    every, cases = cases, _cases_for(subject, cases)
    fitting = [each for each in cases if not subject.unfit(each)]
    skipped = {each.id: subject.unfit(each) for each in cases if each not in fitting}
    short = short_format(subject)
    send({"conventions": list(subject.conventions), "skipped": skipped, "short": short})
    if subject.moves_unknown:
        send({"moves_unknown": True})
    sent: list[CaseReport] = []

    def judged(report: CaseReport) -> None:
        sent.append(report)
        send({"case": case_to_json(report)})

    def grown(report: Report) -> None:
        others = [(i, each) for i, each in enumerate(report.cases) if each is not sent[i]]
        explained = [(i, case_to_json(each)) for i, each in others]
        sent[:] = report.cases
        more = {"explained": explained, **further_to_json(report)}
        send({"conventions": list(report.conventions), **more})

    with threadpool_limits(1):
        report = examine(subject, store.root(), fitting, judged, grown, detailed=detailed)
    if report.meant is not None:
        send({"again": True, **further_to_json(Report(spec))})
        again = _as_read(meant, report.meant), python_path
        _send_all(spec, every, again, detailed, send)


def _cases_for(subject: Subject, chosen: Sequence[Case]) -> Sequence[Case]:
    """The chosen cases as a subject is put to them; see `cases_for`.

    Raises:
        OtherFamilyError: no recorded case with hidden layers has its activations; its own backward
            pass can be judged.
        UnjudgedError: none has, and it has no backward pass of its own.
    """

    def are_there(some: Iterable[Case]) -> bool:
        return any(each.layers > 2 and subject.has_activations_of(each) for each in some)  # noqa: PLR2004

    if not are_there(chosen) and not are_there(store.cases(store.root(), None, None)):
        hidden, output = subject.family
        raise (OtherFamilyError if subject.goes_back else UnjudgedError)(
            f"{subject.name}: no recorded case has its activations, {hidden} in the hidden layers "
            f"and {output} at the output; a `backprop(x, y)` of its own would be judged without one"
        )
    return cases_for(subject, chosen)


def _fitting(report: Report) -> Report:
    if not report.cases and not report.declined:
        reasons = ", ".join(sorted(set(report.skipped.values())))
        raise UsageError(f"{report.subject}: none of the cases fits it: it {reasons}")
    return report
