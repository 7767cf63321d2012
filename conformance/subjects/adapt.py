"""Which kind of subject a Python object is: a network of the book, a torch module, a function.

Left out: loading it (`programs/load.py`), and what each kind needs (the module of each).
"""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from conformance.errors import ConformanceError, UsageError
from conformance.programs.load import describe
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.constructor import feedforward_of, forms_of

METHODS = {"backprop", "update_mini_batch", "feedforward"}
ARGUMENTS = ("weights", "biases", "x", "y")
OF_PROCESS = ("rank", "world", "weights", "biases", "micro_batches")
FORMS = (
    "a class or factory that takes a list of sizes and has weights, biases, backprop(x, y), "
    "update_mini_batch(mini_batch, eta) and feedforward(a); a torch.nn.Module of Linear layers; "
    "or a function step(weights, biases, x, y, eta) that returns a dict or two lists"
)


def adapt(
    thing: Any, name: str, cost: str | None = None, family: tuple[str, str] | None = None
) -> Subject:
    """The subject that an object is.

    Args:
        thing: a class, a factory, an instance or a function.
        name: for messages.
        cost: the cost that it has, if it cannot be chosen and is not seen.
        family: the activations of hidden layers and output that it is meant to have, if not those
            that it is seen to have.

    Raises:
        UsageError: it is none of the three kinds; the message says what it is.
        SubjectError: its code failed.
    """
    if is_module(thing):
        return _of_module(thing, name, cost)
    if isinstance(thing, type):
        if not METHODS & set(dir(thing)):
            raise _neither(thing, name)
        return book_subject(thing, name, cost, family)
    if _takes(thing, *ARGUMENTS):
        return _of_function(thing, name, cost, family)
    if _takes(thing, *OF_PROCESS):
        return _of_function(_as_single_process(thing), name, cost, family)
    if METHODS & set(dir(thing)):
        return _of_instance(thing, name, cost, family)
    if not callable(thing):
        raise _neither(thing, name)
    return _of_factory(thing, name, cost, family)


def _of_module(thing: Any, name: str, cost: str | None) -> Subject:
    from conformance.subjects.module.module_subject import module_subject

    return module_subject(thing, name, cost)


def _of_function(
    thing: Callable[..., Any], name: str, cost: str | None, family: tuple[str, str] | None
) -> Subject:
    from conformance.subjects.function.function_subject import function_subject

    return function_subject(thing, name, cost, family)


def _as_single_process(function: Callable[..., Any]) -> Callable[..., Mapping[str, Any]]:
    """The step of one of several processes as `step(weights, biases, x, y, eta)` of a single one.

    The whole mini-batch is its only micro-batch, so that all it does up to its own gradient is
    judged and traced like any other step.
    """

    @wraps(function)  # with the keywords that it names
    def step(weights: Any, biases: Any, x: Any, y: Any, eta: Any, **more: Any) -> dict[str, Any]:
        _be_alone()
        batches = [(x, y)]
        shown = dict(function(0, 1, weights, biases, batches, x.shape[1], eta, **more))
        own = shown.pop("own", {})
        first = own if isinstance(own, Mapping) else next(iter(own), {})
        return {**shown, **first}

    return step


def _be_alone() -> None:
    """Be a group of one process, if the program knows of groups."""
    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and not distributed.is_initialized():
        store = distributed.HashStore()
        distributed.init_process_group("gloo", store=store, rank=0, world_size=1)


def is_of_the_book(thing: Any) -> bool:
    """Whether it has the interface of the book's network, or is a torch module."""
    if is_module(thing):
        return True
    if isinstance(thing, type):
        own = {*dir(thing), *["feedforward"] * (feedforward_of(thing) is not None)}
        return own >= METHODS
    return _takes(thing, *ARGUMENTS) or _takes(thing, *OF_PROCESS)


def is_module(thing: Any) -> bool:
    """Whether it is a torch module or a class of them; where torch is not loaded nothing is."""
    torch = sys.modules.get("torch")
    module = getattr(getattr(torch, "nn", None), "Module", None)
    if module is None:
        return False
    return issubclass(thing, module) if isinstance(thing, type) else isinstance(thing, module)


def _takes(thing: Any, *names: str) -> bool:
    """Whether the parameters of a callable begin with these names."""
    try:
        taken = tuple(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return False
    return taken[: len(names)] == names


def _of_instance(
    thing: Any, name: str, cost: str | None, family: tuple[str, str] | None
) -> Subject:
    """An instance has the sizes of one network alone, so its class is asked for others."""
    try:
        return book_subject(type(thing), name, cost, family)
    except UsageError as error:
        raise UsageError(
            f"{name} is one {type(thing).__name__}, and its class cannot make others: {error}; "
            "give a class or a factory that takes a list of sizes"
        ) from error


def _of_factory(
    thing: Callable[..., Any], name: str, cost: str | None, family: tuple[str, str] | None
) -> Subject:
    """A factory is what it makes."""
    more = ""
    for form, probe in forms_of(thing):
        given = ", ".join(map(repr, form(probe)))
        try:
            with quiet():
                made = thing(*form(probe))
        except ConformanceError:
            raise
        except Exception as error:  # noqa: BLE001 - another form may do
            more = more or f"; called with {given} it stops: {headline(error)}"
            continue
        if is_module(made):
            return _of_module(thing, name, cost)
        if METHODS & set(dir(made)):
            return book_subject(thing, name, cost, family)
        more = more or f"; called with {given} it gives {_kind(made)}"
    if _makes_module(thing):
        return _of_module(thing, name, cost)
    raise _neither(thing, name, more)


def _makes_module(thing: Callable[..., Any]) -> bool:
    """Whether a factory gives a torch module when it is called with nothing."""
    try:
        with quiet():
            return is_module(thing())
    except Exception:  # noqa: BLE001 - then it needs more, and is none
        return False


def _neither(thing: Any, name: str, more: str = "") -> UsageError:
    public = sorted(each for each in dir(thing) if not each.startswith("_"))
    has = f" with {', '.join(public[:8])}{' …' if len(public) > 8 else ''}" if public else ""  # noqa: PLR2004
    return UsageError(f"{name} is {_kind(thing)}{has}{more}; needed is {FORMS}")


def _kind(thing: Any) -> str:
    if isinstance(thing, type):
        return f"the class {describe(thing)}"
    if inspect.isroutine(thing):
        try:
            return f"the function {describe(thing)}{inspect.signature(thing)}"
        except (TypeError, ValueError):
            return f"the function {describe(thing)}"
    return "None" if thing is None else f"a {type(thing).__qualname__}"
