"""What is to be judged of a `torch.autograd.Function`, and whether it is right.

Left out: the call (`applied.py`), and what is judged of it (`calling.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from conformance.backward.examine import untraced
from conformance.backward.findings import Examined
from conformance.backward.judge import Verdict
from conformance.custom.applied import called, loss_of, names_of, plain
from conformance.custom.calling import examined_calls
from conformance.custom.context import Function


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be judged.

    Attributes:
        kind: the function.
        args: of it.
        needs: of each argument, whether its gradient is judged.
        told: whether this was said of them, as by `requires_grad`; else it is a guess.
        seed: another cotangent for another seed.
    """

    kind: type[Function]
    args: tuple[Any, ...]
    needs: tuple[bool, ...]
    told: bool
    seed: int = 0


def asked(kind: type[Function], args: Sequence[Any], seed: int = 0) -> Asked:
    """What is to be judged of a call: what requires a gradient, or all floats if nothing does."""
    told = tuple(isinstance(each, torch.Tensor) and each.requires_grad for each in args)
    floats = tuple(isinstance(e, torch.Tensor) and e.dtype.is_floating_point for e in args)
    return Asked(kind, tuple(args), told if any(told) else floats, any(told), seed)


def examined(what: Asked) -> Examined:
    """The gradients of a function, judged, and what is to blame for those that are wrong.

    Raises:
        NotAGradientError: it gives no output or no gradients.
    """
    again = partial(called, what.kind, what.args, what.needs, what.seed)
    return examined_calls(again, partial(_contradicted, what), told=what.told)


def _contradicted(what: Asked, wrong: list[Verdict]) -> list[Verdict]:
    """The verdicts that the function itself contradicts, run again beside the point."""
    names, start_args = names_of(what.kind, len(what.args)), plain(what.args)
    start = {
        name: each.numpy()
        for name, each, wanted in zip(names, start_args, what.needs, strict=True)
        if wanted
    }

    def f(params: dict[str, Any]) -> tuple[float, None]:
        args = [
            torch.from_numpy(np.array(params[name])) if name in params else each
            for name, each in zip(names, start_args, strict=True)
        ]
        try:
            return loss_of(what.kind, args, what.needs, what.seed), None
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    return untraced(f, start, (), wrong)
