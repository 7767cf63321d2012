"""Building torch modules of some sizes from an instance, a class or a factory.

Left out: what the modules compute.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

from conformance.errors import ConformanceError, UsageError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.subjects.module.layers import sizes_of

PROBES = ((5, 4, 2), (5, 4, 6, 2), (5, 2))


class BuiltModule:
    """How to make modules of one kind."""

    def __init__(self, thing: Any, name: str) -> None:
        """Find out which arguments it takes.

        Raises:
            UsageError: none of the forms works.
        """
        from torch import nn

        self.thing, self.name = thing, name
        self.fixed: tuple[int, ...] | None = None
        forms = [_list, _stars, _nothing]
        if isinstance(thing, nn.Module):
            forms, self.thing = [_nothing], partial(copy.deepcopy, thing)
        problems: list[Exception] = []
        for form, probe in product(forms, PROBES):
            self.form = form
            try:
                sizes = sizes_of(self.made(probe), name)
            except Exception as error:  # noqa: BLE001 - any form may fail in any way
                problems.append(error)
                continue
            if form is _nothing or sizes == probe:
                self.fixed = sizes if form is _nothing else None
                self.trial = sizes
                return
            problems.append(UsageError(f"{name} {_other(sizes, probe)}"))
        raise _unbuilt(name, problems)

    def made(self, sizes: tuple[int, ...]) -> Any:
        """What the class or factory makes of these sizes, which must be a module."""
        from torch import nn

        with quiet():
            module = self.form(self.thing, sizes)
        if not isinstance(module, nn.Module):
            raise TypeError(f"it gives a {type(module).__name__}, not a torch.nn.Module")
        return module

    def __call__(self, sizes: tuple[int, ...]) -> Any:
        """A new module of these sizes.

        Raises:
            UsageError: there is none.
        """
        if self.fixed is not None and sizes != self.fixed:
            raise UsageError(f"has the sizes {list(self.fixed)}")
        try:
            module = self.made(sizes)
            found = sizes_of(module, self.name)
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"cannot be built with sizes {list(sizes)}: {reason}") from error
        if found != sizes:
            raise UsageError(_other(found, sizes))
        return module


def _unbuilt(name: str, problems: Sequence[Exception]) -> ConformanceError:
    """Why no form works: what is odd about a module that was built, or else the first failure."""
    odd = next((each for each in problems if isinstance(each, ConformanceError)), None)
    first = headline(problems[0]) if problems else "its layers have other sizes"
    return odd or UsageError(
        f"{name} cannot be built from a list of sizes, from sizes as arguments, or from nothing: "
        f"{first}"
    )


def _other(found: tuple[int, ...], sizes: tuple[int, ...]) -> str:
    return f"has the sizes {list(found)} when it is built with {list(sizes)}"


def _list(thing: Callable[..., Any], sizes: tuple[int, ...]) -> Any:
    return thing(list(sizes))


def _stars(thing: Callable[..., Any], sizes: tuple[int, ...]) -> Any:
    return thing(*sizes)


def _nothing(thing: Callable[..., Any], _sizes: tuple[int, ...]) -> Any:
    return thing()
