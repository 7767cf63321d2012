"""The chapter 1 program in torch tensors, without autograd: one sample at a time.

Imports nothing of the project, and keeps the book's names. Each line that `broken_tensors.py`
edits stands in this file once.
"""
# ruff: noqa: B905, E741, RUF007
# The book's habits: bare zip and a loop over l.

import torch
from torch import Tensor

Pairs = list[tuple[Tensor, Tensor]]
DTYPE = torch.float64


class Network:
    """A sigmoid network with the quadratic cost, trained by stochastic gradient descent."""

    def __init__(self, sizes: list[int]) -> None:
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [torch.randn(y, 1, dtype=DTYPE) for y in sizes[1:]]
        self.weights = [torch.randn(y, x, dtype=DTYPE) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a: Tensor) -> Tensor:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(torch.mm(w, a).add_(b))
        return a

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        nabla_b = [torch.zeros_like(b) for b in self.biases]
        nabla_w = [torch.zeros_like(w) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b = [torch.zeros_like(b) for b in self.biases]
        nabla_w = [torch.zeros_like(w) for w in self.weights]
        # forwards
        activation = x
        activations = [x]  # of all layers, the input being the first
        zs = []  # of all layers but the input
        for b, w in zip(self.biases, self.weights):
            z = w @ activation + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        # backwards
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = delta @ activations[-2].t()
        # l counts from the end: 1 is the output, 2 the layer before it
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = (self.weights[-l + 1].t() @ delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = delta @ activations[-l - 1].t()
        return nabla_b, nabla_w


class Float32(Network):
    """The same in single precision."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [b.float() for b in self.biases]
        self.weights = [w.float() for w in self.weights]


def sigmoid(z: Tensor) -> Tensor:
    """The logistic function."""
    return torch.sigmoid(z)


def sigmoid_prime(z: Tensor) -> Tensor:
    """Its derivative."""
    return sigmoid(z) * (1 - sigmoid(z))
