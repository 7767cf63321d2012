"""The styles in which the parts of a program are put together, as lines of code.

A line may end in `#:` and the kinds of mistakes that are made in it (`parts.py`).
"""

from collections.abc import Callable

from conformance.tests.composed.columns import columns
from conformance.tests.composed.fitted import estimator, flat, views
from conformance.tests.composed.layers import LAYERS
from conformance.tests.composed.lists import lists
from conformance.tests.composed.pairs import pairs
from conformance.tests.composed.pieces import RATE, Pieces, data, indented, training
from conformance.tests.composed.recurrent import recurrent, tied
from conformance.tests.composed.shared import embedding, filters
from conformance.tests.composed.wider import closures, parameters

NAMES = ("W1", "b1", "W2", "b2")
BEGUN = {
    "W1": "rng.randn(5, 8) * 0.4",
    "b1": "np.zeros(8)",
    "W2": "rng.randn(8, 3) * 0.4",
    "b2": "np.zeros(3)",
}
GENERAL = {
    "W1": "rng.randn(n_in, n_hidden) * 0.4",
    "b1": "np.zeros(n_hidden)",
    "W2": "rng.randn(n_hidden, n_out) * 0.4",
    "b2": "np.zeros(n_out)",
}


def _forward(pieces: Pieces, p: Callable[[str], str], keep: str) -> list[str]:
    z = f"X @ {p('W1')} + {p('b1')}"
    return [
        f"{keep}z1 = {z}",
        f"{keep}a1 = {pieces.hidden[0].format(z=f'{keep}z1')}",
        f"s = {keep}a1 @ {p('W2')} + {p('b2')}",
        *pieces.output.forward,
    ]


def _backward(
    pieces: Pieces, p: Callable[[str], str], g: Callable[[str], str], keep: str, c: str
) -> list[str]:
    m = "X.shape[0]"

    def weights(name: str, product: str) -> str:
        decays = pieces.added == "gradient"
        decay = pieces.decay(c, p(name), m) if decays else ""
        return f"{g(name)} = {product}{decay}  #: weights{' decay' if decays else ''}"

    slope = pieces.hidden[1].format(a=f"{keep}a1")
    return [
        *(each.format(m=m) for each in pieces.output.delta),
        weights("W2", f"{keep}a1.T @ d"),
        f"{g('b2')} = d.sum(axis=0)  #: bias",
        f"dh = d @ {p('W2')}.T * {slope}  #: hidden",
        weights("W1", "X.T @ dh"),
        f"{g('b1')} = dh.sum(axis=0)  #: bias",
    ]


def attributes(pieces: Pieces) -> list[str]:
    """A class that holds each parameter, gradient and state under a name of its own."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss, to_gradients, to_update = pieces.handing("lam")
    update, rate = pieces.stepping()

    def p(name: str) -> str:
        return f"self.{name}"

    def g(name: str) -> str:
        return f"self.d{name}"

    for name in NAMES:
        if pieces.late and name[0] == "W":
            decay = pieces.decay(c, p(name), "self.m")
            update.append(f"{g(name)} = {g(name)}{decay}  #: decay")
        named = {"p": p(name), "g": g(name)} | {e: f"self.{e}{name}" for e in "vsh"}
        update += pieces.moves(named.__getitem__, rate, "self.t")
    begun = [f"self.{name} = {value}" for name, value in GENERAL.items()]
    kept = [f"self.{e}{n} = np.zeros_like({p(n)})" for e in pieces.optimiser.kept for n in NAMES]
    lines = [
        "class Network:",
        f"    def __init__(self, n_in, n_hidden, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        *indented([*(["self.lam = lam"] if held else []), *begun, *kept], 2),
        f"        self.rate = {pieces.optimiser.rate}",
        *indented(pieces.begun, 2),
        "",
        "    def forward(self, X):",
        *indented([*_forward(pieces, p, "self."), "return out"], 2),
        "",
        f"    def loss(self, X, Y{to_loss}):",
        "        out = self.forward(X)",
        f"        return {pieces.cost(c, (p('W1'), p('W2')), 'X.shape[0]')}",
        "",
        f"    def backward(self, X, Y{to_gradients}):",
        "        out = self.forward(X)",
        "        self.m = X.shape[0]",
        *indented(_backward(pieces, p, g, "self.", c), 2),
        "",
        f"    def update(self{to_update}):",
        *indented(update, 2),
    ]
    given = f", {RATE}"
    loop = [
        f"net.backward(X, Y{to_gradients and given})",
        f"net.update({to_update and RATE})",
        "if step % 10 == 0:",
        f"    print(step, net.loss(X, Y{to_loss and given}))",
    ]
    return [*lines, *training(pieces, data(pieces), ["net = Network(5, 8, 3)"], loop)]


def functions(pieces: Pieces) -> list[str]:
    """Functions that are handed a dict of parameters; one hands back a dict of gradients."""
    c = "lam" if pieces.handed else "LAM"
    to_loss, to_gradients, to_step = pieces.handing("lam")
    keeps = ", kept" if pieces.optimiser.kept else ""
    counts = ", t" if pieces.counts else ""
    now, rate = pieces.scheduled("rate", "t")

    def p(name: str) -> str:
        return f'params["{name}"]'

    named = {"p": "params[name]", "g": "g"} | {e: f'kept["{e}" + name]' for e in "vsh"}
    decay = pieces.decay(c, "params[name]", "m")
    moved = ["g = grads[name]"]
    if pieces.late:
        moved += ['if name[0] == "W":', f"    g = g{decay}  #: decay"]
    begun = ", ".join(f'"{name}": {value}' for name, value in GENERAL.items())
    m = ", m" if pieces.late and " / m" in decay else ""
    step = f"step(params, grads{keeps}{counts}{to_step}{m}, rate={pieces.optimiser.rate})"
    lines = [
        *([] if pieces.handed else [f"LAM = {RATE}", "", ""]),
        "def start(n_in, n_hidden, n_out):",
        "    rng = np.random.RandomState(4)",
        f"    return {{{begun}}}",
        "",
        "",
        "def forward(params, X):",
        *indented([*_forward(pieces, p, ""), "return a1, out"]),
        "",
        "",
        f"def loss(params, X, Y{to_loss}):",
        "    a1, out = forward(params, X)",
        f"    return {pieces.cost(c, (p('W1'), p('W2')), 'X.shape[0]')}",
        "",
        "",
        f"def gradients(params, X, Y{to_gradients}):",
        "    a1, out = forward(params, X)",
        "    grads = {}",
        *indented(_backward(pieces, p, lambda name: f'grads["{name}"]', "", c)),
        "    return grads",
        "",
        "",
        f"def {step}:",
        *indented(now),
        "    for name in params:",
        *indented([*moved, *pieces.moves(named.__getitem__, rate, "t")], 2),
    ]
    kept = [
        f'kept = {{letter + name: 0 * each for name, each in params.items() for letter in "{own}"}}'
        for own in [pieces.optimiser.kept]
        if own
    ]
    given = f", {RATE}"
    handed = f"params, grads{keeps}{counts and ', turn + 1'}{to_step and given}{m and ', len(X)'}"
    loop = [
        f"grads = gradients(params, X, Y{to_gradients and given})",
        f"step({handed})",
        "if turn % 10 == 0:",
        f"    print(turn, loss(params, X, Y{to_loss and given}))",
    ]
    return [
        *lines,
        *training(pieces, data(pieces), ["params = start(5, 8, 3)", *kept], loop, "turn"),
    ]


def script(pieces: Pieces) -> list[str]:
    """A script without functions."""
    c = "lam"

    def p(name: str) -> str:
        return name

    def g(name: str) -> str:
        return f"d{name}"

    moved, rate = pieces.scheduled("rate", "(step + 1)")
    for name in NAMES:
        if pieces.late and name[0] == "W":
            moved.append(f"{g(name)} = {g(name)}{pieces.decay(c, name, 'X.shape[0]')}  #: decay")
        named = {"p": name, "g": g(name)} | {e: f"{e}{name}" for e in "vsh"}
        moved += pieces.moves(named.__getitem__, rate, "(step + 1)")
    return [
        *data(pieces),
        *(f"{name} = {value}" for name, value in BEGUN.items()),
        *(f"{e}{name} = np.zeros_like({name})" for e in pieces.optimiser.kept for name in NAMES),
        f"rate, lam = {pieces.optimiser.rate}, {RATE}",
        "",
        "for step in range(40):",
        *indented(_forward(pieces, p, "")),
        f"    loss = {pieces.cost(c, ('W1', 'W2'), 'X.shape[0]')}",
        *indented([*_backward(pieces, p, g, "", c), *moved]),
        "    if step % 10 == 0:",
        "        print(step, loss)",
    ]


STYLES: dict[str, Callable[[Pieces], list[str]]] = {
    **{e.__name__: e for e in (attributes, closures, columns, embedding, estimator, filters)},
    **{e.__name__: e for e in (flat, functions, lists, pairs, parameters, recurrent)},
    **{e.__name__: e for e in (script, tied, views)},
    **LAYERS,
}
