"""The Linear layers of a torch module: which there are, in which order, and what passes them.

Left out: the cost (`loss.py`), and what the numbers are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.errors import SubjectError, UsageError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline, own_traceback


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
