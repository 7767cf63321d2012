"""What a program trains, recorded while it runs and judged.

Nothing is stopped: once enough is recorded, the rest runs as it would without us. Arrays that the
program holds when it begins are traced ones until it ends.

Left out: scripts, which run in a process of their own (`run_script.py`), and the report on a block
(`recorded_block.py`).
"""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from conformance.script.asking import asking
from conformance.script.conclude import conclude
from conformance.script.parameter_names import Held, held, own_variables
from conformance.script.parameters import enough, parameters, steps
from conformance.script_outcome import Ran
from conformance.tracing.built_in import BUILTINS
from conformance.tracing.entering import Entrance, left
from conformance.tracing.long import MOST, LongTrace
from conformance.tracing.modules import replaced
from conformance.tracing.substitute import noted_tensors, substitutes
from conformance.usage import check_updates

DEPTH = 4  # of objects within objects
SEED = 0


class ProgramRecorder:
    """A program that is recorded while it runs, and what is known of what it trains.

    Attributes:
        name: of the block.
        updates: after which the rest is not recorded, 2 or more.
        trace: of what it computes.
        blame: whether to look for the line to blame.
    """

    def __init__(self, name: str, updates: int, *, blame: bool = True) -> None:
        self.name, self.updates, self.blame = name, check_updates(updates), blame
        self._ran: Ran | None = None
        self._spaces: Sequence[MutableMapping[str, Any]] = ()
        self._names: list[Held] = []
        self.trace = LongTrace(self._grown)
        self._full = False

    @property
    def ran(self) -> Ran:
        """What is known of it, once the block has ended.

        Raises:
            SubjectError: nothing was trained in it.
        """
        if self._ran is None:
            self._ran = self._concluded()
        return self._ran

    @contextmanager
    def within(
        self,
        spaces: Sequence[MutableMapping[str, Any]],
        imports: AbstractContextManager[Any] | None = None,
    ) -> Iterator[None]:
        """Record until the end of the block.

        Args:
            spaces: the variables of the program, the global ones last.
            imports: also traces what is imported meanwhile.
        """
        entrance = Entrance(self.trace)
        self._spaces = spaces
        names: Any = spaces[-1]
        instead = substitutes(self.trace, SEED, draws=imports is None)
        with (
            replaced(instead, names, BUILTINS),
            noted_tensors(self.trace),
            asking(names),
            imports or nullcontext(),
        ):
            for each in spaces:
                converted(each, entrance.value)
            try:
                yield
            finally:
                self.trace.recording = False
                if not self._full:
                    self._note_names()
                for each in spaces:
                    converted(each, left)

    def _grown(self) -> int:
        """End the recording if it shows enough; else tell how long it may have to be."""
        found = parameters(self.trace.nodes, cut=self.trace.forgot)
        if steps(found, closed=True) >= self.updates or (found and self.trace.stored > MOST):
            self._note_names()
            self._full = True
            self.trace.closed = True
        return enough(found, self.updates)

    def _note_names(self) -> None:
        """Note what the variables hold."""
        self._names = held(self.trace, self._spaces)

    def _concluded(self) -> Ran:
        found = parameters(self.trace.nodes, cut=self.trace.forgot)
        with np.errstate(all="ignore"):
            known = self.name, self.trace, found, self._names, self.updates, ()
            return conclude(*known, blame=self.blame)


def converted(space: MutableMapping[str, Any], one: Callable[[Any], Any]) -> None:
    """Put something else in the place of each array that some variables hold, within objects too.

    Args:
        space: the variables.
        one: what an array or number becomes.
    """
    seen: set[int] = {id(space)}
    for name in list(space):
        if not name.startswith("__"):
            value = space[name]
            after = _converted(value, one, DEPTH, seen)
            if after is not value:
                space[name] = after


def _converted(value: Any, one: Callable[[Any], Any], depth: int, seen: set[int]) -> Any:
    if isinstance(value, np.ndarray | np.generic | float):
        return one(value)
    if not depth or id(value) in seen:
        return value
    seen.add(id(value))
    if isinstance(value, tuple):
        parts = [_converted(each, one, depth - 1, seen) for each in value]
        same = all(a is b for a, b in zip(parts, value, strict=True))
        return value if same else getattr(value, "_make", tuple)(parts)
    inner: Any = value if type(value) in (list, dict) else own_variables(value)
    keys = range(len(inner)) if type(inner) is list else list(inner)
    for key in keys:
        before = inner[key]
        after = _converted(before, one, depth - 1, seen)
        if after is not before:
            inner[key] = after
    return value
