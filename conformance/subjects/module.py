"""A `torch.nn.Module` of Linear layers and sigmoids as a subject, judged by autograd as it is.

z is what its Linear layers give, a what enters the next one; its own loss is used if it has one.
Samples are rows inside. Left out: an optimizer of its own (plain `torch.optim.SGD` takes the step),
and the lines of its code.
"""

import copy
import inspect
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from typing import Any

import numpy as np

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.isolate import PACKAGE, headline, own_traceback
from conformance.subjects import Subject
from conformance.subjects.observation import Observation
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters

PROBES = ((5, 4, 2), (5, 4, 6, 2), (5, 2))
DTYPES = ("float32", "float64")
LOSSES = ("loss", "cost", "criterion")


@dataclass(frozen=True)
class ModuleConventions:
    """What a module returns, and what its own loss is."""

    logits: bool = False
    own: str = ""  # the attribute that is its loss
    cost: str | None = None  # that of its own loss, if it is one of ours
    summed: bool = False  # its loss over the mini-batch


@dataclass(frozen=True)
class ModuleSubject(Subject):
    """A subject that can be built in some sizes alone."""

    build: Callable[[tuple[int, ...]], Any] = field(kw_only=True)  # raises UsageError

    def unfit(self, case: Case) -> str:
        """Why a case cannot be put to the subject, or nothing."""
        reason = super().unfit(case)
        try:
            self.build(case.sizes)
        except UsageError as error:
            return reason or str(error)
        return reason


def module_subject(thing: Any, name: str, cost: str | None = None) -> ModuleSubject:
    """The subject of a torch module.

    Args:
        thing: an instance, whose sizes are fixed; or a class or factory, called with a list of
            sizes, with the sizes as arguments, or with nothing.
        name: for messages.
        cost: what its own loss is meant to be; without a loss of its own, the cost that we supply
            (both in turn, if not given).

    Raises:
        UsageError: it cannot be built, has other layers than Linear ones with biases, or sizes that
            no case has.
        SubjectError: its code failed.
    """
    if cost not in (None, *COSTS):
        raise UsageError(f"cost {cost!r}: give {' or '.join(COSTS)}")
    built = BuiltModule(thing, name)
    module = built(built.trial)
    linear = ordered(module, name)
    dtypes = tuple(each for each in DTYPES if not _stops(module, linear, each))
    if not dtypes:
        raise SubjectError(f"{name} stopped on a trial: {_stops(module, linear, 'float32')}")
    c = _recognised(module, linear, name, dtypes[-1])
    costs = (cost,) if cost else ((c.cost or "quadratic",) if c.own else tuple(COSTS))
    if built.fixed is not None:
        _some_case(built.fixed, name)
    start = partial(ModuleSession, built, c)
    said = _said(c, costs, dtypes)
    return ModuleSubject(name, start, conventions=said, costs=costs, dtypes=dtypes, build=built)


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
        problems: list[str] = []
        odd: list[ConformanceError] = []
        forms = [_list, _stars, _nothing]
        if isinstance(thing, nn.Module):
            forms, self.thing = [_nothing], partial(copy.deepcopy, thing)
        for self.form in forms:
            for probe in PROBES:
                try:
                    sizes = sizes_of(self.made(probe), name)
                except ConformanceError as error:
                    odd.append(error)
                    continue
                except Exception as error:  # noqa: BLE001 - any form may fail in any way
                    problems.append(headline(error))
                    continue
                if self.form is _nothing or sizes == probe:
                    self.fixed = sizes if self.form is _nothing else None
                    self.trial = sizes
                    return
        if odd:
            raise odd[0]
        raise UsageError(
            f"{name} cannot be built from a list of sizes, from sizes as arguments, or from "
            f"nothing: {problems[0] if problems else 'its layers have other sizes'}"
        )

    def made(self, sizes: tuple[int, ...]) -> Any:
        """What the class or factory makes of these sizes, which must be a module."""
        from torch import nn

        with redirect_stdout(StringIO()):
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
            raise UsageError(f"has the sizes {list(found)} when it is built with {list(sizes)}")
        return module


class ModuleSession:
    """A module in training."""

    def __init__(
        self, built: BuiltModule, conventions: ModuleConventions, case: Case, start: Parameters
    ) -> None:
        """Copy the parameters into a new module."""
        import torch

        torch.set_num_threads(1)
        self.case, self.conventions, self.name = case, conventions, built.name
        self.module = built(case.sizes).to(getattr(torch, case.dtype))
        self.linear = ordered(self.module, built.name)
        with torch.no_grad():
            for layer, w, b in zip(self.linear, start.w, start.b, strict=True):
                layer.weight.copy_(torch.tensor(w))
                layer.bias.copy_(torch.tensor(b[:, 0]))
        self.seen = Seen(self.linear)
        groups: list[dict[str, Any]] = [
            {"params": [each.weight for each in self.linear], "weight_decay": case.decay},
            {"params": [each.bias for each in self.linear]},
        ]
        self.optimizer = torch.optim.SGD(groups, lr=case.eta)

    def step(self, batch: Batch) -> Observation:
        """Take one step and show everything that it computed.

        Raises:
            SubjectError: the module or its loss gives no tensor of the shape that is needed.
        """
        import torch

        x, y = (torch.tensor(array.T) for array in (batch.x, batch.y))
        self.optimizer.zero_grad()
        self.seen.clear()
        with redirect_stdout(StringIO()):
            output = _output(self.module, x, self.name)
            if output.shape != y.shape:
                raise SubjectError(
                    f"{self.name} gives an output of shape {tuple(output.shape)}, "
                    f"expected rows {tuple(y.shape)}"
                )
            kept = output.detach().clone()
            cost = self._cost(output, y)
            cost.backward()
        delta_by, divisor = (1, batch.m) if self.conventions.summed else (batch.m, 1)
        shown = {"cost": _array(cost) / divisor, **self._layers(kept, delta_by, divisor)}
        self.optimizer.step()
        for i, layer in enumerate(self.linear, 2):
            shown |= {f"b{i}": _array(layer.bias)[:, None], f"w{i}": _array(layer.weight)}
        return Observation({name: np.asarray(array) for name, array in shown.items()})

    def _cost(self, output: Any, y: Any) -> Any:
        own = self.conventions.own
        if not own:
            return _supplied(output, y, self.case.cost, logits=self.conventions.logits)
        return _scalar(getattr(self.module, own)(output, y), f"{self.name}.{own}")

    def _layers(self, output: Any, delta_by: int, divisor: int) -> dict[str, Array]:
        """z, a, δ and ∇ of all layers, in columns; a gradient that autograd left out is zero."""
        import torch

        last = torch.sigmoid(output) if self.conventions.logits else output
        shown: dict[str, Array] = {}
        activations = [*self.seen.a[1:], last]
        pairs = zip(self.linear, self.seen.z, activations, self.seen.delta, strict=True)
        for i, (layer, z, a, delta) in enumerate(pairs, 2):
            for parameter in (layer.weight, layer.bias):
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                parameter.grad.div_(divisor)  # the step is that of the mean, too
            shown |= {f"z{i}": _array(z).T, f"a{i}": _array(a).T}
            shown[f"delta{i}"] = (
                delta_by * _array(torch.zeros_like(z) if delta is None else delta).T
            )
            shown[f"nabla_b{i}"] = _array(layer.bias.grad)[:, None]
            shown[f"nabla_w{i}"] = _array(layer.weight.grad)
        return shown


class Seen:
    """What went in and out of the Linear layers, and the gradients that came back; copies."""

    def __init__(self, linear: list[Any]) -> None:
        """Hook the layers."""
        self.z: list[Any] = []
        self.a: list[Any] = []
        self.delta: list[Any] = []
        for layer in linear:
            layer.register_forward_hook(self._see)

    def clear(self) -> None:
        """Forget the last step."""
        self.z, self.a, self.delta = [], [], []

    def _see(self, _layer: Any, inputs: tuple[Any, ...], z: Any) -> None:
        self.a.append(inputs[0].detach().clone())
        self.z.append(z.detach().clone())
        place, delta = len(self.delta), self.delta
        delta.append(None)
        if z.requires_grad:
            z.register_hook(lambda gradient: delta.__setitem__(place, gradient.clone()))


def sizes_of(module: Any, name: str) -> tuple[int, ...]:
    """The sizes of a module's Linear layers, in the order in which they are called.

    Raises:
        UsageError: there are none, one has no biases, or there are other parameters; see `ordered`.
        SubjectError: its forward pass failed.
    """
    from torch import nn

    linear = [each for each in module.modules() if isinstance(each, nn.Linear)]
    if not linear:
        raise UsageError(f"{name} has no torch.nn.Linear layer")
    if any(each.bias is None for each in linear):
        raise UsageError(f"{name} has a Linear layer without biases: the network has them")
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
            with torch.no_grad(), redirect_stdout(StringIO()):
                module(torch.zeros((2, first.in_features), dtype=first.weight.dtype))
            break
        except Exception as error:  # noqa: BLE001 - the module is not ours
            lines = f"{headline(error)}\n{own_traceback(error, PACKAGE)}".rstrip()
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


def _list(thing: Callable[..., Any], sizes: tuple[int, ...]) -> Any:
    return thing(list(sizes))


def _stars(thing: Callable[..., Any], sizes: tuple[int, ...]) -> Any:
    return thing(*sizes)


def _nothing(thing: Callable[..., Any], _sizes: tuple[int, ...]) -> Any:
    return thing()


def _stops(module: Any, linear: list[Any], dtype: str) -> str:
    """Why the module cannot compute in a dtype, or nothing."""
    import torch

    try:
        module.to(getattr(torch, dtype))
        with torch.no_grad(), redirect_stdout(StringIO()):
            module(torch.zeros((2, linear[0].in_features), dtype=getattr(torch, dtype)))
    except Exception as error:  # noqa: BLE001 - the module is not ours
        return headline(error)
    return ""


def _output(module: Any, x: Any, name: str) -> Any:
    """What a module makes of rows.

    Raises:
        SubjectError: it is no tensor.
    """
    import torch

    output = module(x)
    if not isinstance(output, torch.Tensor):
        raise SubjectError(f"{name} gives a {type(output).__name__}, expected a tensor of rows")
    return output


def _supplied(output: Any, y: Any, kind: str, *, logits: bool) -> Any:
    """The mean over the mini-batch of the cost of a module that has none."""
    import torch
    from torch.nn import functional

    if kind == "quadratic":
        a = torch.sigmoid(output) if logits else output
        total = 0.5 * functional.mse_loss(a, y, reduction="sum")
    elif logits:
        total = functional.binary_cross_entropy_with_logits(output, y, reduction="sum")
    else:
        total = functional.binary_cross_entropy(output, y, reduction="sum")
    return total / len(y)


def _recognised(module: Any, linear: list[Any], name: str, dtype: str) -> ModuleConventions:
    """What the module returns, and its own loss.

    Raises:
        SubjectError: its loss failed.
    """
    import torch

    seen = Seen(linear)
    x = torch.linspace(-1, 1, 2 * linear[0].in_features).reshape(2, -1)
    output = _output(module.to(getattr(torch, dtype)), x.to(getattr(torch, dtype)), name)
    logits = torch.equal(output.detach(), seen.z[-1])
    own = next((each for each in LOSSES if _takes_two(getattr(module, each, None))), "")
    if not own:
        return ModuleConventions(logits)
    out = torch.linspace(0.2, 0.7, 12).reshape(3, 4).to(getattr(torch, dtype))
    y = torch.cos(7 * torch.arange(12)).square().reshape(3, 4).to(out.dtype)
    try:
        _scalar(getattr(module, own)(out, y), f"{name}.{own}")
        cost, summed = _own_loss(getattr(module, own), out, y, logits=logits)
    except SubjectError:
        raise
    except Exception as error:
        raise SubjectError(
            f"{name}.{own} stopped on a trial: {headline(error)}\n"
            f"{own_traceback(error, PACKAGE)}".rstrip()
        ) from error
    return ModuleConventions(logits, own, cost, summed)


def _takes_two(loss: Any) -> bool:
    try:
        return callable(loss) and inspect.signature(loss).bind(None, None) is not None
    except (TypeError, ValueError):
        return False


def _scalar(cost: Any, name: str) -> Any:
    """The value of a loss.

    Raises:
        SubjectError: it is no scalar tensor.
    """
    if getattr(cost, "shape", None) != ():
        of = f" of shape {tuple(cost.shape)}" if hasattr(cost, "shape") else ""
        raise SubjectError(f"{name} gives a {type(cost).__name__}{of}, expected a scalar tensor")
    return cost


def _own_loss(
    loss: Callable[..., Any], out: Any, y: Any, *, logits: bool
) -> tuple[str | None, bool]:
    """Which cost a loss is, whatever its factor, and whether it sums over the mini-batch.

    Told by its gradient: a factor that is wrong is then a mistake, not another cost.
    """
    import torch

    out = out.requires_grad_()
    value = loss(out, y)
    (gradient,) = torch.autograd.grad(value, out)
    a = torch.sigmoid(out) if logits else out
    prime = a * (1 - a)
    quadratic, cross_entropy = (prime, 1) if logits else (1, 1 / prime)
    found = None
    for cost, factor in (("quadratic", quadratic), ("cross-entropy", cross_entropy)):
        ratio = gradient / ((a - y) * factor)
        if torch.allclose(ratio, ratio.mean(), rtol=1e-3, atol=0):
            found = cost
    twice = loss(torch.cat([out, out]), torch.cat([y, y])) / value
    return found, bool(abs(twice.item() - 2) < 1e-3)  # noqa: PLR2004 - twice the samples


def _said(c: ModuleConventions, costs: tuple[str, ...], dtypes: tuple[str, ...]) -> tuple[str, ...]:
    """What was recognised, in words."""
    said = ["samples as rows"]
    if c.logits:
        said.append("returns logits")
    if c.own and c.cost:
        said.append(f"its own {c.cost} cost ({c.own})")
    elif c.own:
        said.append(f"its own {c.own} is neither cost: judged as {costs[0]}")
    else:
        said.append(f"no loss of its own: {' and '.join(costs)} supplied")
    if c.summed:
        said.append("cost and nabla summed over the mini-batch")
    if dtypes == ("float32",):
        said.append("float32")
    return tuple(said)


def _some_case(sizes: tuple[int, ...], name: str) -> None:
    """Check that a case has these sizes."""
    known = sorted({case.sizes for case in store.cases(store.root())})
    if sizes not in known:
        listed = ", ".join("-".join(map(str, each)) for each in known)
        raise UsageError(
            f"{name} has the sizes {'-'.join(map(str, sizes))}, and no case has: there are "
            f"{listed}; or give a class that takes sizes"
        )


def _array(tensor: Any) -> Array:
    copied: Array = tensor.detach().cpu().numpy().copy()
    return copied
