"""One call of a `torch.autograd.Function`, forward and backward, recorded, and judged.

The loss is the sum of each output times a generic array, which is what backward is given. What
torch does with the gradients afterwards is done too: it sums a gradient over axes along which the
argument was broadcast, casts it to the type of the argument, and takes None for 0.

Left out: what is judged of it (`calling.py`), and which arguments it is called with.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any, cast

import numpy as np
import torch

from conformance.backward.examine_gradients import untraced
from conformance.backward.findings import Examined
from conformance.backward.judge_gradients import Verdict
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.custom.calling import Called, examined_calls
from conformance.custom.context import Context, Function, backward_of, is_separate
from conformance.running.quiet import quiet
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.tensor_memory import TensorTrace
from conformance.tracing.trace import Trace

FLOATS = (torch.float32, torch.float64)
SHORT = (torch.float16, torch.bfloat16)
RANDOM = 7  # the seed of torch, so that forward draws the same numbers each time


def names_of(kind: type[Function], count: int) -> tuple[str, ...]:
    """The names of the arguments of a function, without `ctx`."""
    given = list(inspect.signature(kind.forward).parameters.values())
    given = given if is_separate(kind) else given[1:]
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in given if each.kind in plain][:count]
    return (*names, *(f"args[{i}]" for i in range(len(names), count)))


def plain(args: Sequence[Any]) -> list[Any]:
    """Copies of arguments on the CPU, without a past; numbers of two bytes become longer."""
    return [_plain(each) if isinstance(each, torch.Tensor) else each for each in args]


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    copy = tensor.detach().cpu().clone()
    return copy.float() if copy.dtype in SHORT else copy


def accepted(kind: type[Function], args: Sequence[Any], needs: Sequence[bool]) -> None:
    """Let torch call the function and its backward; what it raises, it raises here too."""
    given = [
        each.requires_grad_().clone() if wanted else each
        for each, wanted in zip(plain(args), needs, strict=True)
    ]
    with torch.enable_grad(), torch.random.fork_rng(), quiet():
        torch.manual_seed(RANDOM)
        result = cast(Any, kind).apply(*given)
        some = [each for each in _outputs(result) if each.requires_grad]
        if some:
            torch.autograd.backward(some, [torch.ones_like(each) for each in some])


def called(
    kind: type[Function],
    args: Sequence[Any],
    needs: Sequence[bool],
    seed: int = 0,
    only: int | None = None,
) -> Called:
    """Call a function forward and backward, recorded.

    Args:
        kind: the function.
        args: of it.
        needs: of each argument, whether its gradient is judged.
        seed: another cotangent for another seed.
        only: the place among the differentiable outputs of the one that the loss is made of.

    Raises:
        NotAGradientError: there is no output of floats, or not a gradient an argument.
    """
    trace, names = Trace(sites=True), names_of(kind, len(args))
    context, copies = Context(needs), plain(args)
    with (
        quiet(),
        torch.no_grad(),
        torch.random.fork_rng(),
        traced_program(trace, kind.forward) as tensors,
    ):
        given = [_given(trace, tensors, e, name) for e, name in zip(copies, names, strict=True)]
        start = {n: tensors.node(e) for n, e in zip(names, given, strict=True)}
        torch.manual_seed(RANDOM)
        result = _forward(kind, context, given)
        loss, sent, outputs = _loss(kind, tensors, context, result, seed, only)
        given_back = tuple(e for e in map(tensors.node, sent) if type(e) is Node and e.given)
        gradients = _gradients(kind, context, sent, len(given))
        several = zip(names, given, gradients, needs, strict=False)
        judged = [(name, each, own) for name, each, own, wanted in several if wanted]
        goals = tuple(Goal(n, start[n], _gradient(tensors, own, each)) for n, each, own in judged)
    absent = tuple(name for name, _, own in judged if own is None)
    returns = last_return(inspect.unwrap(backward_of(kind)))
    step = OwnPass(trace, goals, loss=loss, returns=returns, promised=True)
    return Called(step, outputs, given_back, absent)


def loss_of(
    kind: type[Function], args: Sequence[Any], needs: Sequence[bool], seed: int = 0
) -> float:
    """The loss of the recorded call, without a record."""
    context, rng = Context(needs), np.random.default_rng(seed + 9)
    with torch.no_grad(), torch.random.fork_rng(), quiet():
        torch.manual_seed(RANDOM)
        result = _forward(kind, context, plain(args))
    fixed, total = {id(each) for each in context.non_differentiable}, 0.0
    for out in _outputs(result):
        if out.dtype in FLOATS and id(out) not in fixed:
            drawn = torch.tensor(rng.normal(size=tuple(out.shape)), dtype=out.dtype)
            total += float((out.double() * drawn.double()).sum())
    return total


def _given(trace: Trace, tensors: TensorTrace, value: Any, name: str) -> Any:
    """An argument, its numbers known as such."""
    if isinstance(value, torch.Tensor) and value.dtype in FLOATS and value.numel():
        array = tensors.array(value)
        assert array is not None  # noqa: S101 - such tensors have one
        tensors.computed(value, trace.node(f"given {name}", None, (), {}, np.array(array)))
    return value


def _forward(kind: type[Function], context: Context, given: Sequence[Any]) -> Any:
    if not is_separate(kind):
        return kind.forward(context, *given)
    result = kind.forward(*given)
    kind.setup_context(context, tuple(given), result)
    return result


def _outputs(result: Any) -> list[torch.Tensor]:
    several = result if isinstance(result, tuple | list) else (result,)
    return [each for each in several if isinstance(each, torch.Tensor)]


def _gradients(
    kind: type[Function], context: Context, sent: Sequence[Any], count: int
) -> Sequence[Any]:
    """What backward gives, one an argument."""
    found = backward_of(kind)(context, *sent)
    found = found if isinstance(found, tuple | list) else (found,)
    if len(found) < count:
        raise NotAGradientError(f"backward gives {len(found)} gradients of {count} arguments")
    return found


def _loss(
    kind: type[Function],
    tensors: TensorTrace,
    context: Context,
    result: Any,
    seed: int,
    only: int | None,
) -> tuple[Node, list[Any], tuple[Node, ...]]:
    """The loss, what backward is given, and the nodes of the outputs that have a derivative."""
    rng = np.random.default_rng(seed + 9)
    several = result if isinstance(result, tuple | list) else (result,)
    names = [*inspect.signature(backward_of(kind)).parameters][1:]
    fixed = {id(each) for each in context.non_differentiable}
    sent, nodes, parts = list[Any](), list[Any](), list[Any]()
    for i, out in enumerate(several):
        if not isinstance(out, torch.Tensor) or out.dtype not in FLOATS or id(out) in fixed:
            zeros = isinstance(out, torch.Tensor) and context.materializes
            sent.append(torch.zeros_like(out) if zeros else None)
            continue
        with tensors.quiet():
            drawn = torch.tensor(rng.normal(size=tuple(out.shape)), dtype=out.dtype)
            drawn *= only in (None, len(nodes))
        name = names[i] if i < len(names) and len(names) >= len(several) else f"grad[{i}]"
        sent.append(_given(tensors.trace, tensors, drawn, name))
        nodes.append(tensors.node(out))
        parts.append((out * drawn).sum())
    loss = tensors.node(reduce(add, parts)) if parts else None
    if type(loss) is not Node:
        raise NotAGradientError("its forward gives no tensor of floats")
    return loss, sent, tuple(each for each in nodes if type(each) is Node)


def _gradient(tensors: TensorTrace, gradient: Any, argument: torch.Tensor) -> Node:
    """The gradient that torch takes an argument to have."""
    if gradient is None:
        gradient = torch.zeros_like(argument)
    if not isinstance(gradient, torch.Tensor):
        raise NotAGradientError(f"backward gives a {type(gradient).__name__}, which is no tensor")
    if gradient.shape != argument.shape and _broadcast(argument, gradient):
        gradient = gradient.sum_to_size(argument.shape)
    if gradient.dtype != argument.dtype:
        gradient = gradient.to(argument.dtype)
    node = tensors.node(gradient)
    if type(node) is Node:
        return node
    return tensors.trace.constant(np.asarray(node, dtype=np.float64))


def _broadcast(argument: torch.Tensor, gradient: torch.Tensor) -> bool:
    """Whether an argument may be broadcast to the shape of a gradient."""
    kept = (1,) * (gradient.dim() - argument.dim()) + tuple(argument.shape)
    return len(kept) == gradient.dim() and all(
        n in (1, m) for n, m in zip(kept, gradient.shape, strict=True)
    )


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
