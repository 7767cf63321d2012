"""Torch modules of some sizes, built of a class or a factory, and their Linear layers in order.

Left out: the cost (`module_loss.py`), and what the numbers are.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline, own_traceback
from conformance.subjects.book.constructor import listed, one_by_one

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
        forms = [listed, one_by_one, _nothing]
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
            module = self.thing(*self.form(sizes))
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


def _nothing(_sizes: Sequence[int]) -> tuple[Any, ...]:
    return ()


class Seen:
    """What went in and out of the Linear layers, and the gradients that came back; copies."""

    def __init__(self, linear: list[Any]) -> None:
        """Hook the layers."""
        self.z: list[Any] = []
        self.a: list[Any] = []
        self.delta: list[Any] = []
        self.mended: Callable[[Any], Any] | None = None  # of the gradient of the output layer's z
        for layer in linear:
            layer.register_forward_hook(self._see)

    def clear(self) -> None:
        """Forget the last step."""
        self.z, self.a, self.delta, self.mended = [], [], [], None

    def _see(self, _layer: Any, inputs: tuple[Any, ...], z: Any) -> None:
        self.a.append(inputs[0].detach().clone())
        self.z.append(z.detach().clone())
        self.delta.append(None)
        if z.requires_grad:
            z.register_hook(partial(self._keep, len(self.delta) - 1))

    def _keep(self, place: int, gradient: Any) -> Any:
        if self.mended is not None and place == len(self.delta) - 1:
            gradient = self.mended(gradient)
        self.delta[place] = gradient.clone()
        return gradient


def sizes_of(module: Any, name: str) -> tuple[int, ...]:
    """The sizes of a module's Linear layers, in the order in which they are called.

    Raises:
        UsageError: there are none, one has no biases or no weight that can be set, or there are
            other parameters; see `ordered`.
        SubjectError: its forward pass failed.
    """
    from torch import nn

    linear = [each for each in module.modules() if isinstance(each, nn.Linear)]
    if not linear:
        raise UsageError(f"{name} has no torch.nn.Linear layer")
    if any(each.bias is None for each in linear):
        raise UsageError(f"{name} has a Linear layer without biases: the network has them")
    if not all(isinstance(each.weight, nn.Parameter) for each in linear):
        raise UsageError(f"{name} has a Linear layer whose weight is computed of other parameters")
    own = {id(parameter) for each in linear for parameter in each.parameters()}
    others = [key for key, parameter in module.named_parameters() if id(parameter) not in own]
    if others:
        raise UsageError(f"{name} has parameters outside its Linear layers: {', '.join(others)}")
    called = ordered(module, name)
    return (called[0].in_features, *(each.out_features for each in called))


def ordered(module: Any, name: str) -> list[Any]:
    """The Linear layers in the order in which a forward pass calls them.

    Raises:
        UsageError: it does not call each of them once, one on top of the other.
        SubjectError: its forward pass failed.
    """
    import torch
    from torch import nn

    linear = [each for each in module.modules() if isinstance(each, nn.Linear)]
    called: list[Any] = []
    hooks = [each.register_forward_hook(lambda layer, *_: called.append(layer)) for each in linear]
    problems = []
    for first in linear:  # the one registered first, as a rule
        called.clear()
        try:
            with torch.no_grad(), quiet():
                module(torch.zeros((2, first.in_features), dtype=first.weight.dtype))
            break
        except Exception as error:  # noqa: BLE001 - the module is not ours
            lines = f"{headline(error)}\n{own_traceback(error)}".rstrip()
            problems.append(f"{name} stopped on rows of {first.in_features} zeros: {lines}")
    for hook in hooks:
        hook.remove()
    if len(problems) == len(linear):
        raise SubjectError(problems[0])
    if len(called) != len(linear) or {*map(id, called)} != {*map(id, linear)}:
        raise UsageError(
            f"{name} has {len(linear)} Linear layers and its forward calls {len(called)}: each "
            "must be called once"
        )
    return called


def check_apart(linear: list[Any], name: str) -> None:
    """Check that each layer can be given parameters of its own.

    Raises:
        SubjectError: two layers have one parameter.
    """
    seen: dict[int, int] = {}
    for i, layer in enumerate(linear, 2):
        for parameter in layer.parameters():
            first = seen.setdefault(id(parameter), i)
            if first != i:
                raise SubjectError(
                    f"{name} has one parameter in layers {first} and {i}: each layer needs its own"
                )


def stops(module: Any, linear: list[Any], dtype: str) -> str:
    """Why the module cannot compute in a dtype, or nothing."""
    import torch

    try:
        module.to(getattr(torch, dtype))
        with torch.no_grad(), quiet():
            module(torch.zeros((2, linear[0].in_features), dtype=getattr(torch, dtype)))
    except Exception as error:  # noqa: BLE001 - the module is not ours
        return headline(error)
    return ""


def output_of(module: Any, x: Any, name: str) -> Any:
    """What a module makes of rows.

    Raises:
        SubjectError: it is no tensor.
    """
    import torch

    output = module(x)
    if not isinstance(output, torch.Tensor):
        raise SubjectError(f"{name} gives a {type(output).__name__}, expected a tensor of rows")
    return output
