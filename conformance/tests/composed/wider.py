"""The styles of parameters that are objects, and of layers that are closures."""

from conformance.tests.composed.pieces import RATE, Pieces, data, indented, training


def parameters(pieces: Pieces) -> list[str]:
    """Objects that hold a value and its gradient, layers of them, and an optimiser of a list."""
    c = "self.lam" if pieces.handed else "LAM"
    lam = ", lam" if pieces.handed and pieces.states else ""
    decays = pieces.added == "gradient"
    in_layer = lam if decays else ""
    to_step = ", lam" if pieces.handed and pieces.late else ""
    given = f", {RATE}"
    decay = pieces.decay(c, "self.weight.data", "len(self.x)") if decays else ""
    now, rate = pieces.stepping()
    named = {"p": "p.data", "g": "p.grad"} | {e: f"p.{e}" for e in "vsh"}
    late = [
        "if p.data.ndim == 2:",
        f"    p.grad = p.grad{pieces.decay(c, 'p.data', 'm')}  #: decay",
    ]
    size = "m" if pieces.late and " / m" in late[1] else ""
    penalised = "self.layers[0].weight.data", "self.layers[-1].weight.data"
    lines = [
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAM = {RATE}", "", ""]),
        "class Parameter:",
        "    def __init__(self, data):",
        "        self.data = data",
        "        self.grad = np.zeros_like(data)",
        *(f"        self.{e} = np.zeros_like(data)" for e in pieces.optimiser.kept),
        "",
        "",
        "class Linear:",
        f"    def __init__(self, n_in, n_out, rng{in_layer}):",
        "        self.weight = Parameter(rng.randn(n_in, n_out) * 0.4)",
        "        self.bias = Parameter(np.zeros(n_out))",
        *indented(["self.lam = lam"] if in_layer else [], 2),
        "",
        "    def __call__(self, x):",
        "        self.x = x",
        "        return x @ self.weight.data + self.bias.data",
        "",
        "    def backward(self, grad):",
        f"        self.weight.grad += self.x.T @ grad{decay}{'  #: decay' if decays else ''}",
        "        self.bias.grad += grad.sum(axis=0)  #: bias",
        "        return grad @ self.weight.data.T",
        "",
        "    def parameters(self):",
        "        return [self.weight, self.bias]",
        "",
        "",
        "class Hidden:",
        "    def __call__(self, x):",
        f"        self.y = {pieces.hidden[0].format(z='x')}",
        "        return self.y",
        "",
        "    def backward(self, grad):",
        f"        return grad * {pieces.hidden[1].format(a='self.y')}  #: through",
        "",
        "    def parameters(self):",
        "        return []",
        "",
        "",
        "class Network:",
        f"    def __init__(self, n_in, n_hidden, n_out{lam}):",
        "        rng = np.random.RandomState(4)",
        f"        first = Linear(n_in, n_hidden, rng{in_layer})",
        f"        last = Linear(n_hidden, n_out, rng{in_layer})",
        "        self.layers = [first, Hidden(), last]",
        *indented(["self.lam = lam"] if lam else [], 2),
        "",
        "    def parameters(self):",
        "        return [p for layer in self.layers for p in layer.parameters()]",
        "",
        "    def __call__(self, X):",
        "        s = X",
        "        for layer in self.layers:",
        "            s = layer(s)",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        "    def loss(self, X, Y):",
        "        out = self(X)",
        f"        return {pieces.cost(c, penalised, 'len(X)')}",
        "",
        "    def backward(self, X, Y):",
        "        out = self(X)",
        *indented([each.format(m="len(X)") for each in pieces.output.delta], 2),
        "        for layer in self.layers[::-1]:",
        "            d = layer.backward(d)",
        "",
        "",
        "class Optimizer:",
        f"    def __init__(self, params{to_step}, rate={pieces.optimiser.rate}):",
        "        self.params, self.rate = params, rate",
        *indented(["self.lam = lam"] if to_step else [], 2),
        *indented(pieces.begun, 2),
        "",
        "    def zero_grad(self):",
        "        for p in self.params:",
        "            p.grad = np.zeros_like(p.data)",
        "",
        f"    def step(self{size and ', m'}):",
        *indented(now, 2),
        "        for p in self.params:",
        *indented(late if pieces.late else [], 3),
        *indented(pieces.moves(named.__getitem__, rate, "self.t"), 3),
    ]
    begin = [
        f"net = Network(5, 8, 3{lam and given})",
        f"opt = Optimizer(net.parameters(){to_step and given})",
    ]
    loop = [
        "opt.zero_grad()",
        "net.backward(X, Y)",
        f"opt.step({size and 'len(X)'})",
        "if step % 10 == 0:",
        "    print(step, net.loss(X, Y))",
    ]
    return [*lines, *training(pieces, data(pieces), begin, loop)]


def closures(pieces: Pieces) -> list[str]:
    """Functions that go forward and hand back what goes backward."""
    c = "lam" if pieces.handed else "LAM"
    to_loss, to_gradients, to_step = pieces.handing("lam")
    both = to_loss or to_gradients
    decays = pieces.added == "gradient"
    keeps = ", kept" if pieces.optimiser.kept else ""
    counts = ", t" if pieces.counts else ""
    now, rate = pieces.scheduled("rate", "t")
    named = {"p": "p", "g": "g"} | {e: f"kept[i].{e}" for e in "vsh"}
    late = ["if p.ndim > 1:", f"    g = g{pieces.decay(c, 'p', 'm')}  #: decay"]
    size = ", m" if pieces.late and " / m" in late[1] else ""
    added = [
        f"g[{i}] = g[{i}]{pieces.decay(c, f'params[{i}]', 'len(X)')}  #: decay" for i in (0, 2)
    ]
    lines = [
        *(["from types import SimpleNamespace", ""] if keeps else []),
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAM = {RATE}"]),
        "",
        "",
        "def start(n_in, n_hidden, n_out):",
        "    rng = np.random.RandomState(4)",
        "    first = [rng.randn(n_in, n_hidden) * 0.4, np.zeros(n_hidden)]",
        "    return first + [rng.randn(n_hidden, n_out) * 0.4, np.zeros(n_out)]",
        "",
        "",
        "def dense(x, W, b):",
        "    def back(d):",
        "        return d @ W.T, x.T @ d, d.sum(axis=0)  #: bias",
        "",
        "    return x @ W + b, back",
        "",
        "",
        "def activation(z):",
        f"    a = {pieces.hidden[0].format(z='z')}",
        "",
        "    def back(d):",
        f"        return d * {pieces.hidden[1].format(a='a')}  #: through",
        "",
        "    return a, back",
        "",
        "",
        f"def loss_and_gradients(params, X, Y{both}):",
        "    z, first = dense(X, params[0], params[1])",
        "    a, middle = activation(z)",
        "    s, last = dense(a, params[2], params[3])",
        *indented([*pieces.output.forward]),
        f"    value = {pieces.cost(c, ('params[0]', 'params[2]'), 'len(X)')}",
        *indented([each.format(m="len(X)") for each in pieces.output.delta]),
        "    d, dW2, db2 = last(d)",
        "    _, dW1, db1 = first(middle(d))",
        "    g = [dW1, db1, dW2, db2]",
        *indented(added if decays else []),
        "    return value, g",
        "",
        "",
        f"def step(params, grads{keeps}{counts}{to_step}{size}, rate={pieces.optimiser.rate}):",
        *indented(now),
        "    for i, (p, g) in enumerate(zip(params, grads)):",
        *indented(late if pieces.late else [], 2),
        *indented(pieces.moves(named.__getitem__, rate, "t"), 2),
    ]
    given = f", {RATE}"
    zeros = ", ".join(f"{e}=0 * each" for e in pieces.optimiser.kept)
    handed = (
        f"params, grads{keeps}{counts and ', turn + 1'}{to_step and given}{size and ', len(X)'}"
    )
    begin = [
        "params = start(5, 8, 3)",
        *([f"kept = [SimpleNamespace({zeros}) for each in params]"] if keeps else []),
    ]
    loop = [
        f"value, grads = loss_and_gradients(params, X, Y{both and given})",
        f"step({handed})",
        "if turn % 10 == 0:",
        "    print(turn, value)",
    ]
    return [*lines, *training(pieces, data(pieces), begin, loop, "turn")]
