"""The styles of a recurrent network over steps in time, and of an autoencoder with tied weights."""

from conformance.tests.composed.pieces import RATE, Pieces, indented, training

NAMES = ("Wx", "Wh", "bh", "Wy", "by")
BEGUN = (
    "rng.randn(n_in, n_hidden) * 0.4",
    "rng.randn(n_hidden, n_hidden) * 0.3",
    "np.zeros(n_hidden)",
    "rng.randn(n_hidden, n_out) * 0.4",
    "np.zeros(n_out)",
)


def recurrent(pieces: Pieces) -> list[str]:
    """A class with dicts that goes through sequences step by step, and back; it has one output."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss, to_gradients, to_update = pieces.handing("lam")
    now, rate = pieces.stepping()
    m = "X.shape[0]"

    def p(name: str) -> str:
        return f'self.p["{name}"]'

    def weights(name: str) -> list[str]:
        decays = pieces.added == "gradient"
        return [f'g["{name}"] += {pieces.decay(c, p(name), m)[3:]}  #: term'] if decays else []

    named = {"p": "self.p[name]", "g": "d"} | {e: f"self.{e}[name]" for e in "vsh"}
    late = [
        'if name[0] == "W":',
        f"    d = d{pieces.decay(c, 'self.p[name]', 'self.m')}  #: decay",
    ]
    begun = ", ".join(f'"{n}": {v}' for n, v in zip(NAMES, BEGUN, strict=True))
    slope = pieces.hidden[1].format(a="self.hs[t + 1]")
    penalised = tuple(p(name) for name in NAMES if name[0] == "W")
    lines = [
        "class RNN:",
        f"    def __init__(self, n_in, n_hidden, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        f"        self.p = {{{begun}}}",
        *indented(["self.lam = lam"] if held else [], 2),
        *(
            f"        self.{e} = {{name: np.zeros_like(each) for name, each in self.p.items()}}"
            for e in pieces.optimiser.kept
        ),
        f"        self.rate = {pieces.optimiser.rate}",
        *indented(pieces.begun, 2),
        "",
        "    def forward(self, X):",
        f"        self.hs = [np.zeros(({m}, self.p['bh'].size))]",
        "        for t in range(X.shape[1]):",
        f"            z = X[:, t] @ {p('Wx')} + self.hs[-1] @ {p('Wh')} + {p('bh')}",
        f"            self.hs.append({pieces.hidden[0].format(z='z')})",
        f"        s = self.hs[-1] @ {p('Wy')} + {p('by')}",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        f"    def loss(self, X, Y{to_loss}):",
        "        out = self.forward(X)",
        f"        return {pieces.cost(c, penalised, m)}",
        "",
        f"    def backward(self, X, Y{to_gradients}):",
        "        out = self.forward(X)",
        "        self.m = X.shape[0]",
        *indented([each.format(m=m) for each in pieces.output.delta], 2),
        "        g = {name: np.zeros_like(each) for name, each in self.p.items()}",
        '        g["Wy"] = self.hs[-1].T @ d',
        '        g["by"] = d.sum(axis=0)  #: bias',
        f"        dh = d @ {p('Wy')}.T",
        "        for t in reversed(range(X.shape[1])):",
        f"            dz = dh * {slope}  #: through",
        '            g["Wx"] += X[:, t].T @ dz  #: grows',
        '            g["Wh"] += self.hs[t].T @ dz  #: grows before',
        '            g["bh"] += dz.sum(axis=0)  #: bias grows',
        f"            dh = dz @ {p('Wh')}.T  #: transposed",
        *indented([each for name in NAMES if name[0] == "W" for each in weights(name)], 2),
        "        return g",
        "",
        f"    def update(self, grads{to_update}):",
        *indented(now, 2),
        "        for name in self.p:",
        "            d = grads[name]",
        *indented(late if pieces.late else [], 3),
        *indented(pieces.moves(named.__getitem__, rate, "self.t"), 3),
    ]
    given = f", {RATE}"
    loop = [
        f"grads = net.backward(X, Y{to_gradients and given})",
        f"net.update(grads{to_update and given})",
        "if step % 10 == 0:",
        f"    print(step, net.loss(X, Y{to_loss and given}))",
    ]
    targets = pieces.output.targets.replace("X[:, :3]", "X[:, -1, :3]")
    data = [
        "rng = np.random.RandomState(9)",
        "X = rng.randn(30, 4, 5)",
        "c = (X[:, 0, 0] > 0).astype(int) + (X[:, -1, 1] > 0)",
        f"Y = {targets}",
    ]
    return [*lines, *training(pieces, data, ["net = RNN(5, 8, 3)"], loop)]


def tied(pieces: Pieces) -> list[str]:
    """Functions of an autoencoder whose decoder is its encoder transposed."""
    c = "lam" if pieces.handed else "LAM"
    to_loss, to_gradients, to_step = pieces.handing("lam")
    keeps = ", kept" if pieces.optimiser.kept else ""
    counts = ", t" if pieces.counts else ""
    now, rate = pieces.scheduled("rate", "t")
    m = "len(X)"
    decays = pieces.added == "gradient"
    decay = pieces.decay(c, "W", m) if decays else ""
    named = {"p": "p", "g": "g"} | {e: f"kept['{e}'][i]" for e in "vsh"}
    late = ["if i == 0:", f"    g = g{pieces.decay(c, 'p', 'm')}  #: decay"]
    size = ", m" if pieces.late and " / m" in late[1] else ""
    slope = pieces.hidden[1].format(a="h")
    lines = [
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAM = {RATE}", "", ""]),
        "def start(n_visible, n_hidden):",
        "    rng = np.random.RandomState(4)",
        "    W = rng.randn(n_visible, n_hidden) * 0.4",
        "    return [W, np.zeros(n_hidden), np.zeros(n_visible)]",
        "",
        "",
        "def encode(params, X):",
        "    W, b, c = params",
        f"    return {pieces.hidden[0].format(z='(X @ W + b)')}",
        "",
        "",
        f"def loss(params, X{to_loss}):",
        "    W, b, c = params",
        "    out = encode(params, X) @ W.T + c",
        f"    return {pieces.cost(c, ('W',), m).replace('Y', 'X')}",
        "",
        "",
        f"def gradients(params, X{to_gradients}):",
        "    W, b, c = params",
        "    h = encode(params, X)",
        "    out = h @ W.T + c",
        "    d = 2 * (out - X) / out.size",
        f"    dh = d @ W * {slope}  #: inside",
        f"    dW = X.T @ dh + d.T @ h{decay}  #: both{' decay' if decays else ''}",
        "    return [dW, dh.sum(axis=0), d.sum(axis=0)]",
        "",
        "",
        f"def step(params, grads{keeps}{counts}{to_step}{size}, rate={pieces.optimiser.rate}):",
        *indented(now),
        "    for i in range(3):",
        "        p, g = params[i], grads[i]",
        *indented(late if pieces.late else [], 2),
        *indented(pieces.moves(named.__getitem__, rate, "t"), 2),
        "        params[i] = p",
    ]
    given = f", {RATE}"
    handed = (
        f"params, grads{keeps}{counts and ', turn + 1'}{to_step and given}{size and ', len(X)'}"
    )
    zeros = "{e: [0 * each for each in params] for e in "
    loop = [
        f"grads = gradients(params, X{to_gradients and given})",
        f"step({handed})",
        "if turn % 10 == 0:",
        f"    print(turn, loss(params, X{to_loss and given}))",
    ]
    begin = [
        "params = start(6, 4)",
        *([f'kept = {zeros}"{pieces.optimiser.kept}"}}'] if pieces.optimiser.kept else []),
    ]
    data = ["rng = np.random.RandomState(9)", "X = rng.randn(40, 6)"]
    return [*lines, *training(pieces, data, begin, loop, "turn")]
