"""A recorded `.safetensors` trace as a subject: what a program in any language computed.

Its tensors are named as in the fixtures, `0/z2 … 0/w3 1/z2 …`, each step from the recorded start;
`free/0/z2 …` are those of a run on the program's own parameters. The file is read within bounds,
and why the library refuses it is said with the name of the tensor. Left out: the samples, the start
and the bounds that it may hold too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from conformance.corpus import casefile, store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import SubjectError, UsageError
from conformance.running.process import printable
from conformance.subjects import Subject
from conformance.subjects.observation import Family, Observation
from reference.step import Array, Batch, Parameters


def read(path: Path) -> bytes:
    """The bytes of a file, which must not be large.

    Raises:
        UsageError: it cannot be read.
        SubjectError: it is too large.
    """
    try:
        if not path.is_file():
            raise UsageError(
                f"there is no file {path}" if not path.exists() else f"{path} is no file"
            )
        with path.open("rb") as file:
            raw = file.read(casefile.MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > casefile.MOST_BYTES:
        raise SubjectError(
            f"{path}: larger than {casefile.MOST_BYTES >> 20} MiB; record fewer steps"
        )
    return raw


def parse(raw: bytes, path: Path | str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The metadata and the tensors of a safetensors file.

    Raises:
        SubjectError: it is not such a file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors: dict[str, Array] = load(raw)
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + length]).get("__metadata__") or {}
    except KeyError as error:
        raise SubjectError(
            f"{path}: dtype {error} is none of NumPy's; give float32, float64"
        ) from error
    except (SafetensorError, ValueError, TypeError, AttributeError, RecursionError) as error:
        why = fault(raw) or printable(str(error))
        raise SubjectError(f"{path}: not a safetensors file ({why})") from error
    return header, tensors


def id_of(header: dict[str, Any]) -> str | None:
    """The id of the case, from the metadata."""
    if "case" not in header:
        return header.get("id")
    try:
        described = json.loads(header["case"])
    except (ValueError, RecursionError):
        return str(header["case"])
    inner = described.get("case", described) if isinstance(described, dict) else {}
    found = inner.get("id") if isinstance(inner, dict) else inner
    return None if found is None else str(found)


SIZES = {"F64": 8, "F32": 4}
MOST = 1 << 20  # bytes of a header that is looked at
LARGE = 1 << 63
AXES = 2  # of a quantity, at most
PAIR = ("begin", "end")  # of the data of a tensor


def fault(raw: bytes) -> str:
    """The first thing that is wrong; empty if nothing is found, or the header is too long."""
    if len(raw) < 8:  # noqa: PLR2004 - of the length
        return f"it has {len(raw)} bytes: 8 of them are to tell the length of its header"
    length, there = int.from_bytes(raw[:8], "little"), len(raw) - 8
    if length > there:
        return f"its header is to be {length:,} bytes long, and {there:,} follow"
    if length > MOST:
        return ""
    try:
        header = json.loads(raw[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        return f"its header: {printable(str(error))}"
    entries = header if isinstance(header, dict) else {}
    tensors = {name: each for name, each in entries.items() if name != "__metadata__"}
    wellformed = bool(tensors) and all(map(_wellformed, tensors.values()))
    return next(_unfit(tensors, there - length), "") if wellformed else ""


def _wellformed(entry: Any) -> bool:
    """Whether it describes a tensor of whole numbers, which nothing is allocated for."""
    if not isinstance(entry, dict):
        return False
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != len(PAIR):
        return False
    return len(shape) <= AXES and all(type(n) is int and 0 <= n < LARGE for n in (*shape, *offsets))


def _unfit(tensors: dict[str, Any], data: int) -> Iterator[str]:
    """Which tensors do not fit, in the order of their data."""
    reached = 0
    for name, entry in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        shape, (begin, end) = entry["shape"], entry["data_offsets"]
        named = f"`{printable(name, NAME)}`"
        size = SIZES.get(str(entry.get("dtype")))
        if size and prod(shape) * size != end - begin:
            numbers = ", ".join(map(str, shape))
            takes = f"of shape [{numbers}] takes {prod(shape) * size:,} bytes in {entry['dtype']}"
            yield f"{named} {takes}, its data_offsets {end - begin:,}"
        if begin != reached:
            yield f"{named} begins at byte {begin:,} of the data, where {reached:,} comes next"
        reached = end
    if reached != data:
        yield f"its tensors end at byte {reached:,} of the data, of which there are {data:,}"


Again = Callable[[], Family] | None
"""The same of a second run, where one can be made."""

NAME = 40  # characters of a foreign name in a message


@dataclass(frozen=True)
class TraceSubject(Subject):
    """A subject that was recorded in one case."""

    case_id: str = ""
    free: bool = False

    def unfit(self, case: Case) -> str:
        """Why a case cannot be put to the subject, or nothing."""
        if case.id != self.case_id:
            return f"is a recording of {self.case_id}"
        return super().unfit(case)

    def runs_freely(self, case: Case) -> bool:
        """Whether a free run was recorded."""
        return self.free and not self.unfit(case)


class TraceSession:
    """A recording of single steps, each looked up by where it starts."""

    def __init__(
        self, recorded: Recorded, steps: Family, _case: Case, start: Parameters, again: Again = None
    ) -> None:
        """Keep where the step starts."""
        self.recorded, self.steps, self.start, self.again = recorded, steps, start, again

    def step(self, batch: Batch) -> Observation:
        """Show what was recorded of the step that starts so.

        Raises:
            SubjectError: no step of the case does.
        """
        for t, step in enumerate(self.recorded.steps):
            pairs = [(step.batch.x, batch.x), (step.batch.y, batch.y)]
            pairs += zip(step.parameters.w, self.start.w, strict=True)
            pairs += zip(step.parameters.b, self.start.b, strict=True)
            if all(np.array_equal(*pair) for pair in pairs):
                return _observation(self.steps, t, self.again)
        raise SubjectError(f"no step of {self.recorded.case.id} starts so: nothing was recorded")


class FreeTraceSession:
    """A recording of a free run, shown step by step."""

    def __init__(self, steps: Family, _case: Case, _start: Parameters, again: Again = None) -> None:
        """Begin at its first step."""
        self.steps, self.again, self.taken = steps, again, 0

    def step(self, _batch: Batch) -> Observation:
        """Show what was recorded of the next step."""
        self.taken += 1
        return _observation(self.steps, self.taken - 1, self.again)


def _observation(steps: Family, t: int, again: Again) -> Observation:
    """A step, and how to run all of them a second time."""
    runs = None if again is None else lambda: (steps, again())
    return Observation(steps.get(t, {}), again=runs)


def trace_subject(path: Path, place: Path, case_id: str | None = None) -> TraceSubject:
    """The subject of a recorded trace.

    Args:
        path: the file.
        place: the corpus.
        case_id: the case that was recorded; if not given, the file's header says it, by the
            metadata `case` of the fixtures or by a plain `id`.

    Raises:
        UsageError: there is no file, or no such case.
        SubjectError: it is not a safetensors file, or a tensor has a name that is no quantity.
    """
    header, tensors = parse(read(path), path)
    case = _case(path, place, case_id or id_of(header))
    restarted, free = families(path, case, tensors)
    if not restarted and not free:
        raise SubjectError(f"{path}: no tensor is a quantity of a step, such as `0/z2`")
    followable(path, case, free)
    return TraceSubject(
        str(path),
        partial(TraceSession, store.read(place, case), restarted),
        partial(FreeTraceSession, free),
        conventions=(f"a recording of {case.id}",),
        family=(),
        case_id=case.id,
        free=bool(free),
    )


def _case(path: Path, place: Path, id_: str | None) -> Case:
    if id_ is None:
        raise UsageError(f"{path}: its header does not say which case it is: give --case ID")
    by_id = {case.id: case for case in store.cases(place)}
    if id_ not in by_id:
        near = get_close_matches(id_, by_id, n=3)
        meant = f" (did you mean {' or '.join(near)}?)" if near else ""
        name = printable(id_, NAME)
        raise UsageError(f"{path}: there is no case {name!r}{meant}: `conformance fixtures list`")
    return by_id[id_]


def families(path: Path | str, case: Case, tensors: Mapping[str, Array]) -> tuple[Family, Family]:
    """The quantities of the restarted steps and of the free run, by step.

    Raises:
        SubjectError: a tensor has a name that is no quantity.
    """
    known = tuple(case.rows)
    given = {name for name in known if name[0] in "bw"}
    families: tuple[dict[int, dict[str, Array]], ...] = ({}, {})
    for full, array in tensors.items():
        free, name = full.startswith("free/"), full.removeprefix("free/")
        step, _, quantity = name.rpartition("/")
        if name.startswith("bound/") or quantity in ("x", "y", *case.masks) or full in given:
            continue
        numbers = {str(t): t for t in range(case.steps)}
        if step not in numbers or quantity not in known:
            named = printable(full, NAME)
            raise SubjectError(
                f"{path}: tensor `{named}` is no quantity of {case.id}: its steps are 0 to "
                f"{case.steps - 1}, each `z2` to `w{case.layers}`, such as `0/{known[0]}`"
            )
        families[free].setdefault(numbers[step], {})[quantity] = array
    return families[0], families[1]


def followable(path: Path | str, case: Case, free: Family) -> None:
    """Check that a free run holds the parameters from which each of its steps starts.

    Raises:
        SubjectError: it does not.
    """
    needed = [name for name in case.rows if name[0] in "bw"]
    for t in range(max(free, default=0)):
        missing = [name for name in needed if name not in free.get(t, {})]
        if missing:
            raise SubjectError(
                f"{path}: `free/{t}/{missing[0]}` is missing: the next step of a free run cannot "
                "be judged without the parameters from which it starts"
            )
