"""Why each factor of an equation is there: the chain rule, equation by equation, in words.

A derivative is what one quantity does to another. `FACTORS` names, for each gradient, the
derivatives along one path to the cost and the part of the table that has their value; a test holds
them to differences on balls. In the sentences `{z}` is the entry at hand, `{a-1}` one of the layer
below and `{l+1}` the number of the layer above; the script puts in what they stand for. Left out:
how it is shown (`explain.js`).
"""

from dataclasses import dataclass

from conformance.corpus.case import Case
from conformance.model.formula import Tree, tree_of
from conformance.model.functions import ACTIVATIONS, COSTS
from conformance.model.row import Row


@dataclass(frozen=True)
class Factor:
    """One derivative on the way from a quantity to the cost.

    Attributes:
        top: what moves, such as `z+1`, with its layer as in `Quantity.inputs`.
        bottom: what moves it.
        value: NumPy code of the names of the row, or a name with its layer.
        words: what it measures.
    """

    top: str
    bottom: str
    value: str
    words: str


OWN = Factor(
    *("cost", "z", "delta"),
    "how much the cost moves when {z} does: the error, which is known by now",
)

SLOPE = "how much the output of the neuron moves when {z} does: the slope of {f} there"

FACTORS = {
    "BP2": (
        Factor(
            *("cost", "z+1", "delta+1"),
            "how much the cost moves when {z+1} does: the error of layer {l+1}, known by now",
        ),
        Factor("z+1", "a", "w+1", "how much {z+1} moves when {a} does: the weight between them"),
        Factor("a", "z", "prime", SLOPE),
    ),
    "BP3": (
        OWN,
        Factor("z", "b", "1", "how much {z} moves when its bias does: the bias is just added"),
    ),
    "BP4": (
        OWN,
        Factor(
            *("z", "w", "a-1"),
            "how much {z} moves when {w} does: the weight is multiplied by {a-1}",
        ),
    ),
}
"""Those of the hidden errors and of the gradients; for the output error see `factors_of`."""

PASSED_ON = {
    "sigmoid": "σ makes a number between 0 and 1 of {z}, and the neuron passes it on.",
    "tanh": "tanh makes a number between −1 and 1 of {z}, and the neuron passes it on.",
    "relu": "ReLU passes {z} on where it is above 0, and 0 elsewhere.",
    "leaky-relu": "LReLU passes {z} on where it is above 0, and a hundredth of it elsewhere.",
    "linear": "The neuron passes {z} on as it is.",
    "softmax": "softmax makes shares of all z of the layer: they are above 0 and sum to 1.",
}

SLOPES = {
    "sigmoid": "σ is steepest at z = 0, where σ′ is ¼, and flat far from it. "
    "A neuron on the flat part passes little of the error on.",
    "tanh": "tanh is steepest at z = 0, where its slope is 1, and flat far from it. "
    "A neuron on the flat part passes little of the error on.",
    "relu": "ReLU has slope 1 where z is above 0, and 0 elsewhere: there no error passes.",
    "leaky-relu": "LReLU has slope 1 where z is above 0, and a hundredth of it elsewhere: "
    "there a hundredth of the error passes.",
}

WHY = {
    "Z": "Neuron {j} of layer {l} adds up what comes in: each number of layer {l-1} times the "
    "weight of its line. Then it adds its bias, {b}.",
    "C": "The cost says in one number how far the outputs are from the targets. "
    "From here on the question is: if this quantity moves a little, how much does the cost move?",
    "BP2": "{z} reaches the cost only through {a}, and {a} reaches it ",
    "BP3": "{b} reaches the cost only through {z}, to which it is added. "
    "So its gradient is the error of the neuron itself.{mean}",
    "BP4": "{w} reaches the cost only through {z}, into which it goes times {a-1}. So its gradient "
    "is the error of the neuron that it leads to, times the number that comes through it.{mean}",
    "B": "The gradient points to where the cost grows. So the bias goes the other way, "
    "by η times the gradient.",
    "W": "The gradient points to where the cost grows. So the weight goes the other way, "
    "by η times the gradient.",
}

OUTPUT = "{z} moves {a}, and {a} moves the cost. Factors along a path are multiplied"
CANCELLED = {
    "sigmoid": f"{OUTPUT}: σ′ cancels what the cost divides by, and the difference is left.",
    "linear": f"{OUTPUT}, and the output is z itself, so the second one is 1.",
    "softmax": "{z} moves all outputs, which share a sum of 1, and each moves the cost. "
    "Added up, what is left of all paths is the difference.",
}
ONE_PATH = "along one path, through layer {l+1}. Factors along a path are multiplied."
PATHS = (
    "along %d paths, one through each neuron of layer {l+1}. "
    "Factors along a path are multiplied, and the paths are added."
)
DECAY = " With weight decay the weight is made smaller first, by the factor 1 − ηλ/n."


def why(row: Row, case: Case) -> str:
    """The sentence on an equation of a case."""
    f = case.activations[(row.layer or case.layers) - 2]
    if row.tag == "A":
        return PASSED_ON.get(f, "The neuron passes {f} of {z} on.")
    if row.tag == "BP1":
        return CANCELLED[f] if not COSTS[case.cost].sloped(f) else f"{OUTPUT}."
    more = DECAY if row.tag == "W" and case.lmbda else ""
    if row.tag == "BP2":
        above = case.sizes[row.layer or 0]
        more = ONE_PATH if above == 1 else PATHS % above
    return WHY[row.tag] + more


def why_slope(row: Row, case: Case) -> str:
    """The sentence on f′ of the layer of an error."""
    return SLOPES.get(
        case.activations[(row.layer or case.layers) - 2],
        "Where {f} is steep, much of the error passes; where it is flat, little.",
    )


def factors_of(row: Row, case: Case) -> list[tuple[Factor, Tree]]:
    """The derivatives along one path, and their values as trees; none of what has no such path."""
    found = FACTORS.get(row.tag, ())
    if row.tag == "BP1" and row.activation != ACTIVATIONS["softmax"]:
        gradient = COSTS[case.cost].gradient_code
        found = (
            Factor("cost", "a", gradient, "how much the cost moves when the output does"),
            Factor("a", "z", "prime" if row.activation.hidden else "1", SLOPE),
        )
    return [(each, tree_of(row, _placed(row, each.value))) for each in found]


def _placed(row: Row, value: str) -> str:
    """Code of names with layers, if it is a name that says its layer."""
    return row.placed((value,))[0] if value in {"delta", "delta+1", "w+1", "a-1"} else value
