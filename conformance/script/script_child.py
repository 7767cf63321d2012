"""The process in which a script runs: it is stopped after some updates, and they are judged there.

Left out: its parent (`run_script.py`), and the judgement (`conclude.py`).
"""

import ast
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np

from conformance.backward.findings import Examined, Line
from conformance.backward.groups import operation_key
from conformance.edits.edit import EditKind
from conformance.errors import ConformanceError, SubjectError, UnjudgedError
from conformance.running.dry_run import writing_nothing
from conformance.running.isolate import isolated
from conformance.running.tracebacks import headline
from conformance.script.chains import is_late
from conformance.script.conclude import conclude
from conformance.script.edited_script import mended, repaired
from conformance.script.parameter_names import Held, held, namespaces, unfollowed
from conformance.script.parameters import (
    Parameter,
    enough,
    moved_often,
    moved_once,
    parameters,
    steps,
)
from conformance.script.rows import Carried, is_summed
from conformance.script.script_source import run
from conformance.script.source_around import (
    begun_anew,
    is_right,
    makes_data,
    moves_after,
    training_after,
    trains_around,
)
from conformance.script.trainings import Cut, training
from conformance.script.update import hides_a_decay
from conformance.script_outcome import ENDED, Ran, Training, is_judged_as_far
from conformance.tracing.frames import Frame, is_subject, raised_in, subject_frames
from conformance.tracing.long import MOST, LongTrace
from conformance.tracing.node import FILLED, Node, bits_of_nodes
from conformance.values import from_values, to_values

PATIENCE = 3  # times that a script may go on though it was stopped
LONGEST = 20_000  # nodes, up to which it goes on where all that it moves may be states
MORE = 12  # updates, up to which it goes on where some change nothing, or all rows are 0
AGAIN = 1.0  # seconds until it is stopped again

OF_A_LINE = (ArithmeticError, LookupError, NameError, ValueError)
"""Exceptions that a change of a line may mend: what is not there is asked for on any."""

DOUBTS = {"aside", "frozen", "loss", "unseen"}
"""Notes that something may be a parameter and is not judged, or that the loss is another."""

CONFIRMING = 20.0  # seconds of silence that all updates of a changed script may take


class StopScript(BaseException):
    """The script has shown enough."""


@dataclass
class Session:
    """A script that runs.

    Attributes:
        script: its path.
        arguments: that it is given.
        updates: that are to change something, after which it is stopped.
        seconds: after which it is stopped.
        seed: of its random numbers.
        changed: what is run in the place of its source; None if nothing is.
        send: takes the report.
        found: its parameters so far.
        names: what its variables hold.
        notes: see `Ran.notes`.
        unfollowed: kinds of arrays in its variables that are not followed.
        stops: how many times it was stopped.
        states: whether what it moved first may be states, which a loop begins anew.
        data: the values of states of which data are made for a training.
    """

    script: str
    arguments: Sequence[str]
    updates: int
    seconds: float
    seed: int
    send: Callable[[object], None]
    changed: ast.Module | None = None
    before: Sequence[Training] = ()
    found: list[Parameter] = field(default_factory=list)
    names: list[Held] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    stops: int = 0
    states: bool = False
    data: set[Node] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin a trace."""
        self.asked = self.updates
        self.trace = LongTrace(self.grown)
        self.cut = Cut(self.trace, self.before, self.asked) if self.before else None

    def grown(self) -> int:
        """End the script if its trace shows enough; else tell how long it may have to be."""
        if not self.stops:
            self.found = self._parameters()
            full = self.trace.stored > MOST and bool(self.found)
            if full:
                self.notes.append(("memory", f"{MOST >> 30}"))
            if steps(self.found, closed=True) < self.updates and not full:
                return enough(self.found, self.updates)
            if not full and self._goes_on():
                self.note_names(namespaces(sys._getframe(), run.__code__))  # noqa: SLF001 - likewise
                return 2 * len(self.trace.nodes)
            while not full and self._is_hidden():
                self.updates += 1
                if steps(self.found, closed=True) < self.updates:
                    return enough(self.found, self.updates)
        self.stop(sys._getframe())  # noqa: SLF001 - the way to the script's variables
        return 1

    def _parameters(self) -> list[Parameter]:
        """The parameters that its trace shows; no states, once the script goes on for others."""
        return parameters(self.trace.nodes, cut=self.trace.forgot, passes=self._passes)

    def _passes(self, one: Carried) -> bool:
        return (self.states and begun_anew(one)) or not self.data.isdisjoint(one.values)

    def _goes_on(self) -> bool:
        """Whether the script is to go on: all that it was seen to move may be states, or rows."""
        long = len(self.trace.nodes) >= LONGEST
        if not long and any(self._is_in_its_first_round(each.values) for each in self.found):
            return True
        if not long and (moves_after(self.found) or self._is_late() or self._is_summed()):
            return True
        if not all(begun_anew(each.chain) for each in moved_often(self.found)):
            return self._makes_data()
        if long and not trains_around(self.found):
            return False
        lasting = not all(begun_anew(each.chain) for each in self.found)
        self.states = self.states or lasting or not is_right(self.trace, self.found)
        return self.states

    def _is_summed(self) -> bool:
        """Whether something is made of what is moved that moves nothing yet, as others may be."""
        return is_summed(self.trace.nodes, bits_of_nodes(e.values[0] for e in self.found))

    def _is_late(self) -> bool:
        """Whether all is moved by what was not computed from it."""
        return all(is_late(each.values, self.trace.nodes) for each in self.found)

    def _is_in_its_first_round(self, values: Sequence[Node]) -> bool:
        """Whether rows were moved by what was computed once: more may be moved after them."""
        first, second = values[:2]
        users = {operation_key(e) for e in first.consumers if second.depends_on(e)}
        later = self.trace.nodes[second.number + 1 :]
        return second.operation == FILLED and users.isdisjoint(map(operation_key, later))

    def _makes_data(self) -> bool:
        """Whether it is a state of which data are made for a training that comes later."""
        values = {value for each in self.found for value in each.values}
        known = not self.data.isdisjoint(values)
        if not known and makes_data(self.found) and is_right(self.trace, self.found) is None:
            self.data |= values
            return True
        return known

    def _is_hidden(self) -> bool:
        """Whether the script is to go on: all that it was seen to move of a table was 0.

        Or some updates have changed nothing, such as before the first reward, or tell nothing.
        """
        short = self.updates < MORE and len(self.trace.nodes) < LONGEST
        often = (each.values for each in self.found if each.chain.count >= self.updates)
        values = [each[: self.updates + 1] for each in often]  # what moves seldom is no parameter
        steps = zip(*(pairwise(each) for each in values), strict=True)
        moved = [each for each in steps if any(np.any(a.value != b.value) for a, b in each)]
        twice = set().union(*(each.chain.twice for each in self.found))
        moving = sum(twice.isdisjoint(new for _, new in each) for each in moved)
        return short and (moving < self.asked or any(map(hides_a_decay, values)))

    def stop(self, frame: FrameType | None) -> None:
        """End the script; where it goes on nevertheless, its process."""
        self.stops += 1
        if self.stops == 1:
            self.note_names(namespaces(frame, run.__code__))
        if self.stops > PATIENCE:
            self.end()
        raise StopScript

    def note_names(self, spaces: Sequence[Mapping[str, Any]]) -> None:
        """Note what the variables of the script hold, also those of functions that end later."""
        recording, self.trace.recording = self.trace.recording, False
        self.names = [*held(self.trace, spaces), *self.names]
        self.unfollowed = unfollowed(spaces)
        self.trace.recording = recording

    def end(self) -> None:
        """Send the report, with a change that mends it, and leave the process.

        Whatever the script would still do.
        """
        with suppress(OSError, ValueError):  # a stream that the script has closed
            sys.stdout.flush()
        self.send(ENDED)
        self.trace.recording = False
        later = training_after(self.found, self.trace.nodes) if self.stops else None
        asked = bool(self.stops) and self.changed is None  # of a change its updates alone are
        now = training(self.found, goes_on=later is not None) if asked else None
        if later is not None:
            self.notes.append(("later", _place_of(later)))
        known = now is not None and self._is_known(now)  # it is not judged once more
        if not known and self._goes_on_with_lists():
            known, now = True, now and replace(now, lines=())  # another by them may be judged
        ran = Ran(self.script, (), 0, Examined(())) if known else self.report()
        ran = replace(ran, training=now)
        self.send(to_values(ran))  # before a trial, which may end the process
        if self.changed is None and not self.before:
            right = partial(self.confirmed, ran)
            told = mended(ran, self.arguments, self.seed, right, self.refuted)
            if told is not ran:
                self.send(to_values(told))
        os._exit(0)

    def _is_known(self, one: Training) -> bool:
        """Whether a training runs no lines but those that ran before, and is not tried yet again.

        The same lines may do something else, as dropout does with another share: after 1, 2, 4, 8
        trainings they are judged once more.
        """
        tried = len(self.before).bit_count() == 1
        return not tried and one.is_within(self.before)

    def _goes_on_with_lists(self) -> bool:
        """Whether a later training moves numbers of lists that those before have moved."""
        cut, lists = self.cut, self.trace.lists is not None
        begun = (each.values[0].number for each in self.found)
        return lists and cut is not None and any(each < cut.began for each in begun)

    def confirmed(self, ran: Ran | None, changed: ast.Module) -> bool:
        """Whether all updates are right where something else is run.

        Args:
            ran: what is known of what was run: as much has to be judged, by a cost as well known,
                and moved by the same rule. None if it ended before.
            changed: what is run.
        """
        other = self.judged(changed)
        if other is None or not other.examined.ok or other.examined.accused:
            return False
        if ran is None:
            return not DOUBTS & {kind for kind, _ in other.notes}
        return is_judged_as_far(other, ran)

    def refuted(self, changed: ast.Module) -> bool:
        """Whether something else that is run can be judged, and is wrong."""
        try:
            other = self.judged(changed)
        except SubjectError:
            return False
        return other is not None and not other.examined.ok

    def judged(self, changed: ast.Module) -> Ran | None:
        """What is known where something else is run; None if that ends the process.

        Raises:
            SubjectError: it cannot be judged.
        """
        asked = self.asked, self.seconds, self.seed, changed
        for record in isolated(partial(_again, self.script, self.arguments, asked), CONFIRMING):
            if record != ENDED:
                ran: Ran = from_values(Ran, record)
                return ran
        return None

    def report(self) -> Ran:
        """What is known of the script."""
        if not self.stops:
            self.found = self._parameters()
        if self.unfollowed and not steps(self.found):
            self.notes.append(("unfollowed", " and ".join(self.unfollowed)))
        known = self.trace, self.found, self.names, self.updates, self.notes
        try:
            with np.errstate(all="ignore"):  # its own warnings it has shown as it ran
                return conclude(self.script, *known, blame=self.changed is None)
        except UnjudgedError as error:
            if not self.unfollowed or "unfollowed" in dict(self.notes):
                raise
            words = f"what it computes with {' and '.join(self.unfollowed)} is not followed"
            raise UnjudgedError(f"{error}; {words}") from error

    def run(self) -> None:
        """Run the script, and send the report.

        Raises:
            SubjectError: it failed before it had updated anything.
        """
        try:
            with self._limited():
                run(
                    *(self.script, self.arguments, self.trace, self.seed),
                    lambda names: self.note_names([names]),
                    self.changed,
                    self.cut,
                )
        except StopScript:
            pass
        except ConformanceError:
            raise
        except SystemExit as error:
            self._ended(error)
            self.notes.append(("left", _left(error)))
        except BaseException as error:
            self._ended(error)
            if not steps(self._parameters()) and not moved_once(self.trace.nodes):
                raise SubjectError(self.failure(error) + self._repair(error)) from error
            self.notes.append(("failed", self.failure(error)))
        self.end()

    def _repair(self, error: BaseException) -> str:
        """With which change of one line a script runs that has raised an exception, if any is."""
        lines, right = [Line(*each[:2]) for each in raised_in(error)], partial(self.confirmed, None)
        if self.changed is not None or not isinstance(error, OF_A_LINE):
            return ""
        self.trace.recording = False
        change = repaired(self.script, lines, self.arguments, self.seed, right)
        if change is None or change.kind is not EditKind.REPLACED:
            return ""
        place = _place_of(Line(change.file, change.line))
        return f"\n  it runs, and every gradient is right, with {place}:  {change.text}"

    def _ended(self, error: BaseException) -> None:
        """Note what the variables held where an exception was raised."""
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        if not self.stops:
            self.note_names(namespaces(None if at is None else at.tb_frame, run.__code__))

    def failure(self, error: BaseException) -> str:
        """An exception of the script in one line."""
        line = _line(raised_in(error))
        where = f", in {line}" if line else ""
        if isinstance(error, EOFError) and "reading a line" in str(error):
            return f"it asks for input, and there is nobody to answer{where}"
        return f"raised {headline(error)}{where}"

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """End the script when its time is over, until the end of the block."""

        def over(_number: int, frame: FrameType | None) -> None:
            if not self.stops:
                signal.setitimer(signal.ITIMER_REAL, 0)  # to look for parameters takes its time
                self.trace.recording = False
                self.found = self._parameters()
                self.notes.append(("time", f"{self.seconds:g}"))
                if not steps(self.found):
                    at = frame  # it may be within what we do for a line
                    while at is not None and not is_subject(at.f_code.co_filename):
                        at = at.f_back
                    self.notes.append(("at", _line(subject_frames(at)) if at else ""))
                signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
            self.stop(frame)

        if sys.platform == "win32":
            yield
            return
        signal.signal(signal.SIGALRM, over)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _again(
    script: str,
    arguments: Sequence[str],
    asked: tuple[int, float, int, ast.Module],
    send: Callable[[object], None],
) -> None:
    """Run a script with something in the place of its source; nothing is written to files."""
    updates, seconds, seed, changed = asked
    with writing_nothing():
        Session(script, arguments, updates, seconds, seed, send, changed).run()


def _line(lines: Sequence[Frame]) -> str:
    return _place_of(lines[0]) if lines else ""


def _place_of(line: Frame | Line) -> str:
    return f"{os.path.relpath(line.file)}:{line.line}"


def _left(error: SystemExit) -> str:
    """Where a script left, and with which status or words, which Python would print."""
    line, code = _line(raised_in(error)), error.code
    words = f"1: {code}" if isinstance(code, str) else code or 0
    return f"{f'in {line} ' if line else ''}it left with exit status {words}"
