"""What a command wrote, as arrays: safetensors or JSON, told apart by the content.

Reading is bounded: an ordinary file of at most `most_bytes`, JSON of at most `DEEPEST` levels. Left
out: which arrays are quantities (`trace/trace_subject.py`) and whether they are right.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np

from conformance.corpus import casefile, recorded
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.running.process import printable
from conformance.subjects.trace.trace_subject import NAME, parse
from reference.step import Array

SPARE, PER_ENTRY = 1 << 20, 160  # bytes: both modes and the case itself, in JSON of 17 digits
SPARE_MARKS, MARKS_PER_ENTRY = 10_000, 16  # the same, each number a row and a text
MOST_NAMES = 10_000
DEEPEST = 32  # levels of JSON; an array of a quantity has two
FLAGS = os.O_RDONLY  # without waiting for who writes to a pipe
if sys.platform == "win32":
    FLAGS |= os.O_BINARY
else:
    FLAGS |= os.O_NOFOLLOW | os.O_NONBLOCK
MARKS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)  # texts are stepped over


def most_bytes(case: Case) -> int:
    """The size beyond which no output of a case need be."""
    return min(casefile.MOST_BYTES, SPARE + PER_ENTRY * _entries(case))


def _entries(case: Case) -> int:
    """The numbers of all quantities of all steps."""
    shapes = (
        recorded.shape_of(case, name, len(batch)) for batch in case.batches for name in case.rows
    )
    return sum(map(prod, shapes))


def too_large(out: Path, case: Case) -> str:
    """That what is being written is too large, or nothing."""
    try:
        size = out.lstat().st_size
    except OSError:
        return ""
    return _size_problem(size, case)


def _size_problem(size: int, case: Case) -> str:
    most = most_bytes(case)
    return f"its output is larger than {most:,} bytes, the most in this case" * (size > most)


def read_output(out: Path, case: Case) -> Mapping[str, Array]:
    """The arrays of an output by their names; see `arrays`.

    Raises:
        SubjectError: there is no such file, or it is neither safetensors nor JSON of arrays.
    """
    return arrays(_read(out, case), case)


def arrays(raw: bytes, case: Case) -> Mapping[str, Array]:
    """The arrays by their names; numbers in JSON take the dtype of the case.

    Raises:
        SubjectError: it is neither safetensors nor JSON of arrays.
    """
    if not raw.strip():
        raise SubjectError("its output is empty")
    if b"\0" in raw[:8]:  # JSON holds no NUL, and the length of a header ends in one
        return parse(raw, "its output")[1]
    return _from_json(raw, case)


def _read(out: Path, case: Case) -> bytes:
    """The bytes that were written, which must be an ordinary file and not large."""
    try:
        descriptor = os.open(out, FLAGS)
    except FileNotFoundError as error:
        raise SubjectError("it wrote no output") from error
    except OSError as error:
        if out.is_symlink():
            raise SubjectError("its output is a symbolic link, which is not followed") from error
        raise SubjectError(f"its output cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SubjectError("its output is no ordinary file")
        problem = _size_problem(found.st_size, case)
        if problem:
            raise SubjectError(problem)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(found.st_size)
    finally:
        os.close(descriptor)


def _from_json(raw: bytes, case: Case) -> Mapping[str, Array]:
    try:
        _check_structure(raw, SPARE_MARKS + MARKS_PER_ENTRY * _entries(case))
        values = json.loads(raw, parse_int=float)  # an integer has no more digits than a text
    except (ValueError, RecursionError) as error:
        why = printable(str(error))
        raise SubjectError(f"its output is neither safetensors nor JSON ({why})") from error
    if not isinstance(values, dict):
        raise SubjectError("its output is JSON, but not an object of quantities by their names")
    if len(values) > MOST_NAMES:
        raise SubjectError(
            f"its output holds {len(values):,} names; a case has far fewer quantities"
        )
    made = {}
    for name, rows in values.items():
        with np.errstate(over="ignore"):  # beyond the largest float32: infinity, which is judged
            try:
                made[name] = np.array(rows, case.type)
            except (ValueError, TypeError, OverflowError) as error:
                what = f"`{printable(name, NAME)}` is no array ({printable(str(error))})"
                raise SubjectError(f"its output: {what}") from error
    return made


def _check_structure(raw: bytes, most: int) -> None:
    """Refuse JSON that is deep, or has many arrays and texts, before a parser makes them.

    Raises:
        ValueError: it does.
    """
    depth = 0
    for count, mark in enumerate(MARKS.finditer(raw)):
        depth += (mark[0] in b"[{") - (mark[0] in b"]}")
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        if count > most:
            raise ValueError("more arrays and texts than the case can have")
