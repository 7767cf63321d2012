"""Right networks in torch tensors, each written otherwise: none may be accused."""
# ruff: noqa: B905, E741, PLW2901

import torch
from torch import Tensor
from torch.nn import functional

from conformance.tests.networks import tensors
from conformance.tests.networks.tensors import DTYPE, Pairs, sigmoid, sigmoid_prime


class InPlace(tensors.Network):
    """Writes into its tensors: `out=`, views, `alpha`, `.data`."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        nabla_b = [torch.zeros_like(b) for b in self.biases]
        nabla_w = [torch.zeros_like(w) for w in self.weights]
        for x, y in mini_batch:
            for sums, parts in zip((nabla_b, nabla_w), self.backprop(x, y)):
                for total, part in zip(sums, parts):
                    total += part
        for w, nw in zip(self.weights, nabla_w):
            w.data -= eta / len(mini_batch) * nw
        for b, nb in zip(self.biases, nabla_b):
            b.view(-1).sub_(nb.flatten(), alpha=eta / len(mini_batch))

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            z = torch.empty_like(b)
            torch.mm(w, activations[-1], out=z)
            z.add_(b)
            zs.append(z.clone())
            activations.append(z.neg_().exp_().add_(1).reciprocal_())
        delta = activations[-1].sub(y).mul_(sigmoid_prime(zs[-1]))
        nabla_b, nabla_w = [delta], [torch.outer(delta.ravel(), activations[-2].ravel())]
        for l in range(2, self.num_layers):
            delta = torch.matmul(self.weights[-l + 1].mT, delta)
            delta *= sigmoid_prime(zs[-l])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, torch.einsum("jm,km->jk", delta, activations[-l - 1]))
        return nabla_b, nabla_w


class BatchedRows(tensors.Network):
    """A whole mini-batch as rows, weights as (n_{l-1}, n_l), flat biases, weights first."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [torch.randn(n, dtype=DTYPE) for n in sizes[1:]]
        self.weights = [w.t().contiguous() for w in self.weights]

    def feedforward(self, a: Tensor) -> Tensor:
        """The output for a flat input, or for rows."""
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(functional.linear(a, w.t(), b))
        return a

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        x, y = (torch.stack([each.ravel() for each in part]) for part in zip(*mini_batch))
        nabla_w, nabla_b = self.backprop(x, y)
        with torch.no_grad():
            self.weights = [w - nw * eta / len(x) for w, nw in zip(self.weights, nabla_w)]
            self.biases = [b - nb * eta / len(x) for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_w, nabla_b), summed over the rows."""
        x, y = (each.view(-1, each.shape[-1]) for each in (x, y))
        a, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(torch.addmm(b, a[-1], w))
            a.append(1 / (1 + torch.exp(-zs[-1])))
        deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
        for w, below in zip(self.weights[:0:-1], a[-2:0:-1]):
            deltas.insert(0, deltas[0] @ w.T * below * (1 - below))
        nabla_w = [below.T @ delta for below, delta in zip(a, deltas)]
        return nabla_w, [delta.sum(dim=0) for delta in deltas]


class Autograd(tensors.Network):
    """Leaves the gradient to autograd, and moves the parameters that it made, as optimizers do."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [b.requires_grad_() for b in self.biases]
        self.weights = [w.requires_grad_() for w in self.weights]
        self.held = [*self.weights, *self.biases]

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        costs = [self.cost(x, y) for x, y in mini_batch]
        torch.autograd.backward(torch.stack(costs).mean())
        with torch.no_grad():
            for each in self.held:
                if each.grad is not None:
                    each.sub_(each.grad, alpha=eta)
                each.grad = None

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        parameters = [*self.biases, *self.weights]
        nabla = torch.autograd.grad(self.cost(x, y), parameters)
        return list(nabla[: len(self.biases)]), list(nabla[len(self.biases) :])

    def cost(self, x: Tensor, y: Tensor) -> Tensor:
        """The quadratic cost of one sample."""
        return (self.feedforward(x) - y).square().sum() / 2


RIGHT = (tensors.Network, tensors.Float32, InPlace, BatchedRows, Autograd)
