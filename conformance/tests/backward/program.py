"""The right programs: reading them, running them, and comparing what they return."""

import copy
import linecache
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).with_name("programs")
SEED = 2  # at which no unit is dead, and none is near a kink


@dataclass(frozen=True)
class Program:
    """A right program."""

    name: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """What a program returned: the loss, and the gradients by their places in the parameters."""

    loss: float
    gradients: dict[str, np.ndarray]


def program(name: str, folder: Path = FOLDER) -> Program:
    """The program of this name."""
    return Program(name, (folder / f"{name}.py").read_text(encoding="utf-8"))


def programs(folder: Path = FOLDER) -> list[Program]:
    """All programs of a folder, sorted by name."""
    return [program(path.stem, folder) for path in sorted(folder.glob("*.py"))]


def loaded(source: str) -> types.ModuleType:
    """The module of a source, which is in no file."""
    return _made(source, "<program>")


def module(source: str, folder: Path) -> types.ModuleType:
    """The module of a source, which is put into a file of a folder."""
    path = folder / "program.py"
    path.write_text(source, encoding="utf-8")
    return imported(path)


def imported(path: Path) -> types.ModuleType:
    """The module that a file is, as it is now.

    Python's own import takes the bytecode of a file that had the same length in the same second.
    """
    linecache.checkcache(str(path))
    return _made(path.read_text(encoding="utf-8"), str(path))


def _made(source: str, place: str) -> types.ModuleType:
    module = types.ModuleType(Path(place).stem)
    module.__file__ = place
    exec(compile(source, place, "exec"), module.__dict__)  # noqa: S102
    return module


def outcome(module: types.ModuleType, params: Any, data: tuple[Any, ...]) -> Outcome:
    """What `f` returns for copies of these arguments.

    Raises:
        Exception: what the program raises.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        loss, gradients = module.f(*copy.deepcopy((params, *data)))
    return Outcome(float(loss), dict(leaves(gradients)))


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a structure of dicts, lists and tuples, each with its place."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from leaves(value[key], f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from leaves(each, f"{place}[{number}]")
    else:
        yield place, np.asarray(value)


def distance(right: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to the right one's largest entry; ∞ if shapes differ."""
    if right.shape != other.shape or not np.all(np.isfinite(other)):
        return np.inf
    scale = float(np.max(np.abs(right), initial=0.0))
    return float(np.max(np.abs(other - right), initial=0.0)) / (scale or 1.0)
