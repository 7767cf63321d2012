"""The chapter 1 program broken in one line at a time, each as a person would break it.

Left out: mistakes that take more than one line, or data, regularisation or state that the
chapter 1 program does not have.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Edit:
    """One line of a right program, and the wrong line that a person writes in its place.

    Attributes:
        id: a short name, unique over all tables.
        find: the whole right line without its indentation; it stands in the program once.
        replace: the wrong line, without indentation.
        tags: the equations that may be blamed: one of them, or all.
        layer: where the equations in `tags` go wrong: "every" layer from the second on, "hidden"
            or "output" layers, or the "first" hidden layer, layer 2.
        why: what the person got wrong.
        program: the file of the right program, beside this one.
    """

    id: str
    find: str
    replace: str
    tags: tuple[str, ...]
    layer: Literal["every", "hidden", "output", "first"]
    why: str
    program: str = "book.py"


def broken_source(edit: Edit) -> tuple[str, int]:
    """The program with the line edited, and the number of that line, the first being 1.

    Raises:
        ValueError: the line does not stand in the program exactly once.
    """
    lines = Path(__file__).with_name(edit.program).read_text(encoding="utf-8").splitlines()
    at = [i for i, line in enumerate(lines) if line.strip() == edit.find]
    if len(at) != 1:
        raise ValueError(f"{edit.id}: {len(at)} lines of {edit.program} are {edit.find!r}")
    lines[at[0]] = lines[at[0]].replace(edit.find, edit.replace)
    return "\n".join(lines) + "\n", at[0] + 1


_Z = "z = np.dot(w, activation) + b"
_A = "activation = sigmoid(z)"
_APPEND = "activations.append(activation)"
_FEED = "a = sigmoid(np.dot(w, a) + b)"
_SIGMOID = "return 1.0 / (1.0 + np.exp(-z))"
_PRIME = "return sigmoid(z) * (1 - sigmoid(z))"
_COST = "return output_activations - y"
_BP1 = "delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])"
_LOOP = "for l in range(2, self.num_layers):"
_HIDDEN_Z = "z = zs[-l]"
_SP = "sp = sigmoid_prime(z)"
_BP2 = "delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp"
_BP3_OUTPUT = "nabla_b[-1] = delta"
_BP3_HIDDEN = "nabla_b[-l] = delta"
_BP4_OUTPUT = "nabla_w[-1] = np.dot(delta, activations[-2].transpose())"
_BP4_HIDDEN = "nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())"
_SAMPLES = "for x, y in mini_batch:"
_SUM_B = "nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]"
_SUM_W = "nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]"
_W = "self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]"
_B = "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]"
_EACH_W = " for w, nw in zip(self.weights, nabla_w)]"
_EACH_B = " for b, nb in zip(self.biases, nabla_b)]"
_RATE = "rate = eta / len(mini_batch)"

_FORWARD = (
    Edit(
        "z-without-bias",
        _Z,
        "z = np.dot(w, activation)",
        ("Z",),
        "every",
        "the bias is forgotten",
    ),
    Edit(
        "z-minus-bias",
        _Z,
        "z = np.dot(w, activation) - b",
        ("Z",),
        "every",
        "the bias is taken for a threshold that is subtracted",
    ),
    Edit(
        "a-without-sigma",
        _A,
        "activation = z",
        ("A",),
        "every",
        "σ is left out of the pass that backprop makes",
    ),
    Edit(
        "a-dropped-out",
        _A,
        "activation = sigmoid(z) * 0.9",
        ("A",),
        "every",
        "the scale of a dropout that is not there",
    ),
    Edit(
        "a-clipped",
        _A,
        "activation = np.clip(sigmoid(z), 0.3, 0.7)",
        ("A",),
        "every",
        "a guard for a logarithm that cuts too much",
    ),
    Edit(
        "z-clipped",
        _Z,
        "z = np.clip(np.dot(w, activation) + b, -0.5, 0.5)",
        ("Z",),
        "every",
        "a guard against overflow that cuts too much",
    ),
    Edit(
        "a-tanh",
        _A,
        "activation = np.tanh(z)",
        ("A",),
        "every",
        "tanh forwards, the derivative of σ backwards",
    ),
    Edit(
        "z-kept-as-a",
        _APPEND,
        "activations.append(z)",
        ("A", "BP1", "BP4"),
        "every",
        "the list that BP1 and BP4 read holds z; the forward pass itself is right",
    ),
    Edit(
        "feedforward-without-bias",
        _FEED,
        "a = sigmoid(np.dot(w, a))",
        ("Z", "A"),
        "every",
        "the bias is forgotten in feedforward; backprop has a pass of its own and is right",
    ),
    Edit(
        "feedforward-without-sigma",
        _FEED,
        "a = np.dot(w, a) + b",
        ("A",),
        "every",
        "σ is left out of feedforward; backprop has a pass of its own and is right",
    ),
    Edit(
        "sigmoid-sign",
        _SIGMOID,
        "return 1.0 / (1.0 + np.exp(z))",
        ("A",),
        "every",
        "σ(−z) for σ(z); σ′ is even, so it stays right",
    ),
    Edit(
        "sigmoid-precedence",
        _SIGMOID,
        "return 1.0 / 1.0 + np.exp(-z)",
        ("A", "BP1", "BP2"),
        "every",
        "a pair of parentheses is missing; σ′ is made of σ and goes wrong with it",
    ),
)

_SIGMA_PRIME = (
    Edit(
        "x-one-minus-x-of-z",
        _PRIME,
        "return z * (1 - z)",
        ("BP1", "BP2"),
        "every",
        "x(1 − x) is σ′ only where x is the activation",
    ),
    Edit(
        "sigma-prime-plus",
        _PRIME,
        "return sigmoid(z) * (1 + sigmoid(z))",
        ("BP1", "BP2"),
        "every",
        "a sign in σ′",
    ),
    Edit(
        "sigma-prime-mixed",
        _PRIME,
        "return sigmoid(z) * (1 - z)",
        ("BP1", "BP2"),
        "every",
        "σ is left out of the second factor of σ′",
    ),
    Edit(
        "sigma-prime-precedence",
        _PRIME,
        "return sigmoid(z) * 1 - sigmoid(z)",
        ("BP1", "BP2"),
        "every",
        "missing parentheses make σ′ zero, so every δ and ∇ is zero",
    ),
)

_OUTPUT_ERROR = (
    Edit(
        "bp1-no-sigma-prime",
        _BP1,
        "delta = self.cost_derivative(activations[-1], y)",
        ("BP1",),
        "output",
        "σ′(z^L) is left out; right for the cross-entropy, which this program does not have",
    ),
    Edit(
        "bp1-sigma-prime-of-a",
        _BP1,
        "delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(activations[-1])",
        ("BP1",),
        "output",
        "σ′ is taken at a",
    ),
    Edit(
        "bp1-sigma-for-sigma-prime",
        _BP1,
        "delta = self.cost_derivative(activations[-1], y) * sigmoid(zs[-1])",
        ("BP1",),
        "output",
        "σ for σ′",
    ),
    Edit(
        "bp1-cost-of-z",
        _BP1,
        "delta = self.cost_derivative(zs[-1], y) * sigmoid_prime(zs[-1])",
        ("BP1",),
        "output",
        "the target is compared with z^L",
    ),
    Edit(
        "delta-negated",
        _COST,
        "return y - output_activations",
        ("BP1",),
        "output",
        "target minus output",
    ),
    Edit(
        "cost-without-half",
        _COST,
        "return 2 * (output_activations - y)",
        ("BP1",),
        "output",
        "the derivative of the squared distance without its half",
    ),
    Edit(
        "mean-over-outputs",
        _COST,
        "return (output_activations - y) / len(y)",
        ("BP1",),
        "output",
        "divided by the number of outputs, as a framework's mean does",
    ),
)

_HIDDEN_ERROR = (
    Edit(
        "bp2-no-sigma-prime",
        _BP2,
        "delta = np.dot(self.weights[-l + 1].transpose(), delta)",
        ("BP2",),
        "hidden",
        "σ′(z^l) is left out",
    ),
    Edit(
        "bp2-sigma-prime-of-a",
        _SP,
        "sp = sigmoid_prime(activations[-l])",
        ("BP2",),
        "hidden",
        "σ′ is taken at a",
    ),
    Edit(
        "bp2-sigma-for-sigma-prime",
        _SP,
        "sp = sigmoid(z)",
        ("BP2",),
        "hidden",
        "σ for σ′",
    ),
    Edit(
        "bp2-z-is-a",
        _HIDDEN_Z,
        "z = activations[-l]",
        ("BP2",),
        "hidden",
        "z is read from the list of activations",
    ),
    Edit(
        "bp2-plus",
        _BP2,
        "delta = np.dot(self.weights[-l + 1].transpose(), delta) + sp",
        ("BP2",),
        "hidden",
        "σ′ is added",
    ),
    Edit(
        "bp2-stops-early",
        _LOOP,
        "for l in range(2, self.num_layers - 1):",
        ("BP2",),
        "first",
        "the loop never reaches layer 2, whose δ and ∇ stay zero",
    ),
)

_GRADIENTS = (
    Edit(
        "bp3-summed-over-all-output",
        _BP3_OUTPUT,
        "nabla_b[-1] = np.sum(delta)",
        ("BP3",),
        "output",
        "one number for all neurons of the layer",
    ),
    Edit(
        "bp3-summed-over-all-hidden",
        _BP3_HIDDEN,
        "nabla_b[-l] = np.sum(delta)",
        ("BP3",),
        "hidden",
        "one number for all neurons of the layer",
    ),
    Edit(
        "bp3-sigma-prime-twice",
        _BP3_HIDDEN,
        "nabla_b[-l] = delta * sp",
        ("BP3",),
        "hidden",
        "δ holds σ′ already",
    ),
    Edit(
        "bp4-no-delta",
        _BP4_OUTPUT,
        "nabla_w[-1] = activations[-2].transpose()",
        ("BP4",),
        "output",
        "the activation alone: one row, which broadcasts",
    ),
    Edit(
        "bp4-z-for-a",
        _BP4_OUTPUT,
        "nabla_w[-1] = np.dot(delta, zs[-2].transpose())",
        ("BP4",),
        "output",
        "z of the layer below for its activation",
    ),
    Edit(
        "bp4-sigma-prime-for-delta",
        _BP4_HIDDEN,
        "nabla_w[-l] = np.dot(sp, activations[-l - 1].transpose())",
        ("BP4",),
        "hidden",
        "σ′ for δ",
    ),
    Edit(
        "bp4-sigma-prime-twice",
        _BP4_HIDDEN,
        "nabla_w[-l] = np.dot(delta * sp, activations[-l - 1].transpose())",
        ("BP4",),
        "hidden",
        "δ holds σ′ already",
    ),
    Edit(
        "last-sample-skipped",
        _SAMPLES,
        "for x, y in mini_batch[:-1]:",
        ("BP3", "BP4"),
        "every",
        "the sums end one sample early",
    ),
    Edit(
        "last-sample-only-b",
        _SUM_B,
        "nabla_b = [dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]",
        ("BP3",),
        "every",
        "each sample replaces the sum",
    ),
    Edit(
        "last-sample-only-w",
        _SUM_W,
        "nabla_w = [dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]",
        ("BP4",),
        "every",
        "each sample replaces the sum",
    ),
    Edit(
        "sum-negated-b",
        _SUM_B,
        "nabla_b = [nb - dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]",
        ("BP3", "B"),
        "every",
        "subtracted while summing and again in the update: b goes uphill",
    ),
)

_UPDATES = (
    Edit(
        "weight-ascends",
        _W,
        "self.weights = [w + (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "uphill",
    ),
    Edit(
        "bias-ascends",
        _B,
        "self.biases = [b + (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]",
        ("B",),
        "every",
        "uphill",
    ),
    Edit(
        "weight-not-assigned",
        _W,
        "weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "the result goes to a name that nobody reads",
    ),
    Edit(
        "bias-not-assigned",
        _B,
        "biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]",
        ("B",),
        "every",
        "the result goes to a name that nobody reads",
    ),
    Edit(
        "bias-frozen",
        _B,
        "self.biases = [b for b, nb in zip(self.biases, nabla_b)]",
        ("B",),
        "every",
        "b is never updated",
    ),
    Edit(
        "bias-moves-with-itself",
        _B,
        "self.biases = [b - (eta / len(mini_batch)) * b for b, nb in zip(self.biases, nabla_b)]",
        ("B",),
        "every",
        "b for ∇b",
    ),
    Edit(
        "weight-moves-with-itself",
        _W,
        "self.weights = [w - (eta / len(mini_batch)) * w for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "w for ∇w",
    ),
    Edit(
        "bias-moves-with-nabla-w",
        _B,
        "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_w)]",
        ("B",),
        "every",
        "∇w for ∇b, copied from the line above; b is broadcast to the shape of w",
    ),
    Edit(
        "weight-no-batch-mean",
        _W,
        "self.weights = [w - eta * nw for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "the sum for the mean",
    ),
    Edit(
        "bias-no-batch-mean",
        _B,
        "self.biases = [b - eta * nb for b, nb in zip(self.biases, nabla_b)]",
        ("B",),
        "every",
        "the sum for the mean",
    ),
    Edit(
        "weight-divided-twice",
        _W,
        "self.weights = [w - eta / len(mini_batch) ** 2 * nw" + _EACH_W,
        ("W",),
        "every",
        "by m²",
    ),
    Edit(
        "bias-divided-twice",
        _B,
        "self.biases = [b - eta / len(mini_batch) ** 2 * nb" + _EACH_B,
        ("B",),
        "every",
        "by m²",
    ),
    Edit(
        "weight-integer-eta",
        _W,
        "self.weights = [w - (eta // len(mini_batch)) * nw" + _EACH_W,
        ("W",),
        "every",
        "η/m rounded down, which is 0 for η below m; hidden where m divides η",
    ),
    Edit(
        "bias-integer-eta",
        _B,
        "self.biases = [b - (eta // len(mini_batch)) * nb" + _EACH_B,
        ("B",),
        "every",
        "η/m rounded down, which is 0 for η below m; hidden where m divides η",
    ),
    Edit(
        "weight-nominal-size",
        _W,
        "self.weights = [w - (eta / 10) * nw for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "the usual length of a mini-batch, not its own; hidden where m = 10",
    ),
    Edit(
        "weight-without-eta",
        _W,
        "self.weights = [w - nw / len(mini_batch) for w, nw in zip(self.weights, nabla_w)]",
        ("W",),
        "every",
        "η is forgotten; hidden where η = 1",
    ),
)

BROKEN: tuple[Edit, ...] = (
    *_FORWARD,
    *_SIGMA_PRIME,
    *_OUTPUT_ERROR,
    *_HIDDEN_ERROR,
    *_GRADIENTS,
    *_UPDATES,
)
"""Edits that run on layers of any sizes, one hidden layer or more."""

CRASHING: tuple[Edit, ...] = (
    Edit(
        "z-of-input",
        _Z,
        "z = np.dot(w, x) + b",
        ("Z",),
        "every",
        "each layer reads the input; layer 2 rightly does",
    ),
    Edit(
        "bp2-no-transpose",
        _BP2,
        "delta = np.dot(self.weights[-l + 1], delta) * sp",
        ("BP2",),
        "hidden",
        "w for wᵀ",
    ),
    Edit(
        "bp2-layer-below",
        _BP2,
        "delta = np.dot(self.weights[-l].transpose(), delta) * sp",
        ("BP2",),
        "hidden",
        "w of the layer itself for w of the layer above",
    ),
    Edit(
        "bp2-layer-above",
        _BP2,
        "delta = np.dot(self.weights[-l + 2].transpose(), delta) * sp",
        ("BP2",),
        "hidden",
        "w of two layers above; at first the index wraps round to w of layer 2",
    ),
    Edit(
        "bp2-without-w",
        _BP2,
        "delta = delta * sp",
        ("BP2",),
        "hidden",
        "δ is handed down without its weights",
    ),
    Edit(
        "bp2-z-of-layer-above",
        _HIDDEN_Z,
        "z = zs[-l + 1]",
        ("BP2",),
        "hidden",
        "σ′ of the layer above",
    ),
    Edit(
        "bp4-own-activation-output",
        _BP4_OUTPUT,
        "nabla_w[-1] = np.dot(delta, activations[-1].transpose())",
        ("BP4",),
        "output",
        "a^L for a^{L−1}",
    ),
    Edit(
        "bp4-own-activation-hidden",
        _BP4_HIDDEN,
        "nabla_w[-l] = np.dot(delta, activations[-l].transpose())",
        ("BP4",),
        "hidden",
        "a^l for a^{l−1}",
    ),
    Edit(
        "bp4-transposed-output",
        _BP4_OUTPUT,
        "nabla_w[-1] = np.dot(activations[-2], delta.transpose())",
        ("BP4",),
        "output",
        "a δᵀ for δ aᵀ",
    ),
    Edit(
        "bp4-transposed-hidden",
        _BP4_HIDDEN,
        "nabla_w[-l] = np.dot(activations[-l - 1], delta.transpose())",
        ("BP4",),
        "hidden",
        "a δᵀ for δ aᵀ",
    ),
)
"""Edits that run where all layers are of one size, and crash on most others."""

ONE_RATE: tuple[Edit, ...] = (
    Edit(
        "no-batch-mean",
        _RATE,
        "rate = eta",
        ("W", "B"),
        "every",
        "the sum for the mean",
        "named_rate.py",
    ),
    Edit(
        "divided-twice",
        _RATE,
        "rate = eta / len(mini_batch) ** 2",
        ("W", "B"),
        "every",
        "by m²",
        "named_rate.py",
    ),
    Edit(
        "integer-eta",
        _RATE,
        "rate = eta // len(mini_batch)",
        ("W", "B"),
        "every",
        "η/m rounded down, which is 0 for η below m; hidden where m divides η",
        "named_rate.py",
    ),
    Edit(
        "ascends",
        _RATE,
        "rate = -eta / len(mini_batch)",
        ("W", "B"),
        "every",
        "uphill",
        "named_rate.py",
    ),
)
"""Edits of weights and biases alike: of a scalar, in a program where one line holds η/m."""
