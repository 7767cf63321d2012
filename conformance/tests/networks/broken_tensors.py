"""The program in torch tensors broken in one line at a time, as `broken.py` breaks the book's."""

from typing import Literal

from conformance.tests.networks.broken import Edit

_PROGRAM = "tensors.py"
_W = "self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]"
_B = "self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]"
_Z = "z = w @ activation + b"
_FEED = "a = sigmoid(torch.mm(w, a).add_(b))"
_SIGMOID = "return torch.sigmoid(z)"
_PRIME = "return sigmoid(z) * (1 - sigmoid(z))"
_BP1 = "delta = (activations[-1] - y) * sigmoid_prime(zs[-1])"
_SP = "sp = sigmoid_prime(zs[-l])"
_BP2 = "delta = (self.weights[-l + 1].t() @ delta) * sp"
_BP3 = "nabla_b[-l] = delta"
_BP4_OUTPUT = "nabla_w[-1] = delta @ activations[-2].t()"
_BP4_HIDDEN = "nabla_w[-l] = delta @ activations[-l - 1].t()"

_ADD_B = "z.add_(b)"
_SUM = "total += part"
_W_DATA = "w.data -= eta / len(mini_batch) * nw"
_B_VIEW = "b.view(-1).sub_(nb.flatten(), alpha=eta / len(mini_batch))"
_EXP = "activations.append(z.neg_().exp_().add_(1).reciprocal_())"
_SLOPE = "delta *= sigmoid_prime(zs[-l])"

_ROWS_BP2 = "deltas.insert(0, deltas[0] @ w.T * below * (1 - below))"
_ROWS_W = "self.weights = [w - nw * eta / len(x) for w, nw in zip(self.weights, nabla_w)]"

_Layer = Literal["every", "hidden", "output", "first"]


def _edit(id_: str, find: str, replace: str, tag: str, layer: _Layer, why: str) -> Edit:
    return Edit(id_, find, replace, tuple(tag.split()), layer, why, _PROGRAM)


def _other(id_: str, find: str, replace: str, tag: str, layer: _Layer, why: str) -> Edit:
    return Edit(id_, find, replace, tuple(tag.split()), layer, why, "right_tensors.py")


BROKEN = (
    _edit("z-without-bias", _Z, "z = w @ activation", "Z", "every", "the bias is forgotten"),
    _edit(
        "z-minus-bias-in-place",
        _Z,
        "z = torch.mm(w, activation).sub_(b)",
        "Z",
        "every",
        "the bias is taken for a threshold; the operation writes into its operand",
    ),
    _edit(
        "feedforward-minus-bias",
        _FEED,
        "a = sigmoid(torch.mm(w, a).sub_(b))",
        "Z A",
        "every",
        "in feedforward alone; backprop has a pass of its own and is right",
    ),
    _edit("sigmoid-sign", _SIGMOID, "return torch.sigmoid(-z)", "A", "every", "σ(−z); σ′ is even"),
    _edit(
        "x-one-minus-x-of-z",
        _PRIME,
        "return z * (1 - z)",
        "BP1 BP2",
        "every",
        "x(1 − x) is σ′ only where x is the activation",
    ),
    _edit(
        "bp1-no-sigma-prime",
        _BP1,
        "delta = activations[-1] - y",
        "BP1",
        "output",
        "σ′(z^L) is left out",
    ),
    _edit(
        "bp1-negated",
        _BP1,
        "delta = torch.sub(y, activations[-1]).mul(sigmoid_prime(zs[-1]))",
        "BP1",
        "output",
        "target minus output",
    ),
    _edit(
        "bp2-no-sigma-prime",
        _BP2,
        "delta = self.weights[-l + 1].t() @ delta",
        "BP2",
        "hidden",
        "σ′(z^l) is left out",
    ),
    _edit(
        "bp2-sigma-prime-of-a",
        _SP,
        "sp = sigmoid_prime(activations[-l])",
        "BP2",
        "hidden",
        "σ′ is taken at a",
    ),
    _edit(
        "bp3-sigma-prime-twice",
        _BP3,
        "nabla_b[-l] = delta * sp",
        "BP3",
        "hidden",
        "δ holds σ′ already",
    ),
    _edit(
        "bp4-z-for-a",
        _BP4_OUTPUT,
        "nabla_w[-1] = delta @ zs[-2].t()",
        "BP4",
        "output",
        "z of the layer below for its activation",
    ),
    _edit("weight-ascends", _W, _W.replace("w - (", "w + ("), "W", "every", "uphill"),
    _edit(
        "bias-ascends-in-place",
        _B,
        "for b, nb in zip(self.biases, nabla_b): b.add_(nb, alpha=eta / len(mini_batch))",
        "B",
        "every",
        "uphill, by torch's own way to scale; the operation writes into the bias",
    ),
    _edit(
        "weight-no-batch-mean",
        _W,
        "self.weights = [torch.sub(w, nw, alpha=eta) for w, nw in zip(self.weights, nabla_w)]",
        "W",
        "every",
        "the sum for the mean",
    ),
    _edit(
        "bias-frozen",
        _B,
        "self.biases = [b for b, nb in zip(self.biases, nabla_b)]",
        "B",
        "every",
        "b is never updated",
    ),
)
"""Edits that run on layers of any sizes, one hidden layer or more."""

SQUARE = (
    _edit(
        "bp2-no-transpose",
        _BP2,
        "delta = (self.weights[-l + 1] @ delta) * sp",
        "BP2",
        "hidden",
        "w for wᵀ",
    ),
    _edit(
        "bp2-wrong-layer",
        _BP2,
        "delta = (self.weights[-l].T @ delta) * sp",
        "BP2",
        "hidden",
        "w of the layer itself for w of the layer above",
    ),
    _edit(
        "bp4-own-activation",
        _BP4_HIDDEN,
        "nabla_w[-l] = delta @ activations[-l].T",
        "BP4",
        "hidden",
        "a^l for a^{l−1}",
    ),
)
"""Edits that run where all layers are of one size."""

IN_PLACE = (
    _other(
        "in-place-z-minus-bias", _ADD_B, "z.sub_(b)", "Z", "every", "a threshold that is subtracted"
    ),
    _other("in-place-sigmoid-sign", _EXP, _EXP.replace("neg_().", ""), "A", "every", "σ(−z)"),
    _other(
        "in-place-bp2-plus",
        _SLOPE,
        _SLOPE.replace("*=", "+="),
        "BP2",
        "hidden",
        "σ′ is added to wᵀδ",
    ),
    _other(
        "in-place-sum-negated",
        _SUM,
        "total -= part",
        "W B BP3 BP4",
        "every",
        "subtracted while summing",
    ),
    _other("in-place-weight-ascends", _W_DATA, _W_DATA.replace("-=", "+="), "W", "every", "uphill"),
    _other(
        "in-place-bias-ascends", _B_VIEW, _B_VIEW.replace("sub_", "add_"), "B", "every", "uphill"
    ),
)
"""Edits of the class InPlace, whose operations write into tensors that are there, or views."""

ROWS = (
    _other(
        "rows-bp2-no-sigma-prime",
        _ROWS_BP2,
        "deltas.insert(0, deltas[0] @ w.T)",
        "BP2",
        "hidden",
        "σ′(z^l) is left out; the sum over one row is δ once more",
    ),
    _other(
        "rows-weight-no-batch-mean",
        _ROWS_W,
        _ROWS_W.replace(" / len(x)", ""),
        "W",
        "every",
        "the sum for the mean; ∇w is stored turned, which a square one does not show",
    ),
)
"""Edits of the class BatchedRows."""
