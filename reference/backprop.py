"""One step of gradient descent: the equations in causal order.

Left out: the loop over mini-batches and epochs (`network.py`).
"""

from collections.abc import Sequence

from reference.equations import BOOK, Equations
from reference.step import Array, Batch, Parameters, Step
from reference.updates import BOOK_UPDATE, Update

Layered = Equations | Sequence[Equations]
"""The equations of all layers, or those of each layer from 2 to L."""

Masks = Sequence[Array | float]
"""The masks of the hidden layers; none if there is no dropout."""


def feedforward(
    parameters: Parameters, x: Array, equations: Layered = BOOK, masks: Masks = ()
) -> tuple[list[Array], list[Array]]:
    """The weighted inputs z^2 … z^L and the activations a^1 = x, a^2 … a^L, each (n_l, m).

    Args:
        parameters: of the network.
        x: (n_1, m).
        equations: with `families.with_dropout` in the hidden layers if there are masks.
        masks: r^2 … r^{L−1}, each (n_l, m), or a number for all neurons of a layer.
    """
    z: list[Array] = []
    a = [x]
    each = of_layers(equations, parameters)
    for i, (w, b, of_layer) in enumerate(zip(parameters.w, parameters.b, each, strict=True)):
        z.append(of_layer.weighted_input(w, a[-1], b))
        a.append(of_layer.activation(z[-1], *masks[i : i + 1]))
    return z, a


def errors(
    parameters: Parameters,
    z: list[Array],
    a: list[Array],
    y: Array,
    equations: Layered = BOOK,
    masks: Masks = (),
) -> list[Array]:
    """The errors δ^2 … δ^L, each (n_l, m), of what `feedforward` gave."""
    *hidden, output = of_layers(equations, parameters)
    delta = [output.output_error(z[-1], a[-1], y)]
    for i, of_layer in reversed([*enumerate(hidden)]):
        w_above, mask = parameters.w[i + 1], masks[i : i + 1]
        delta.append(of_layer.hidden_error(w_above, delta[-1], z[i], *mask))
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
    z, a = feedforward(parameters, batch.x, equations, batch.masks)
    output = of_layers(equations, parameters)[-1]
    cost = output.cost(a[-1], batch.y)
    delta = errors(parameters, z, a, batch.y, equations, batch.masks)
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
