"""What a torch module returns and the cost that it is judged by: its own loss, or one supplied.

Left out: its layers (`module_layers.py`).
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from conformance.errors import SubjectError
from conformance.model.functions import SIGMOID, UNKNOWN
from conformance.running.tracebacks import headline, own_traceback
from conformance.subjects.module.module_layers import Seen, output_of

LOSSES = ("loss", "cost", "criterion", "loss_fn", "loss_function")
ROOM = 16
"""Units by which σ and σ′ may be off; for seeing what a module returns, not for judging."""


@dataclass(frozen=True)
class ModuleConventions:
    """What a module returns, and what its own loss is."""

    logits: bool = False
    own: str = ""  # the attribute that is its loss
    cost: str | None = None  # that of its own loss, if it is one of ours
    summed: bool = False  # its loss over the mini-batch
    family: tuple[str, str] = (SIGMOID, SIGMOID)  # the activations of hidden layers and output

    def activated(self, output: Any) -> Any:
        """The activations of the output, of what the module returns."""
        return _activations()[self.family[1]](output) if self.logits else output


PROBES = 32
"""Samples of a trial."""


def recognised(module: Any, linear: list[Any], name: str, dtype: str) -> ModuleConventions:
    """What the module returns, and its own loss.

    Raises:
        SubjectError: its loss failed.
    """
    import torch

    kind, size = getattr(torch, dtype), linear[0].in_features
    x = 4 * torch.cos(7 * torch.arange(PROBES * size, dtype=kind)).reshape(PROBES, size)
    _centre(module.to(kind), linear, x)
    seen = Seen(linear)
    output = output_of(module, x, name)
    logits = torch.equal(output.detach(), seen.z[-1])
    pairs = zip(seen.z, [*seen.a[1:], output.detach()], strict=True)
    *inner, last = (_told(*pair) for pair in pairs)
    family = hidden, _ = _family(inner, SIGMOID if logits else last)
    own = next((each for each in LOSSES if _takes_two(getattr(module, each, None))), "")
    if not own:
        return ModuleConventions(logits, family=family)
    out = torch.linspace(0.2, 0.7, 12).reshape(3, 4).to(getattr(torch, dtype))
    y = torch.cos(7 * torch.arange(12)).square().reshape(3, 4).to(out.dtype)
    try:
        scalar(getattr(module, own)(out, y), f"{name}.{own}")
        cost, summed, output_of_loss = _own_loss(getattr(module, own), out, y, logits=logits)
    except SubjectError:
        raise
    except Exception as error:
        raise SubjectError(
            f"{name}.{own}(output, y) stopped on a trial: {headline(error)}\n"
            f"{own_traceback(error)}".rstrip()
        ) from error
    if logits and output_of_loss:
        family = hidden, output_of_loss
    return ModuleConventions(logits, own, cost, summed, family)


def _centre(module: Any, linear: list[Any], x: Any) -> None:
    """Give each neuron a z of either sign among the samples, lest max(0, z) is taken for z."""
    import torch

    def centred(layer: Any, _inputs: Any, z: Any) -> Any:
        middle = z.detach().median(dim=0).values
        layer.bias.sub_(middle)
        return z - middle

    hooks: list[Any] = []
    for layer in linear:
        numbers = torch.arange(layer.weight.numel(), dtype=x.dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.cos(5 * numbers + len(hooks)).reshape(layer.weight.shape))
        hooks.append(layer.register_forward_hook(centred))
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()


def _activations() -> dict[str, Callable[[Any], Any]]:
    """The activations of rows of weighted inputs."""
    from torch_impl.model import ACTIVATIONS

    return {name: make() for name, make in ACTIVATIONS.items()}


def _told(z: Any, a: Any) -> str:
    """The name of the activation that gave a of z, if it is known."""
    import torch

    for name, f in _activations().items():
        if z.shape == a.shape and torch.allclose(a, f(z), rtol=ROOM * _eps(a), atol=ROOM * _eps(a)):
            return name
    return ""


def _family(inner: list[str], last: str) -> tuple[str, str]:
    """The activations of hidden layers and output; of σ alone if none is known: that is wrong.

    Of several in the hidden layers, or of one that is not known, there are no cases.
    """
    if not any((*inner, last)):
        return SIGMOID, SIGMOID
    hidden = " and ".join(each or UNKNOWN for each in dict.fromkeys(inner))
    return hidden or SIGMOID, last or UNKNOWN


def supplied(output: Any, y: Any, kind: str, seen: Seen, *, logits: bool) -> Any:
    """The mean over the mini-batch of the cost of a module that has none.

    The cross-entropy of activations is ours, so that what it loses is not held against the module:
    PyTorch's cuts its logarithms off at −100, and all of them divide by a σ′ that cancels.
    """
    import torch
    from torch.nn import functional

    if kind == "log-likelihood":
        total = -torch.xlogy(y, output).sum()
    elif kind == "quadratic":
        a = torch.sigmoid(output) if logits else output
        total = 0.5 * functional.mse_loss(a, y, reduction="sum")
    elif logits:
        total = functional.binary_cross_entropy_with_logits(output, y, reduction="sum")
    elif torch.allclose(output, torch.sigmoid(seen.z[-1]), rtol=0, atol=ROOM * _eps(output)):
        seen.mended = partial(_mended, output.detach().clone(), y)
        total = -(torch.xlogy(y, output) + torch.special.xlog1py(1 - y, -output)).sum()
    else:
        total = functional.binary_cross_entropy(output, y, reduction="sum")
    return total / len(y)


def _mended(a: Any, y: Any, gradient: Any) -> Any:
    """The gradient (a − y) / m of z, wherever rounding may have made the given one of it."""
    import torch

    right, prime, eps = (a - y) / len(y), a * (1 - a), _eps(a)
    near = (gradient - right).abs() * prime <= ROOM * eps / len(y)
    return torch.where(near | (prime <= ROOM * eps), right, gradient)


def _eps(tensor: Any) -> float:
    import torch

    return float(torch.finfo(tensor.dtype).eps)


def scalar(cost: Any, name: str) -> Any:
    """The value of a loss.

    Raises:
        SubjectError: it is no scalar tensor.
    """
    if getattr(cost, "shape", None) != ():
        of = f" of shape {tuple(cost.shape)}" if hasattr(cost, "shape") else ""
        raise SubjectError(f"{name} gives a {type(cost).__name__}{of}, expected a scalar tensor")
    return cost


def _takes_two(loss: Any) -> bool:
    try:
        return callable(loss) and inspect.signature(loss).bind(None, None) is not None
    except (TypeError, ValueError):
        return False


def _own_loss(
    loss: Callable[..., Any], out: Any, y: Any, *, logits: bool
) -> tuple[str | None, bool, str]:
    """Which cost a loss is, whatever its factor, whether it sums over the mini-batch.

    Told by its gradient: a factor that is wrong is then a mistake, not another cost. The last is
    the activation that it takes for its own, if it takes logits.
    """
    import torch

    value, gradient = _gradient(loss, out, y)
    a = torch.sigmoid(out) if logits else out
    prime = a * (1 - a)
    quadratic, cross_entropy = (prime, 1) if logits else (1, 1 / prime)
    found, output = None, ""
    for cost, factor in (("quadratic", quadratic), ("cross-entropy", cross_entropy)):
        if _is_multiple(gradient, (a - y) * factor):
            found, output = cost, SIGMOID
    if logits and found is None and _is_multiple(gradient, out - y):
        found, output = "quadratic", "linear"
    labels = torch.eye(out.shape[1], dtype=out.dtype)[: len(out)]
    if found is None:
        probabilities = torch.softmax(out, dim=1) if logits else out
        right = probabilities - labels if logits else -labels / out
        if _is_multiple(_gradient(loss, out, labels)[1], right):
            found, output = "log-likelihood", "softmax"
    twice = loss(torch.cat([out, out]), torch.cat([y, y])) / value
    return found, bool(abs(twice.item() - 2) < 1e-3), output  # noqa: PLR2004 - twice the samples


def _gradient(loss: Callable[..., Any], out: Any, y: Any) -> tuple[Any, Any]:
    """A loss, and its gradient by the output."""
    import torch

    given = out.detach().clone().requires_grad_()
    value = loss(given, y)
    return value.detach(), torch.autograd.grad(value, given)[0]


def _is_multiple(gradient: Any, right: Any) -> bool:
    """Whether a gradient is another one but for a factor."""
    import torch

    factor = (gradient * right).sum() / (right * right).sum()
    room = 1e-6 * float(gradient.abs().max())
    return bool(factor != 0 and torch.allclose(gradient, factor * right, rtol=1e-3, atol=room))
