"""The loop over the data that a network has, `SGD`: whether each epoch takes each sample once.

It is run for one epoch and for two, on ten samples in mini-batches of three. Left out: the order,
which anybody may choose; a loop that needs other arguments than the book's, or other data than a
list of pairs, is not judged. The signature does not say whether the data are a list of pairs or an
array, or what a target is. So a crash in a statement that uses the data proves nothing, unless the
data cannot be its reason.
"""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np

from conformance.running.missing_names import attributes_of, lacks_a_name
from conformance.running.tracebacks import headline
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.loop_walk import (
    ETA,
    Data,
    EndlessError,
    Given,
    LoopCall,
    LoopTracer,
    Walk,
    loop_around,
    loop_call,
    random_numbers_kept,
    statement_at,
    walk,
)
from conformance.tracing.frames import raised_in
from conformance.tracing.line_tracer import Frames
from conformance.verdict.finding import Finding, Kind, finding

N, M = 10, 3  # M does not divide N, so the last mini-batch is short
OTHER_N = 11  # which leaves another remainder
SAYS_SO = re.compile(
    r"drop_?(last|rem|short|incomplete)|hold_?out|val\w*_(split|frac|ratio|size|share)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Conduct:
    """What is wrong with a network beside its steps, and why something was not judged."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = Conduct()


def own_loop(network: BookNetwork) -> Conduct:
    """Judge the SGD of a network, if it has one."""
    with random_numbers_kept():
        loop = getattr(network.make(network.probe), "SGD", None)
    if not callable(loop):
        return NOTHING
    call = loop_call(loop)
    if call is None:
        return _unjudged(
            "it needs other arguments than training_data, epochs, mini_batch_size, eta"
        )
    return _Loop(network, call, Data.unlike(network.probe, n=N, m=M)).judged()


def _unjudged(why: str) -> Conduct:
    return Conduct(notes=(f"SGD was not judged: {why}",))


@dataclass(frozen=True)
class _Loop:
    network: BookNetwork
    call: LoopCall
    data: Data

    def judged(self) -> Conduct:
        runs = [self.walk(1), self.walk(2)]
        for epochs, run in enumerate(runs, 1):
            if run.error is not None:
                return self._stopped(run, epochs)
        pairs = [pair for run in runs for each in run.given for pair in each.pairs]
        if not pairs or any(None in pair for pair in pairs):
            what = "other samples than it has" if pairs else "none"
            return _unjudged(f"it gives update_mini_batch {what}")
        first, second = (run.given for run in runs)
        if [len(each.pairs) for each in second[: len(first)]] != [len(e.pairs) for e in first]:
            return self._epoch(1, first, first)
        if first and len(second) == len(first):
            return self._epoch(1, first, first) if self._wrong(1, first) else self._empty()
        later = second[len(first) :]
        wrong_first = self._wrong(1, first)
        return (
            self._epoch(1, first, first or second) if wrong_first else self._epoch(2, later, later)
        )

    def walk(self, epochs: int, tracer: LoopTracer | None = None) -> Walk:
        return walk(self.network, self.call, self.data, epochs, tracer)

    def _traced(self, epochs: int) -> tuple[LoopTracer, Walk]:
        tracer = LoopTracer(self.data.batch)
        return tracer, self.walk(epochs, tracer)

    def _stopped(self, run: Walk, epochs: int) -> Conduct:
        """A crash is its own if another kind of data, and more of it, gives the same crash."""
        error = run.error
        if error is None or isinstance(error, EndlessError):
            return _unjudged("it gives far more mini-batches than its epochs have")
        frames = raised_in(error)
        if frames and not run.in_update and is_its_own(error, run):
            again = walk(self.network, self.call, Data.many(self.network.probe), epochs).error
            if type(again) is type(error) and raised_in(again)[:1] == frames[:1]:
                return Conduct((finding(Kind.STOPPED, frames, error=headline(error)),))
        return _unjudged(headline(error))

    def _wrong(self, epoch: int, given: Sequence[Given]) -> list[Finding]:
        return [*_faults(epoch, given), *_rate_faults(given)]

    def _epoch(self, epoch: int, given: Sequence[Given], calls: Sequence[Given]) -> Conduct:
        """What is wrong with the mini-batches of one epoch, with the lines.

        Args:
            epoch: its number.
            given: its mini-batches.
            calls: the same, or, if it has none, those of the next one.
        """
        found = self._wrong(epoch, given)
        if not found:
            return NOTHING
        tracer, run = self._traced(2 if epoch > 1 or not given else 1)
        own = run.given[-len(given) :] if given else run.given[: len(calls)]
        if len(own) < len(given) or not own:
            own = list(calls)  # its random numbers are its own: no line but that of the call
        left = {Kind.REMAINDER_DROPPED, Kind.SAMPLES_LEFT_OUT}
        if any(each.kind in left for each in found):
            why = _excused(tracer, own)
            if why:
                return Conduct(notes=(why,))
            found = [self._remainder(each) for each in found]
        return Conduct(tuple(replace(e, frames=_where(e.kind, tracer, own)) for e in found))

    def _remainder(self, found: Finding) -> Finding:
        """What is left out, once more: of another number of samples it may be no remainder."""
        if found.kind is not Kind.REMAINDER_DROPPED:
            return found
        other = walk(self.network, self.call, Data.unlike(self.network.probe, n=OTHER_N, m=M), 1)
        if sum(len(each.pairs) for each in other.given) == OTHER_N - OTHER_N % M:
            return found
        return finding(Kind.SAMPLES_LEFT_OUT, epoch=1, left=N % M, n=N, m=M)

    def _empty(self) -> Conduct:
        """Whether the second epoch began, and had no mini-batch."""
        (once, one), (twice, two) = self._traced(1), self._traced(2)
        if not one.given or len(two.given) != len(one.given):
            return NOTHING
        loop = loop_around(one.given[-1].frames)
        if twice.executions(loop[0]) > once.executions(loop[0]):
            return Conduct((finding(Kind.EPOCH_EMPTY, loop, epoch=2),))
        return NOTHING


def _excused(tracer: LoopTracer, given: Sequence[Given]) -> str:
    """Why samples may be left out, in words."""
    names = {name for code in tracer.codes for name in (*code.co_varnames, *code.co_names)}
    said = sorted(name for name in names if SAYS_SO.search(name))
    if said:
        return f"SGD leaves out samples, as its {said[0]} says"
    by_itself = not tracer.ran_out(given[-1].frames) and not tracer.left_always(given[-1].frames)
    return "SGD was not judged: it stops within an epoch" if by_itself else ""


def _where(kind: Kind, tracer: LoopTracer, given: Sequence[Given]) -> Frames:
    """The line to blame for what is wrong with some mini-batches."""
    bad = next((each for i, each in enumerate(given) if _faulty(kind, given, i)), given[-1])
    made = tracer.origin(bad.batch, bad.frames)
    if kind in (Kind.REMAINDER_DROPPED, Kind.SAMPLES_LEFT_OUT):
        around = tracer.left_always(bad.frames) or loop_around(made)
        return around if around != made else loop_around(bad.frames)
    if kind is Kind.NOMINAL_RATE:
        return tracer.origin(bad.rate, bad.frames)
    if kind is Kind.PAIRS_BROKEN:
        return tracer.parted or made
    return tracer.spoilt or made


def _faulty(kind: Kind, given: Sequence[Given], i: int) -> bool:
    """Whether it is mini-batch i that is wrong first."""
    pairs = given[i].pairs
    if kind is Kind.PAIRS_BROKEN:
        return any(x != y for x, y in pairs)
    if kind is Kind.SAMPLES_REPEATED:
        before = {x for each in given[:i] for x, _ in each.pairs}
        return bool(before & {x for x, _ in pairs}) or len({x for x, _ in pairs}) < len(pairs)
    return kind is Kind.NOMINAL_RATE and len(pairs) < M


def _faults(epoch: int, given: Sequence[Given]) -> Iterator[Finding]:
    pairs = [pair for each in given for pair in each.pairs]
    if any(x != y for x, y in pairs):
        yield finding(Kind.PAIRS_BROKEN)
    times = Counter(x for x, _ in pairs)
    left, repeated = N - len(times), sum(count > 1 for count in times.values())
    if repeated:
        yield finding(Kind.SAMPLES_REPEATED, repeated=repeated, left=left, n=N, epoch=epoch)
    elif left == N % M:
        yield finding(Kind.REMAINDER_DROPPED, n=N, m=M)
    elif left:
        yield finding(Kind.SAMPLES_LEFT_OUT, left=left, n=N, m=M, epoch=epoch)


def _rate_faults(given: Sequence[Given]) -> Iterator[Finding]:
    """Whether the short mini-batch alone is given a smaller η, as if it had the nominal length."""
    lengths, rates = [len(each.pairs) for each in given], [each.rate for each in given]
    known = all(isinstance(rate, float | np.floating) for rate in rates)
    if known and any(length < M for length in lengths):
        nominal = [ETA * length / M for length in lengths]
        if np.allclose(np.array(rates, np.float64), nominal, rtol=1e-6):
            yield finding(Kind.NOMINAL_RATE, n=N, m=M)


ABSENT = object()  # stands for what is no local variable
_OUTSIDE = (OSError, ImportError, EOFError, MemoryError, SystemExit, NotImplementedError)


def is_its_own(error: BaseException, run: Walk) -> bool:
    """Whether nothing but SGD can be the reason: no data, no machine, no call before it."""
    frame, line = _innermost(error)
    if isinstance(error, _OUTSIDE) or frame is None or line is None:
        return False
    file = frame.f_code.co_filename
    if isinstance(error, NameError):
        return isinstance(error, UnboundLocalError) or lacks_a_name(error, file)
    # One mini-batch of samples shows that the form of the data is right.
    data = [] if any(_right(run)) else [run.data]
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        return error.name not in attributes_of(file) and not _is_of(error.obj, data)
    statement = statement_at(file, line)
    if statement is None:
        return False
    used = [(node, _value(node, frame)) for node in _used(statement)]
    unset = any(value is None and isinstance(node, ast.Attribute) for node, value in used)
    return not unset and not any(_is_of(value, data) for _, value in used)


def _right(run: Walk) -> list[bool]:
    """Of each mini-batch whether it is of samples."""
    return [all(None not in pair for pair in each.pairs) for each in run.given]


def _innermost(error: BaseException) -> tuple[FrameType | None, int | None]:
    """The frame of the line to blame."""
    blamed = raised_in(error)
    at, found = error.__traceback__, None
    while at is not None and blamed:
        if (at.tb_frame.f_code.co_filename, at.tb_lineno) == (blamed[0].file, blamed[0].line):
            found = at
        at = at.tb_next
    return (None, None) if found is None else (found.tb_frame, found.tb_lineno)


def _used(statement: ast.stmt) -> list[ast.expr]:
    """The names and attributes that a statement reads, without those in its body."""
    inner = [each for name in ("body", "orelse") for each in getattr(statement, name, ())]
    body = {id(each) for each in inner if each.lineno > statement.lineno}
    waiting: list[ast.AST] = [statement]
    found: list[ast.expr] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.append(node)
        waiting += [each for each in ast.iter_child_nodes(node) if id(each) not in body]
    return found


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name or an attribute of a local variable is; nothing if it is neither."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, ABSENT)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        held = frame.f_locals.get(node.value.id)
        return inspect.getattr_static(held, node.attr, ABSENT)
    return ABSENT


def _is_of(value: Any, data: Sequence[Any]) -> bool:
    """Whether a value may be the data, a part of them, or made of them."""
    if not data or value is None or value is ABSENT or isinstance(value, _PLAIN):
        return False
    if isinstance(value, list | tuple):
        return any(value is each for each in data) or any(_is_of(each, data) for each in value)
    return not callable(value) and type(value).__module__.partition(".")[0] in _HOLDERS


_PLAIN = (str, bytes, int, float)
_HOLDERS = ("numpy", "torch", "pandas", "builtins")
