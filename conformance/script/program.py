"""A script, run as Python runs it: as `__main__`, with its arguments, from its folder's modules.

Left out: what is noted of it (`tracing/`), and its process (`child.py`).
"""

import linecache
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from conformance.errors import SubjectError, UsageError
from conformance.script.imports import traced_imports
from conformance.script.rewrite import compiled
from conformance.subjects.absent import stand_ins
from conformance.tracing.frames import is_subject, subject_frames
from conformance.tracing.program import noted_tensors
from conformance.tracing.trace import Trace


def source_of(script: str) -> bytes:
    """The source of a script.

    Raises:
        UsageError: there is no such file, or it is none of Python's.
    """
    path = Path(script)
    if path.is_dir():
        raise UsageError(f"{script} is a folder: give a file of it, as Python itself is given one")
    if not path.exists():
        raise UsageError(f"there is no file {script}")
    if path.suffix == ".ipynb":
        raise UsageError(f"{script} is a notebook: in it, `%load_ext conformance`, `%%conformance`")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{script} cannot be read: {error.strerror}") from error


def run(
    script: str,
    arguments: Sequence[str],
    trace: Trace,
    seed: int,
    ended: Callable[[dict[str, Any]], None],
) -> None:
    """Run a script to its end, or to where it is stopped.

    Args:
        script: its path.
        arguments: that it is given.
        trace: where it is noted what it computes.
        seed: of its random numbers, where it gives none.
        ended: is given its variables where it has come to its end.

    Raises:
        SubjectError: it has a syntax error.
    """
    source = source_of(script)
    try:
        code = compiled(source, str(Path(script).absolute()))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise SubjectError(f"{script}:{line}: {getattr(error, 'msg', error)}") from error
    module = _main(script, arguments)
    _warn_as_python_does()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scripts draw from
    _load_torch(source, seed)
    with (
        stand_ins(source, running=True),
        noted_tensors(trace),
        traced_imports(trace, seed) as names,
    ):
        module.__dict__.update(names)
        exec(code, module.__dict__)  # noqa: S102 - to run it is what was asked for
        ended(module.__dict__)


def _load_torch(source: bytes, seed: int) -> None:
    """Load torch, if the script does so, before its operations are to be noted."""
    if re.search(rb"^\s*(import|from)\s+torch\b", source, re.MULTILINE):
        with suppress(ImportError):  # which the script is told where it imports it
            import torch

            torch.manual_seed(seed)


def _main(script: str, arguments: Sequence[str]) -> ModuleType:
    """The main module, as Python makes it."""
    module = ModuleType("__main__")
    file = str(Path(script).absolute())
    module.__dict__.update(__file__=file, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    os.environ.setdefault("MPLBACKEND", "Agg")  # a plot opens no window, for which it would wait
    linecache.checkcache(file)
    return module


def _warn_as_python_does() -> None:
    """Show warnings as a new Python does, those of an operation with the line of the script."""
    plain = warnings.showwarning

    def show(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
        if not is_subject(filename):
            for each in subject_frames(sys._getframe(1))[:1]:  # noqa: SLF001 - the script's line
                filename, lineno = each.file, each.line
        plain(message, category, filename, lineno, *rest)

    warnings.resetwarnings()
    for each in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", each)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    warnings.showwarning = show  # type: ignore[assignment]
