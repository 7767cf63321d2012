"""What the two methods of a layer take, argument by argument.

What goes backward takes ∂C/∂(an output), and what the forward part was handed, stored or returned
by the same name. An argument whose name says nothing is what was handed, else what came out, else
a number, else ∂C/∂(a further output), by whichever more is right. Left out: calling them
(`layers.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from conformance.programs.vocabulary import bare, differentiated, is_upstream, kinds_of
from conformance.shapes.arguments import PENALTY, RATE, needed, taken
from conformance.shapes.attempts import UnfitError
from conformance.shapes.function_sources import returned_names, stored_names
from conformance.shapes.layer_shapes import OPTIONS

NOT_AHEAD = {"targets", "params", "rate", "inputs", "count"}
"""What no layer is given as the state of a cell."""

SETTINGS: dict[str, Any] = {"rate": RATE, "penalty": PENALTY, **OPTIONS}
KNOWN = ("rate", "inputs", "penalty", "output", "cache")
"""What an argument of the backward part may be by its name, beside ∂C/∂(an output)."""

UNKNOWN, MOST = ("inputs", "output", "rate", "upstream"), 2
"""What an argument may be of which its name says nothing, and of how many that is tried."""


@dataclass(frozen=True)
class Takes:
    """What the two methods of a layer take, argument by argument.

    Attributes:
        forward: `inputs` first, then `state`, or an option.
        backward: `upstream`, `kept`, `unknown`, one of `KNOWN`, or an option.
        names: of the arguments of the backward part.
        outs: the name of the output that each of them is ∂C/∂ of; nothing if its own tells none.
    """

    forward: tuple[str, ...]
    backward: tuple[str, ...]
    names: tuple[str, ...]
    outs: tuple[str, ...] = ()

    @property
    def states(self) -> int:
        """How many arrays it is given beside its inputs."""
        return self.forward.count("state")

    @property
    def upstreams(self) -> int:
        """How many ∂C/∂(an output) it is given."""
        return self.backward.count("upstream")

    @property
    def named(self) -> tuple[str, ...]:
        """The outputs that it is given ∂C/∂ of, by their names; none if one is not known so."""
        pairs = zip(self.backward, self.outs, strict=False)
        told = tuple(name for kind, name in pairs if kind == "upstream")
        return told if len({*filter(None, told)}) == self.upstreams else ()

    def choices(self) -> Iterator["Takes"]:
        """The same, each `unknown` argument taken for what it may be, the likeliest first."""
        for each in product(*(UNKNOWN if e == "unknown" else (e,) for e in self.backward)):
            yield replace(self, backward=each)

    def handed_back(
        self, upstreams: Sequence[Any], known: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """What the backward part is given.

        Args:
            upstreams: ∂C/∂(each output).
            known: the inputs, the output and the cache.
            kept: what the forward part was handed, stored or returned, by name.

        Raises:
            UnfitError: it takes more ∂C/∂(an output) than there are, or what the forward part did
                not keep.
        """
        if len(upstreams) < self.upstreams:
            raise UnfitError("it takes more than its forward part gives")
        waiting = iter(upstreams)
        known = {**SETTINGS, **known}
        given = []
        for kind, name in zip(self.backward, self.names, strict=True):
            if kind == "upstream":
                given.append(next(waiting))
                continue
            same = name if name in kept else next((e for e in kept if bare(e) == bare(name)), "")
            if (kind == "kept" and not same) or kind not in ("kept", *known):
                raise UnfitError(f"its forward part keeps no {name}")
            given.append(kept[same] if kind == "kept" else known[kind])
        return tuple(given)


def takes(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *,
    named: bool = True,
    targets: bool = False,
) -> Takes | None:
    """What two functions take as those of a layer; None if one takes what no layer is given.

    Args:
        forward: of an object, or as one.
        backward: of the same; what it needs, and its rate, which is what else it asks for.
        named: whether an argument is ∂C/∂(an output) by its name alone; else the only one of which
            its name says nothing is.
        targets: whether what goes forward may take what is named as targets for a further input.
    """
    names = [each.name for each in needed(forward)]
    ahead = ("inputs", *(_ahead(each, targets=targets) for each in names[1:]))
    asked = needed(backward)
    asked += [e for e in taken(backward) if e not in asked and "rate" in kinds_of(e.name)]
    returned, stored = returned_names(forward), stored_names(forward)
    kept = {bare(e) for e in (*names, *returned, *stored)}
    outs = [_output(each.name, returned, stored) for each in asked]
    several = len(ahead) > 1
    back = [
        _back(e.name, kept, of_one=bool(out), more=several)
        for e, out in zip(asked, outs, strict=True)
    ]
    silent = [i for i, each in enumerate(asked) if not kinds_of(each.name)]
    if not named and "upstream" not in back and len(silent) == 1:
        back[silent[0]] = "upstream"
    found = Takes(ahead, tuple(back), tuple(each.name for each in asked), tuple(outs))
    unknown = back.count("unknown") > MOST
    if not names or "" in (*ahead, *back) or not found.upstreams or unknown:
        return None
    return found


def _ahead(name: str, *, targets: bool) -> str:
    if bare(name) in OPTIONS:
        return bare(name)
    told = NOT_AHEAD & {*kinds_of(name)}
    return "" if told and not (targets and "targets" in told) else "state"


def _output(name: str, returned: Sequence[str], stored: Sequence[str]) -> str:
    """The name of the output that an argument of the backward part may be ∂C/∂ of; else nothing.

    What is stored alone may be one if nothing else says what the argument is.
    """
    told = differentiated(name, filter(str.isidentifier, returned))
    return told or ("" if kinds_of(name) else differentiated(name, stored))


def _back(name: str, kept: Collection[str], *, of_one: bool, more: bool) -> str:
    """What an argument of the backward part is, by its name; nothing if no layer is given it.

    Args:
        name: of it.
        kept: the names of what the forward part was handed, stored or returned.
        of_one: whether its name says of which output it is ∂C/∂.
        more: whether the forward part is handed more than its inputs.
    """
    kinds = kinds_of(name)
    if "upstream" in kinds or (of_one and bare(name) not in kept):
        return "upstream"
    if bare(name) in kept:
        return "kept"
    told = next((each for each in KNOWN if each in kinds), "")
    if told or bare(name) in OPTIONS:
        return told or bare(name)
    if "prev" in bare(name):  # the activations of the layer before
        return "inputs"
    if more and is_upstream(name):  # such as dh_next
        return "upstream"
    return "" if kinds else "unknown"
