"""Arguments with which a function runs, found by running it.

An argument that is not chosen yet stops the run where it is first used. Then it is chosen: each
value that it may have is tried in turn, and one that does not fit stops the run soon after. Left
out: which values an argument may have (`argument_values.py`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from conformance.programs.vocabulary import bare
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.argument_values import Path, Shape, drawn, values
from conformance.shapes.attempts import UnfitError
from conformance.tracing.node import flat

RUNS, EACH = 10_000, 1_000
"""So often a function is run in all, and with one first argument."""
SECONDS = 2.0
"""So long a run may take."""
ROUNDS = ((20, False), (20, True), (60, True), (400, True))
"""So many values of each argument are tried in turn, and whether all that fit are."""
AFTER = 400
"""So often it is run after it ran to its end with a gradient of another shape."""
OF_NUMBERS = re.compile("truth value of an array|arrays can be converted")
"""What NumPy says of an array in the place of a number."""


class UnsetError(BaseException):
    """An argument was used that is not chosen; other people's `except Exception` lets it pass.

    Attributes:
        path: its name, and the key in it.
        keyed: whether it was used as a dict is.
    """

    def __init__(self, path: Path, *, keyed: bool = False) -> None:
        super().__init__(path)
        self.path = path
        self.keyed = keyed


class MisshapenError(UnfitError):
    """A function ran to its end, and a gradient has another shape than its argument.

    It comes further where it has as many entries.

    Attributes:
        name: of the argument, or its key.
        shape: of the gradient.
    """

    def __init__(self, words: str, name: str, shape: Shape, *, further: bool) -> None:
        super().__init__(words, stage=2 + further)
        self.name = name
        self.shape = shape


class Unset:
    """An argument that is not chosen: whatever is done with it stops the run."""

    def __init__(self, path: Path) -> None:
        self.__dict__["path"] = path

    def __getattr__(self, name: str) -> Any:
        """Stop, whatever is asked for."""
        raise UnsetError(self.__dict__["path"], keyed=name in ("get", "keys", "items"))

    @classmethod
    def __torch_function__(cls, _func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Stop a function of torch that is given one."""
        given = flat([args, *(kwargs or {}).values()])
        _stop(next(each for each in given if isinstance(each, Unset)))

    def __getitem__(self, key: Any) -> Any:
        """Stop; a key that is a string says that it is a dict."""
        raise UnsetError(self.__dict__["path"], keyed=isinstance(key, str))


def _stop(unset: Unset, *_args: Any, **_kwargs: Any) -> Any:
    raise UnsetError(unset.__dict__["path"])


SIDES = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
ALONE = (
    "lt", "le", "eq", "ne", "gt", "ge", "neg", "abs", "invert", "bool", "int", "float", "index",
    "len", "iter", "contains", "call", "array", "array_ufunc", "array_function",
    "jax_array",
)  # fmt: skip
USES = (*ALONE, *SIDES, *(f"r{each}" for each in SIDES))
for _each in USES:
    setattr(Unset, f"__{_each}__", _stop)


class _Keys(dict[str, Any]):
    """An argument that is a dict: a key that is not chosen is an argument of its own."""

    def __init__(self, name: str, chosen: dict[Path, Any]) -> None:
        super().__init__({path[1]: value for path, value in chosen.items() if path[:-1] == (name,)})
        self.name = name

    def __missing__(self, key: str) -> Any:
        return Unset((self.name, key))


@dataclass
class Solver:
    """The search for arguments of a function.

    Attributes:
        names: of its arguments.
        run: runs it, given them by name, and raises UnfitError where they do not fit.
        optional: the names of those that may be None.
        runs: how often it may be run.
        given: what an argument may be, the likeliest first.
        problem: what stopped the run that came furthest.
        misshapen: the arguments with which it ran first, but for the shape of a gradient; those
            with which it has as many entries as its argument are taken first.
        stopped: the arguments with which it ran first, but stopped on its way back.
    """

    names: Sequence[str]
    run: Callable[[dict[str, Any]], object]
    optional: Collection[str] = ()
    runs: int = RUNS
    given: Callable[[Path, Mapping[Path, Any]], Iterator[Any]] = values
    problem: UnfitError | None = None
    misshapen: dict[Path, Any] | None = None
    stopped: dict[Path, Any] | None = None
    _last: UnfitError | None = field(default=None, init=False)
    _left: int = field(default=EACH, init=False)
    _fitted: int = field(default=0, init=False)
    _empty: dict[Path, Any] = field(default_factory=dict, init=False)
    """The dicts of the last run that ran to its end, of which it needs no key."""

    def solutions(self) -> Iterator[dict[Path, Any]]:
        """What it runs with, by name and key: one for each value of its first argument.

        A number stands for no array, of which no turn and no sum can be wrong: with numbers it is
        run only if with arrays it stops at once, or where it makes a number of one.
        """
        found = list(self.given((self.names[0],), {}))
        yield from self._beginning_with([each for each in found if np.ndim(each)])
        if not self.takes_arrays:
            yield from self._beginning_with([each for each in found if not np.ndim(each)])

    @property
    def takes_arrays(self) -> bool:
        """Whether it ran on with arrays, and stopped later, but not for want of a number."""
        late = self.problem is not None and self.problem.stage > 0
        return late and OF_NUMBERS.search(str(self.problem)) is None

    def square(self) -> dict[Path, Any] | None:
        """Arguments of one width with which it runs: what lacks a turn runs with square matrices.

        They are those with which it stopped on its way back; None if it stops with them too.
        """
        stopped = self.stopped or {}
        first = np.shape(stopped.get((self.names[0],), 0.0))
        made = dict(stopped)
        for path, each in stopped.items() if first else ():
            shape = tuple(n if n in first else first[-1] for n in np.shape(each))
            made[path] = np.resize(each, shape) if shape else each
        self._left = 1
        return made | self._empty if first and self._missing(made) == () else None

    def _beginning_with(self, waiting: list[Any]) -> Iterator[dict[Path, Any]]:
        """What it runs with for some values of its first argument."""
        first = (self.names[0],)
        for most, thorough in ROUNDS:
            for value in waiting[:]:
                self._left = min(self.runs, AFTER if self.misshapen else EACH)
                self.runs -= self._left
                found = self._completed({first: value}, most, thorough=thorough)
                self.runs += max(self._left, 0)
                if found is not None:
                    waiting = [each for each in waiting if each is not value]
                    yield found

    def _completed(
        self, chosen: dict[Path, Any], most: int, *, thorough: bool
    ) -> dict[Path, Any] | None:
        """The arguments that are chosen, with those that the function needs beside them.

        Args:
            chosen: those that are.
            most: so many values of each argument are tried.
            thorough: whether another value is tried where the first that fits leads to nothing;
                else only of the second argument.
        """
        missing = self._missing(chosen)
        if missing is None:
            fewer = self._with_fewer(chosen)
            return None if fewer is None else self._completed(fewer, most, thorough=thorough)
        if not missing:
            return chosen | self._empty
        none = [None] if missing[-1] in self.optional else []
        for value in (*islice(self.given(missing, chosen), most), *none):
            before = self._fitted
            found = self._completed({**chosen, missing: value}, most, thorough=thorough)
            fitted = self._fitted > before
            if found is not None or (fitted and not thorough and len(chosen) > 1):
                return found
        return None

    def _with_fewer(self, chosen: dict[Path, Any]) -> dict[Path, Any] | None:
        """The arguments with one as long as its gradient, which has fewer entries; else None."""
        error = self._last
        if not isinstance(error, MisshapenError):
            return None
        path = next(each for each in chosen if each[-1] == error.name)
        if not 1 < np.prod(error.shape) < np.size(chosen[path]) or path[0] == self.names[0]:
            return None
        rng = np.random.default_rng([4, len(chosen)])
        return {**chosen, path: drawn(bare(path[-1]), error.shape, rng)}

    def _missing(self, chosen: dict[Path, Any]) -> Path | None:
        """The argument that a run asks for first, empty if it asks for none; None if it stops."""
        self._left -= 1
        self._last = None
        if self._left < 0:
            return None
        keyed = {path[0] for path in chosen if len(path) > 1}
        while True:
            own = {key: e.copy() if isinstance(e, np.ndarray) else e for key, e in chosen.items()}
            try:
                with quiet(), limited(SECONDS):
                    self.run(arguments(self.names, own, keyed))
            except UnsetError as error:
                if not error.keyed:
                    self._fitted += 1
                    return error.path
                keyed.add(error.path[0])
                continue
            except TooLongError:
                self.runs = self._left = 0  # others would be as long
                self.problem = UnfitError(f"it goes on for longer than {SECONDS:g} s")
                return None
            except UnfitError as error:
                self._note(error, chosen)
                return None
            known = {path[0] for path in chosen}
            self._empty = {(name,): {} for name in sorted(keyed - known)}
            return ()

    def _note(self, error: UnfitError, chosen: dict[Path, Any]) -> None:
        """Note how far a run came with some arguments, if it came further than others."""
        self._last = error
        further = self.problem is None or error.stage > self.problem.stage
        if isinstance(error, MisshapenError) and (further or self.misshapen is None):
            self.misshapen = chosen
            self._left = min(self._left, AFTER)
        if self.stopped is None and error.stage == 1:
            self.stopped = chosen
        if further:
            self.problem = error


def arguments(
    names: Sequence[str], chosen: dict[Path, Any], keyed: Collection[str] | None = None
) -> dict[str, Any]:
    """The arguments of a function, by their names.

    Args:
        names: of all.
        chosen: their values, by name and key.
        keyed: the names of those that are dicts; None if all that are have each of their keys
            chosen, or are chosen without any.
    """
    found = {path[0] for path, each in chosen.items() if len(path) > 1 or isinstance(each, dict)}
    dicts = found if keyed is None else keyed
    given = {
        name: _Keys(name, chosen) if name in dicts else chosen.get((name,), Unset((name,)))
        for name in names
    }
    return given | {name: dict(given[name]) for name in dicts if keyed is None}
