"""The `ctx` that a `torch.autograd.Function` is given when it is called here and not by torch.

Left out: the call (`applied.py`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import FunctionCtx

Function = torch.autograd.Function


class Context(FunctionCtx):
    """What forward keeps for backward.

    Attributes:
        needs_input_grad: of each argument, whether its gradient is asked for.
    """

    def __init__(self, needs_input_grad: Sequence[bool]) -> None:
        self.needs_input_grad = tuple(needs_input_grad)
        self.to_save: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.materialize_grads = True

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was given to `save_for_backward`."""
        return tuple(self.to_save)

    @property
    def materializes(self) -> bool:
        """Whether backward gets zeros, and not None, for an output that the loss does not use."""
        return self.materialize_grads


def is_function(thing: object) -> bool:
    """Whether a thing is a class with a forward and a backward of its own."""
    if not (isinstance(thing, type) and issubclass(thing, Function)):
        return False
    return thing.forward is not Function.forward and backward_of(thing) is not None


def backward_of(kind: type[Function]) -> Any:
    """The static method that goes backwards, under either of its names; None if there is none."""
    for name in ("backward", "vjp"):
        own = getattr(kind, name)
        if own is not getattr(Function, name):
            return own
    return None


def is_separate(kind: type[Function]) -> bool:
    """Whether `forward` has no `ctx`, which `setup_context` gets after it."""
    return kind.setup_context is not Function.setup_context
