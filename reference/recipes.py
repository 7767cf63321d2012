"""Two networks for the full MNIST: `python -m reference.recipes chapter-3 --mnist DIR`.

The first is the best of the book's chapter 3 with one hidden layer; the second has what is usual
today. Left out: fetching the data (`conformance mnist fetch DIR`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapter 3.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reference import network2
from reference.equations import RELU, SIGMOID, Activation
from reference.mnist import read_mnist
from reference.updates import ADAM, BOOK_UPDATE, Update


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        cost: a class of `network2`.
        activation: of the hidden layers.
        update: the update rule.
        epochs: how many times to go through the data.
        m: the size of a mini-batch.
        eta: the learning rate η.
        lmbda: the weight decay λ.
        sizes: of the layers.
    """

    cost: Any
    activation: Activation
    update: Update
    epochs: int
    m: int
    eta: float
    lmbda: float = 0.0
    sizes: tuple[int, ...] = (784, 100, 10)


RECIPES = {
    "chapter-3": Recipe(network2.CrossEntropyCost, SIGMOID, BOOK_UPDATE, 60, 10, 0.1, 5.0),
    "relu-adam": Recipe(network2.LogLikelihoodCost, RELU, ADAM, 12, 32, 1e-3),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a network and print how many test images it gets right."""
    parser = argparse.ArgumentParser(prog="python -m reference.recipes", description=__doc__)
    parser.add_argument("name", choices=RECIPES)
    folder = os.environ.get("MNIST_DIR")
    parser.add_argument("--mnist", metavar="DIR", type=Path, default=folder, required=not folder)
    parser.add_argument("--epochs", type=int, help="other than those of the recipe")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    recipe, mnist = RECIPES[asked.name], read_mnist(Path(asked.mnist))
    rng = np.random.default_rng(asked.seed)
    kinds = recipe.cost, rng, recipe.activation, None, recipe.update
    net = network2.Network(recipe.sizes, *kinds)
    if recipe.activation == RELU:
        net.relu_weight_initializer()
    epochs = asked.epochs or recipe.epochs
    net.SGD(mnist.training.batch(), epochs, recipe.m, recipe.eta, recipe.lmbda)
    answers = net.feedforward(mnist.test.batch().x).argmax(axis=0)
    right, count = int((answers == mnist.test.labels).sum()), len(answers)
    print(f"{right} of {count} test images are right: {right / count:.2%}")


if __name__ == "__main__":
    main()
