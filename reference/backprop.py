"""One step of gradient descent: the equations in causal order.

Left out: the loop over mini-batches and epochs (`network.py`).
"""

from collections.abc import Sequence

from reference.equations import BOOK, Equations
from reference.step import Array, Batch, Parameters, Step
from reference.updates import BOOK_UPDATE, Update

Layered = Equations | Sequence[Equations]
"""The equations of all layers, or those of each layer from 2 to L."""


def feedforward(
    parameters: Parameters, x: Array, equations: Layered = BOOK
) -> tuple[list[Array], list[Array]]:
    """The weighted inputs z^2 … z^L and the activations a^1 = x, a^2 … a^L, each (n_l, m)."""
    z: list[Array] = []
    a = [x]
    each = of_layers(equations, parameters)
    for w, b, of_layer in zip(parameters.w, parameters.b, each, strict=True):
        z.append(of_layer.weighted_input(w, a[-1], b))
        a.append(of_layer.activation(z[-1]))
    return z, a


def errors(
    parameters: Parameters, z: list[Array], a: list[Array], y: Array, equations: Layered = BOOK
) -> list[Array]:
    """The errors δ^2 … δ^L, each (n_l, m), of what `feedforward` gave."""
    *hidden, output = of_layers(equations, parameters)
    delta = [output.output_error(z[-1], a[-1], y)]
    downwards = zip(reversed(parameters.w[1:]), reversed(z[:-1]), reversed(hidden), strict=True)
    for w_above, z_here, of_layer in downwards:
        delta.append(of_layer.hidden_error(w_above, delta[-1], z_here))
    return delta[::-1]


def gradients(
    delta: list[Array], a: list[Array], equations: Equations = BOOK
) -> list[tuple[Array, Array]]:
    """The pairs (∂C/∂b, ∂C/∂w) of layers 2 to L; `a` begins with a^1 = x."""
    return [
        (equations.bias_gradient(delta_here), equations.weight_gradient(delta_here, a_below))
        for delta_here, a_below in zip(delta, a[:-1], strict=True)
    ]


def step(
    parameters: Parameters,
    batch: Batch,
    eta: float,
    decay: float = 0.0,
    equations: Layered = BOOK,
    update: Update = BOOK_UPDATE,
) -> Step:
    """Everything that one step of gradient descent computes.

    Args:
        parameters: where the step starts; not changed.
        batch: the mini-batch; its own m divides, be it shorter than the others or not.
        eta: the learning rate η.
        decay: λ/n, weight decay over the size n of the whole training set.
        equations: the book's, or others; of a sequence the last has the cost and the update.
        update: another rule, of which the parameters have the state.

    Returns:
        All quantities in the arithmetic of the arguments; arrays of shapes as in `Step`.
    """
    z, a = feedforward(parameters, batch.x, equations)
    output = of_layers(equations, parameters)[-1]
    cost = output.cost(a[-1], batch.y)
    delta = errors(parameters, z, a, batch.y, equations)
    nabla = gradients(delta, a, output)
    if update is BOOK_UPDATE:
        updated = [
            (output.updated_bias(b, nabla_b, eta), output.updated_weight(w, nabla_w, eta, decay))
            for b, w, (nabla_b, nabla_w) in zip(parameters.b, parameters.w, nabla, strict=True)
        ]
        b, w = zip(*updated, strict=True)
        after = Parameters(w, b)
    else:
        after = update.moved(parameters, nabla, {"eta": eta, "decay": decay})
    nabla_b, nabla_w = zip(*nabla, strict=True)
    seen = tuple(z), tuple(a[1:]), cost, tuple(delta), nabla_b, nabla_w
    return Step(*seen, after.b, after.w, after.state)


def of_layers(equations: Layered, parameters: Parameters) -> tuple[Equations, ...]:
    """The equations of each layer from 2 to L."""
    if isinstance(equations, Equations):
        return (equations,) * len(parameters.w)
    return tuple(equations)
