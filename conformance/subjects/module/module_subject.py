"""A `torch.nn.Module` of Linear layers and sigmoids as a subject, judged by autograd as it is.

z is what its Linear layers give, a what enters the next one; its own loss is used if it has one.
Samples are rows inside. Left out: an optimizer of its own (the step is that of plain
`torch.optim.SGD`), and the lines of its code.
"""

from functools import partial
from typing import Any

import numpy as np

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.model.functions import COSTS as TABLE
from conformance.model.functions import SAID, SIGMOID
from conformance.running.quiet import quiet
from conformance.subjects import Subject
from conformance.subjects.module.module_layers import (
    BuiltModule,
    Seen,
    check_apart,
    ordered,
    output_of,
    stops,
)
from conformance.subjects.module.module_loss import ModuleConventions, recognised, scalar, supplied
from conformance.subjects.observation import Observation
from conformance.verdict.finding import Kind, finding
from reference.equations import COSTS
from reference.step import Array, Batch, Parameters

DTYPES = ("float32", "float64")
AGAIN = finding(Kind.UNREPEATABLE, method="module")


def _unbuilt(build: BuiltModule, case: Case) -> str:
    """Why there is no module of the sizes of a case, or nothing."""
    try:
        build(case.sizes)
    except UsageError as error:
        return str(error)
    return ""


def module_subject(thing: Any, name: str, cost: str | None = None) -> Subject:
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
    dtypes = tuple(each for each in DTYPES if not stops(module, linear, each))
    if not dtypes:
        raise SubjectError(f"{name} stopped on a trial: {stops(module, linear, 'float32')}")
    c = recognised(module, linear, name, dtypes[-1])
    goes = tuple(each for each in COSTS if c.family[1] in TABLE[each].outputs)
    costs = (cost,) if cost else ((c.cost or goes[0],) if c.own else goes)
    if built.fixed is not None:
        _some_case(built.fixed, name)
    start = partial(ModuleSession, built, c)
    return Subject(
        *(name, start), conventions=_said(c, costs, dtypes), costs=costs, dtypes=dtypes,
        family=c.family, goes_back=False, refuses=partial(_unbuilt, built),
    )  # fmt: skip


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
        check_apart(self.linear, built.name)
        with torch.no_grad():
            for layer, w, b in zip(self.linear, start.w, start.b, strict=True):
                layer.weight.copy_(torch.tensor(w))
                layer.bias.copy_(torch.tensor(b[:, 0]))
        if not all(each.weight.is_leaf and each.bias.is_leaf for each in self.linear):
            raise ValueError("can't optimize a non-leaf Tensor")  # as `torch.optim` says
        self.seen, self.first = Seen(self.linear), True

    def step(self, batch: Batch) -> Observation:
        """Take one step and show everything that it computed.

        Raises:
            SubjectError: the module or its loss gives no tensor of the shape that is needed.
        """
        import torch

        dtype = getattr(torch, self.case.dtype)
        x, y = (torch.tensor(array.T, dtype=dtype) for array in (batch.x, batch.y))
        for layer in self.linear:
            layer.weight.grad = layer.bias.grad = None
        self.seen.clear()
        with quiet():
            output = output_of(self.module, x, self.name)
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
        findings = () if self._same_again(x, kept) else (AGAIN,)
        self._update()
        for i, layer in enumerate(self.linear, 2):
            shown |= {f"b{i}": _array(layer.bias)[:, None], f"w{i}": _array(layer.weight)}
        arrays = {name: np.asarray(array) for name, array in shown.items()}
        return Observation(arrays, findings=findings)

    def _update(self) -> None:
        """What `torch.optim.SGD` does, which loads `torch._dynamo` for it."""
        import torch

        case = self.case
        with torch.no_grad():
            for layer in self.linear:
                moved = layer.weight.grad
                if case.decay:
                    moved = moved.add(layer.weight, alpha=case.decay)
                layer.weight.add_(moved, alpha=-case.eta)
                layer.bias.add_(layer.bias.grad, alpha=-case.eta)

    def _same_again(self, x: Any, output: Any) -> bool:
        """Whether a second call, after the first step's, gives the same output."""
        import torch

        first, self.first = self.first, False
        if not first:
            return True
        with quiet():
            second = output_of(self.module, x, self.name)
        return torch.allclose(second, output, rtol=0, atol=0, equal_nan=True)

    def _cost(self, output: Any, y: Any) -> Any:
        own = self.conventions.own
        if not own:
            return supplied(output, y, self.case.cost, self.seen, logits=self.conventions.logits)
        return scalar(getattr(self.module, own)(output, y), f"{self.name}.{own}")

    def _layers(self, output: Any, delta_by: int, divisor: int) -> dict[str, Array]:
        """z, a, δ and ∇ of all layers, in columns; a gradient that autograd left out is zero."""
        import torch

        last = self.conventions.activated(output)
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


def _said(c: ModuleConventions, costs: tuple[str, ...], dtypes: tuple[str, ...]) -> tuple[str, ...]:
    """What was recognised, in words."""
    said = ["samples as rows"]
    if set(c.family) != {SIGMOID}:
        hidden, output = (SAID.get(each, each) for each in c.family)
        said.append(f"{hidden} in the hidden layers, {output} at the output")
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
    from torch_impl.step import to_array

    return to_array(tensor)
