"""The styles of frameworks: layers as objects, a model of them, an optimiser of its own."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from conformance.tests.composed.pieces import RATE, Pieces, data, indented, training

LETTERS = {"v": "velocities", "s": "squares", "h": "highest"}


class Holder(NamedTuple):
    """Where a layer keeps its parameters and gradients, and how an optimiser reaches them.

    Attributes:
        parameter: of a layer, by its name and its place.
        gradient: of it.
        begin: lines of a layer that keeps such, by their names and first values.
        slots: an expression for all parameters of `layers`, each by what names it.
        value: the parameter that `e` and `n` name.
        taken: a line that takes `p` and `g` by `each` and `name`.
        weighs: whether these name weights.
        empty: lines of a layer that has no parameters.
    """

    parameter: str
    gradient: str
    begin: Callable[[dict[str, str]], list[str]]
    slots: str
    value: str
    taken: str
    weighs: str
    empty: tuple[str, ...] = ()


HOLDERS = {
    "layers": Holder(
        "self.{name}",
        "self.d{name}",
        lambda named: [f"self.{name} = {value}" for name, value in named.items()],
        '[(e, n) for e in layers for n in ("W", "b", "gamma", "beta") if hasattr(e, n)]',
        "getattr(e, n)",
        'p, g = getattr(each, name), getattr(each, "d" + name)',
        'name == "W"',
    ),
    "layers of dicts": Holder(
        'self.params["{name}"]',
        'self.grads["{name}"]',
        lambda named: [
            "self.params = {" + ", ".join(f'"{n}": {v}' for n, v in named.items()) + "}",
            "self.grads = {}",
        ],
        "[(e, n) for e in layers for n in e.params]",
        "e.params[n]",
        "p, g = each.params[name], each.grads[name]",
        'name == "W"',
        ("self.params, self.grads = {}, {}",),
    ),
    "layers of lists": Holder(
        "self.params[{place}]",
        "self.grads[{place}]",
        lambda named: [
            f"self.params = [{', '.join(named.values())}]",
            "self.grads = [np.zeros_like(each) for each in self.params]",
        ],
        "[(e, n) for e in layers for n in range(len(e.params))]",
        "e.params[n]",
        "p, g = each.params[name], each.grads[name]",
        "isinstance(each, Dense) and name == 0",
        ("self.params, self.grads = [], []",),
    ),
}


def _layers(holder: Holder, pieces: Pieces) -> list[str]:
    def p(name: str) -> str:
        return holder.parameter.format(name=name, place=int(name in ("b", "beta")))

    def g(name: str) -> str:
        return holder.gradient.format(name=name, place=int(name in ("b", "beta")))

    c = "self.lam" if pieces.handed else "LAM"
    to_layer = ", lam" if pieces.handed and pieces.added != "nowhere" else ""
    to_step = "m" if pieces.late and " / m" in pieces.decay(c, "p", "m") else ""
    given = f", {RATE}" if to_layer else ""
    axes = "axis=1, keepdims=True" if pieces.between == "layer norm" else "axis=0"
    product = f"self.xhat * np.mean(dx * self.xhat, {axes})"
    dense = {"W": "rng.randn(n_in, n_out) * 0.4", "b": "np.zeros(n_out)"}
    decays = pieces.added == "gradient"
    decay = pieces.decay(c, p("W"), "len(dout)") if decays else ""
    hold = ["self.lam = lam"] if to_layer else []
    norm = [
        "",
        "",
        "class Norm:",
        "    def __init__(self, n):",
        *indented(holder.begin({"gamma": "np.ones(n)", "beta": "np.zeros(n)"}), 2),
        "",
        "    def forward(self, x):",
        f"        self.inv = 1 / np.sqrt(x.var({axes}) + 1e-5)",
        f"        self.xhat = (x - x.mean({axes})) * self.inv",
        f"        return {p('gamma')} * self.xhat + {p('beta')}",
        "",
        "    def backward(self, dout):",
        f"        {g('gamma')} = np.sum(dout * self.xhat, axis=0)",
        f"        {g('beta')} = dout.sum(axis=0)  #: bias",
        f"        dx = dout * {p('gamma')}",
        f"        return self.inv * (dx - dx.mean({axes}) - {product})  #: means",
    ]
    dropout = [
        "",
        "",
        "class Dropout:",
        "    def __init__(self, keep=0.8):",
        "        self.keep, self.training = keep, True",
        *indented([*holder.empty], 2),
        "        self.rng = np.random.RandomState(3)",
        "",
        "    def forward(self, x):",
        "        if not self.training:",
        "            return x",
        "        self.mask = (self.rng.rand(*x.shape) < self.keep) / self.keep",
        "        return x * self.mask",
        "",
        "    def backward(self, dout):",
        "        return dout * self.mask  #: through",
    ]
    between = {"dropout": dropout, "nothing": []}.get(pieces.between, norm)
    put = {"nothing": ["Activation()"], "dropout": ["Activation()", "Dropout()"]}.get(
        pieces.between, ["Norm(n_hidden)", "Activation()"]
    )
    kept = [
        f"        self.{LETTERS[e]} = [np.zeros_like({holder.value}) for e, n in self.slots]"
        for e in pieces.optimiser.kept
    ]
    names = {"p": "p", "g": "g"} | {k: f"self.{v}[i]" for k, v in LETTERS.items()}
    now, rate = pieces.stepping()
    late = [f"if {holder.weighs}:", f"    g = g{pieces.decay(c, 'p', 'm')}  #: decay"]
    held = [each.replace("self.", "self.layers[{at}].", 1) for each in (p("W"),)]
    weights = (held[0].format(at=0), held[0].format(at=-1))
    lam = to_layer if pieces.added == "gradient" else ""
    to_model = ", lam" if lam or (to_layer and pieces.states) else ""
    to_optimiser = to_layer if pieces.late else ""
    size = "X.shape[0]"
    lines = [
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAM = {RATE}", "", ""]),
        "class Dense:",
        f"    def __init__(self, n_in, n_out, rng{lam}):",
        *indented([*holder.begin(dense), *(hold if lam else [])], 2),
        "",
        "    def forward(self, x):",
        "        self.x = x",
        f"        return x @ {p('W')} + {p('b')}",
        "",
        "    def backward(self, dout):",
        f"        {g('W')} = self.x.T @ dout{decay}  #: weights{' decay' if decays else ''}",
        f"        {g('b')} = dout.sum(axis=0)  #: bias",
        f"        return dout @ {p('W')}.T",
        "",
        "",
        "class Activation:",
        *(["    def __init__(self):", *indented([*holder.empty, ""], 2)] if holder.empty else []),
        "    def forward(self, x):",
        f"        self.y = {pieces.hidden[0].format(z='x')}",
        "        return self.y",
        "",
        "    def backward(self, dout):",
        f"        return dout * {pieces.hidden[1].format(a='self.y')}  #: through",
        *between,
        "",
        "",
        "class Model:",
        f"    def __init__(self, n_in, n_hidden, n_out{to_model}):",
        "        rng = np.random.RandomState(4)",
        *indented(hold if to_model else [], 2),
        "        self.layers = [",
        f"            Dense(n_in, n_hidden, rng{lam}),",
        *(f"            {each}," for each in put),
        f"            Dense(n_hidden, n_out, rng{lam}),",
        "        ]",
        "",
        "    def forward(self, X):",
        "        s = X",
        "        for layer in self.layers:",
        "            s = layer.forward(s)",
        *indented(list(pieces.output.forward), 2),
        "        return out",
        "",
        "    def loss(self, X, Y):",
        "        out = self.forward(X)",
        f"        return {pieces.cost(c, weights, size)}",
        "",
        "    def backward(self, X, Y):",
        "        out = self.forward(X)",
        *indented([each.format(m=size) for each in pieces.output.delta], 2),
        "        for layer in reversed(self.layers):",
        "            d = layer.backward(d)",
        "",
        "",
        "class Optimizer:",
        f"    def __init__(self, layers{to_optimiser}, rate={pieces.optimiser.rate}):",
        f"        self.slots = {holder.slots}",
        "        self.rate = rate",
        *indented(hold if to_optimiser else [], 2),
        *kept,
        *indented(pieces.begun, 2),
        "",
        f"    def step(self{', m' if to_step else ''}):",
        *indented(now, 2),
        "        for i, (each, name) in enumerate(self.slots):",
        f"            {holder.taken}",
        *indented(late if pieces.late else [], 3),
        *indented(pieces.moves(names.__getitem__, rate, "self.t"), 3),
    ]
    begin = [
        f"model = Model(5, 8, 3{given if to_model else ''})",
        f"opt = Optimizer(model.layers{given if to_optimiser else ''})",
    ]
    loop = [
        "model.backward(X, Y)",
        f"opt.step({'len(X)' if to_step else ''})",
        "if step % 10 == 0:",
        "    print(step, model.loss(X, Y))",
    ]
    return [*lines, *training(pieces, data(pieces), begin, loop)]


LAYERS: dict[str, Callable[[Pieces], list[str]]] = {
    name: partial(_layers, holder) for name, holder in HOLDERS.items()
}
