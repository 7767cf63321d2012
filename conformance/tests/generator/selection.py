"""Which programs are judged: those whose numbers change, spread over the equations of a style."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256

import numpy as np

from conformance.tests.generator.program import Program, right, wrong
from conformance.tests.generator.running import (
    VISIBLE,
    Numbers,
    comparable,
    differ,
    program_numbers,
)
from conformance.tests.generator.style import Style
from conformance.tests.support import recorded


def selected(style: Style, count: int, seed: int, tag: str = "") -> Iterator[Program]:
    """So many programs of a style with a fault that shows, one equation after the other.

    Args:
        style: of which.
        count: how many; fewer if there are no more.
        seed: of the order.
        tag: if given, those of this equation alone.
    """
    base = program_numbers(right(style))
    queues: dict[str, deque[Program]] = {}
    for each in wrong(style):
        queues.setdefault("+".join(sorted(each.tags)), deque()).append(each)
    given = {each.name for each in style.given}
    left = [
        deque(_ordered(queues[key], given, str(seed)))
        for key in sorted(queues)
        if not tag or tag in key.split("+")
    ]
    while any(left):
        for queue in left:
            found = _next(queue, base)
            if found is not None and count:
                count -= 1
                yield found
        if not count:
            return


def visible(program: Program) -> bool:
    """Whether the numbers of a program are others than those of its style."""
    return _visible(program, program_numbers(right(program.style)))


def _ordered(programs: Iterable[Program], given: Collection[str], seed: str) -> list[Program]:
    """The programs in the order of a seed, those that the style gives itself first."""

    def order(each: Program) -> tuple[bool, bytes]:
        drawn = sha256(f"{seed} {each.id}".encode()).digest()
        return each.id.rpartition("/")[2] not in given, drawn

    return sorted(programs, key=order)


def _next(queue: deque[Program], base: dict[str, Numbers]) -> Program | None:
    while queue:
        program = queue.popleft()
        if _visible(program, base):
            return program
    return None


def _visible(program: Program, base: dict[str, Numbers]) -> bool:
    """Whether it runs to its end, with numbers that are others, and no other scale alone."""
    try:
        found = program_numbers(program)
    except Exception:  # noqa: BLE001 - a program that stops is another question than a wrong number
        return False
    if not all(comparable(base[case], found[case]) for case in base):
        return False
    if not any(differ(base[case], found[case]) for case in base):
        return False
    if len(program.tags) > 1 and any(_vanishes(base[case], found[case]) for case in base):
        return False
    if program.tags == {"B", "W"}:  # the interface promises η/m
        return "function" not in program.style.options or not _scaled(base, found)
    return not _scaled(base, found)


def _vanishes(base: Numbers, found: Numbers) -> bool:
    """Whether a gradient is 0 in all entries now: what is computed from it is right then."""
    return any(base[n].any() and not found[n].any() for n in base if n.startswith("nabla"))


def _scaled(base: dict[str, Numbers], found: dict[str, Numbers]) -> bool:
    """Whether all that a step moves is moved m times or 1/m times as far: a convention."""
    for case, first in base.items():
        step = recorded(case).steps[0]
        start, m = dict(step.parameters.named()), step.batch.m
        moved = [name for name in first if name in start] or [
            name for name in first if name.startswith("nabla")
        ]
        right = np.concatenate([np.ravel(first[n] - start.get(n, 0)) for n in moved])
        wrong = np.concatenate([np.ravel(found[case][n] - start.get(n, 0)) for n in moved])
        scale = max(abs(right)) * VISIBLE
        if all(max(abs(wrong - factor * right)) > scale for factor in (m, 1 / m)):
            return False
    return True
