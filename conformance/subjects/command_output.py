"""What a command wrote, as arrays: safetensors or JSON, told apart by the content.

Reading is bounded: an ordinary file of at most `MOST_BYTES`. Left out: which arrays are quantities
(`trace.py`) and whether they are right.
"""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.subjects.trace import parse
from reference.step import Array


def read_output(out: Path, case: Case) -> Mapping[str, Array]:
    """The arrays of an output by their names; numbers in JSON take the dtype of the case.

    Raises:
        SubjectError: there is no such file, or it is neither safetensors nor JSON of arrays.
    """
    raw = _read(out)
    if b"\0" in raw[:8]:  # JSON holds no NUL, and the length of a header ends in one
        return parse(raw, "its output")[1]
    return _from_json(raw, case)


def _read(out: Path) -> bytes:
    """The bytes that were written, which must be an ordinary file and not large."""
    try:
        descriptor = os.open(out, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise SubjectError("it wrote no output") from error
    except OSError as error:  # such as a symbolic link
        raise SubjectError(f"its output cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SubjectError("its output is no ordinary file")
        if found.st_size > store.MOST_BYTES:
            raise SubjectError(f"its output is larger than {store.MOST_BYTES >> 20} MiB")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(store.MOST_BYTES)
    finally:
        os.close(descriptor)


def _from_json(raw: bytes, case: Case) -> Mapping[str, Array]:
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SubjectError(f"its output is neither safetensors nor JSON ({error})") from error
    if not isinstance(values, dict):
        raise SubjectError("its output is JSON, but not an object of quantities by their names")
    arrays = {}
    for name, rows in values.items():
        with np.errstate(over="ignore"):  # beyond the largest float32: infinity, which is judged
            try:
                arrays[name] = np.array(rows, case.type)
            except (ValueError, TypeError, OverflowError) as error:
                raise SubjectError(f"its output: `{name:.40}` is no array ({error})") from error
    return arrays
