"""The networks of the book's later chapters: which activations and costs go together; dropout.

Left out: the equations (`equations.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapter 3.
"""

from collections.abc import Callable
from dataclasses import replace

from reference.equations import (
    BOOK,
    SIGMOID,
    SOFTMAX,
    Activation,
    Cost,
    Equations,
    difference,
    quadratic_cost,
)
from reference.step import Array


def of_layers(
    layers: int, hidden: Activation, output: Activation, cost: Cost
) -> tuple[Equations, ...]:
    """The equations of each layer from 2 to L = `layers`.

    Raises:
        ValueError: the cost does not go with the output, or the activation with hidden layers.
    """
    if layers > 2 and hidden.prime is None:  # noqa: PLR2004 - then there are hidden layers
        raise ValueError("linear and softmax are activations of the output layer alone")
    book = BOOK.with_cost(behind(output, cost))
    return (*[with_activation(book, hidden)] * (layers - 2), with_activation(book, output))


def behind(output: Activation, cost: Cost) -> Cost:
    """A cost with the output error that it has behind an activation of the output layer.

    Raises:
        ValueError: the two do not go together.
    """
    if output == cost.output:
        return cost
    if cost.value != quadratic_cost or output == SOFTMAX:
        raise ValueError("cross-entropy goes with a sigmoid, log-likelihood with a softmax output")
    if output.prime is None:  # linear
        return Cost(cost.value, difference, output)
    prime = output.prime

    def delta(z: Array, a: Array, y: Array) -> Array:
        """δ^L = (a^L − y) ⊙ f′(z^L)"""
        return (a - y) * prime(z)  # (n_L, m)

    return Cost(cost.value, delta, output)


def with_activation(equations: Equations, f: Activation) -> Equations:
    """The same equations for a layer with another activation."""
    if f == SIGMOID:
        return equations
    if f.prime is None:
        return replace(equations, activation=f.value)
    prime = f.prime

    def hidden_error(w_above: Array, delta_above: Array, z: Array) -> Array:
        """δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ f′(z^l)"""
        return (w_above.T @ delta_above) * prime(z)  # (n_l, m)

    return replace(equations, activation=f.value, hidden_error=hidden_error)


def with_dropout(equations: Equations) -> Equations:
    """The same equations for a layer of which a mask r^l leaves neurons out.

    A neuron that is left out has 0 in the mask. The others have 1 in the book, which scales at
    test, and 1 / (1 − p) in programs that do not.
    """

    def masked(equation: Callable[..., Array]) -> Callable[..., Array]:
        def times_mask(*arguments: Array) -> Array:
            *others, mask = arguments
            return equation(*others) * mask  # (n_l, m)

        times_mask.__doc__ = f"{(equation.__doc__ or '').splitlines()[0]} ⊙ r^l"
        return times_mask

    return replace(
        equations,
        activation=masked(equations.activation),
        hidden_error=masked(equations.hidden_error),
    )
