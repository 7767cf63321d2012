"""The source of a file, or of each code cell of a notebook, whose lines go by a name of its own.

Left out: how it is executed (`execution.py`).
"""

import json
import linecache
import re
from pathlib import Path

from conformance.errors import UsageError
from conformance.programs.execution import NOTEBOOK
from conformance.programs.load import source_of


def sources(place: str) -> list[tuple[str, bytes]]:
    """The parts of a file, each with the name that its lines go by.

    Raises:
        UsageError: there is no such file.
    """
    if place.endswith(NOTEBOOK):
        return [(name, code.encode()) for name, code in cells(place)]
    return [(str(Path(place).resolve()), source_of(place))]


def cells(place: str) -> list[tuple[str, str]]:
    """The code cells of a notebook: the name of each as a file, and its source.

    Raises:
        UsageError: it is no notebook.
    """
    try:
        found = json.loads(source_of(place))["cells"]
        codes = ["".join(each["source"]) for each in found if each["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{place} is no notebook: {error!r}") from error
    path = Path(place).resolve()
    named = [(f"{path}, cell {i}", _without_magic(code)) for i, code in enumerate(codes, 1)]
    for name, code in named:  # so that its lines can be shown
        linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
    return named


OF_PYTHON = re.compile(r"\s*%%(conformance|time|timeit|capture|prun)\b")
"""The magic commands of a cell that is run as Python."""


def _without_magic(code: str) -> str:
    """The code of a cell, its magic commands as comments."""
    if code.lstrip().startswith("%%") and not OF_PYTHON.match(code):
        return "\n".join(f"# {line}" for line in code.splitlines())
    return re.sub(r"(?m)^(\s*)([%!?].*)$", r"\1pass  # \2", code)
