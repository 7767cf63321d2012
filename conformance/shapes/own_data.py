"""Functions that give a loss and gradients, judged on what the file makes, as in `f(*make(0))`.

Left out: functions that the file calls itself (`own_calls.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from conformance.backward.examine_gradients import examine
from conformance.programs.vocabulary import bare, is_role
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import LONGEST
from conformance.shapes.found import Found, Recognised, of_function

SEEDS = {"seed", "rng", "randomstate", "n", "m", "s"}


@dataclass(frozen=True)
class OwnDataSearch:
    """A function and those that may make its arguments.

    Attributes:
        function: it gives a loss and gradients.
        makers: of the file, called with a seed or with nothing.
        problems: none: what does not run so may run otherwise.
    """

    function: FunctionType
    makers: tuple[FunctionType, ...]
    problems: tuple[str, ...] = ()

    def found(self, cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run on what the file makes."""
        for maker in self.makers:
            for params, data in _made(maker, len(needed(self.function))):
                found = self._judged(maker, params, data, cost)
                if found is not None:
                    return found
        return None

    def _judged(
        self, maker: FunctionType, params: Any, data: tuple[Any, ...], cost: str | None
    ) -> Found | None:
        try:
            with quiet(), limited(LONGEST):
                result = self.function(params, *data)
            if not isinstance(result, tuple | list) or len(result) != len(("loss", "gradients")):
                return None
            examined = examine(self.function, params, data, cost=cost)
        except (Exception, TooLongError):  # noqa: BLE001 - other arguments may do
            return None
        names = tuple(each.name for each in examined.gradients)
        calls = (called(self.function),)
        recognised = Recognised("", f"data of {called(maker)}", "", calls, "returned", names)
        own = set(self.function.__code__.co_names) & set(self.function.__globals__)  # it calls them
        used = self.function.__name__, maker.__name__, *sorted(own)
        return Found(recognised, examined, used).rerun(of_function(self.function, params, data))


def _made(maker: FunctionType, count: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The parameters and the data that a function makes, in so many arguments."""
    try:
        with quiet(), limited(LONGEST):
            made = maker(*([0] * len(needed(maker))))
    except (Exception, TooLongError):  # noqa: BLE001 - a program may stop in any way
        return
    if not isinstance(made, tuple | list):
        return
    if len(made) == count > 1:
        yield made[0], tuple(made[1:])
    pair = len(made) == len(("params", "data"))
    if pair and isinstance(made[1], tuple | list) and len(made[1]) == count - 1:
        yield made[0], tuple(made[1])


def own_data(functions: Sequence[FunctionType]) -> Iterator[OwnDataSearch]:
    """The functions that may be run on data that the file makes; one that trains gives no loss."""
    makers = tuple(each for each in functions if _makes(each))
    for each in functions:
        trains = is_role(each.__name__, "train") is not None
        if makers and each not in makers and not trains and len(needed(each)) > 1:
            yield OwnDataSearch(each, makers)


def _makes(function: Callable[..., Any]) -> bool:
    names = [bare(each.name) for each in needed(function)]
    return not names or (len(names) == 1 and names[0] in SEEDS)
