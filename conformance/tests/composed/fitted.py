"""The styles of an estimator that trains in `fit`, and of parameters that are one vector."""

from collections.abc import Callable

from conformance.tests.composed.pieces import RATE, Pieces, data, indented, training

NAMES = ("W1", "b1", "W2", "b2")
BEGUN = ("rng.randn(k, h) * 0.4", "np.zeros(h)", "rng.randn(h, o) * 0.4", "np.zeros(o)")


def estimator(pieces: Pieces) -> list[str]:
    """A class as of scikit-learn, whose `fit` goes forward, back and moves, by mini-batches."""
    c = "self.alpha"
    decays = pieces.added == "gradient"
    now, rate = pieces.scheduled("self.lr", "t")
    m = "len(xb)"

    def weights(name: str, product: str) -> str:
        decay = pieces.decay(c, f"self.{name}_", m) if decays else ""
        return f"d{name} = {product}{decay}  #: weights{' decay' if decays else ''}"

    moved = [*(["t += 1"] if pieces.counts else []), *now]
    for name in NAMES:
        if pieces.late and name[0] == "W":
            moved.append(f"d{name} = d{name}{pieces.decay(c, f'self.{name}_', m)}  #: decay")
        named = {"p": f"self.{name}_"} | {e: f"{e}{name}" for e in "vsh"} | {"g": f"d{name}"}
        moved += pieces.moves(named.__getitem__, rate, "t")
    penalties = "self.W1_", "self.W2_"
    lines = [
        "class Classifier:",
        f"    def __init__(self, lr={pieces.optimiser.rate}, alpha={RATE}, epochs=8, batch=20):",
        "        self.lr, self.alpha, self.epochs, self.batch = lr, alpha, epochs, batch",
        "",
        "    def _hidden(self, X):",
        f"        return {pieces.hidden[0].format(z='(X @ self.W1_ + self.b1_)')}",
        "",
        "    def predict(self, X):",
        "        s = self._hidden(X) @ self.W2_ + self.b2_",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        "    def loss(self, X, Y):",
        "        out = self.predict(X)",
        f"        return {pieces.cost(c, penalties, 'len(X)')}",
        "",
        "    def fit(self, X, Y):",
        "        rng = np.random.RandomState(4)",
        "        k, h, o = X.shape[1], 8, 3",
        *indented([f"self.{n}_ = {v}" for n, v in zip(NAMES, BEGUN, strict=True)], 2),
        *indented(
            [f"{e}{n} = np.zeros_like(self.{n}_)" for e in pieces.optimiser.kept for n in NAMES],
            2,
        ),
        *indented(["t = 0"] if pieces.counts else [], 2),
        "        self.loss_curve_ = []",
        "        for epoch in range(self.epochs):",
        "            order = rng.permutation(len(X))",
        "            for start in range(0, len(X), self.batch):",
        "                rows = order[start : start + self.batch]",
        "                xb, yb = X[rows], Y[rows]",
        *indented(_steps(pieces, weights), 4),
        *indented(moved, 4),
        "            self.loss_curve_.append(self.loss(X, Y))",
        "        return self",
    ]
    loop = ["model = Classifier().fit(X, Y)", "print(model.loss_curve_)"]
    main = training(pieces, data(pieces), [], [])
    return [*lines, *([*main[:-1], *indented(loop)] if main else [])]


def _steps(pieces: Pieces, weights: Callable[[str, str], str]) -> list[str]:
    slope = pieces.hidden[1].format(a="hid")
    delta = [each.replace("Y", "yb").format(m="len(xb)") for each in pieces.output.delta]
    return [
        "hid = self._hidden(xb)",
        "s = hid @ self.W2_ + self.b2_",
        *pieces.output.forward,
        *delta,
        weights("W2", "hid.T @ d"),
        "db2 = d.sum(axis=0)  #: bias",
        f"dh = d @ self.W2_.T * {slope}  #: hidden",
        weights("W1", "xb.T @ dh"),
        "db1 = dh.sum(axis=0)  #: bias",
    ]


def flat(pieces: Pieces) -> list[str]:
    """Functions of one vector of all parameters, as an optimiser of a library takes them."""
    c = "lam" if pieces.handed else "LAM"
    to_loss, to_gradient, to_step = pieces.handing("lam")
    both = to_loss or to_gradient
    decays = pieces.added == "gradient"
    now, rate = pieces.scheduled("rate", "t")
    m = "X.shape[0]"

    def weights(name: str, product: str) -> str:
        decay = pieces.decay(c, name, m) if decays else ""
        return f"d{name} = {product}{decay}  #: weights{' decay' if decays else ''}"

    named = {"p": "theta", "g": "g", "v": "v", "s": "sq", "h": "top"}
    late = pieces.decay(c, "theta * IS_WEIGHT", "m") if pieces.late else ""
    size = ", m" if " / m" in late else ""
    keeps = "".join(f", {named[e]}" for e in pieces.optimiser.kept)
    counts = ", t" if pieces.counts else ""
    moved = [
        *now,
        *([f"g = g{late}  #: decay"] if late else []),
        *pieces.moves(named.__getitem__, rate, "t"),
        f"return theta{keeps}",
    ]
    slope = pieces.hidden[1].format(a="a1")
    mask = "np.concatenate([np.ones(40), np.zeros(8), np.ones(24), np.zeros(3)])"
    lines = [
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAM = {RATE}"]),
        *([f"IS_WEIGHT = {mask}"] if late else []),
        "",
        "",
        "def unpack(theta):",
        "    W1, b1 = theta[:40].reshape(5, 8), theta[40:48]",
        "    W2, b2 = theta[48:72].reshape(8, 3), theta[72:]",
        "    return W1, b1, W2, b2",
        "",
        "",
        f"def cost(theta, X, Y{both}):",
        "    W1, b1, W2, b2 = unpack(theta)",
        "    z1 = X @ W1 + b1",
        f"    a1 = {pieces.hidden[0].format(z='z1')}",
        "    s = a1 @ W2 + b2",
        *indented(list(pieces.output.forward)),
        f"    J = {pieces.cost(c, ('W1', 'W2'), m)}",
        *indented([each.format(m=m) for each in pieces.output.delta]),
        f"    {weights('W2', 'a1.T @ d')}",
        "    db2 = d.sum(axis=0)  #: bias",
        f"    dh = d @ W2.T * {slope}  #: hidden",
        f"    {weights('W1', 'X.T @ dh')}",
        "    db1 = dh.sum(axis=0)  #: bias",
        "    grad = np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])",
        "    return J, grad",
        "",
        "",
        f"def step(theta, g{keeps}{counts}{to_step}{size}, rate={pieces.optimiser.rate}):",
        *indented(moved),
    ]
    given = f", {RATE}"
    begin = [
        "theta = np.random.RandomState(4).randn(75) * 0.4",
        *(f"{named[e]} = np.zeros_like(theta)" for e in pieces.optimiser.kept),
    ]
    handed = f"theta, g{keeps}{counts and ', turn + 1'}{to_step and given}{size and ', len(X)'}"
    loop = [
        f"J, g = cost(theta, X, Y{both and given})",
        f"theta{keeps} = step({handed})",
        "if turn % 10 == 0:",
        "    print(turn, J)",
    ]
    return [*lines, *training(pieces, data(pieces), begin, loop, "turn")]


def views(pieces: Pieces) -> list[str]:
    """A class that holds one vector of parameters and one of gradients; the matrices are views."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss, to_gradients, _ = pieces.handing("lam")
    now, rate = pieces.stepping()
    m = "X.shape[0]"

    def weights(name: str, product: str) -> str:
        decays = pieces.added == "gradient"
        decay = pieces.decay(c, f"self.{name}", m) if decays else ""
        return f"self.d{name}[:] = {product}{decay}  #: weights{' decay' if decays else ''}"

    named = {"p": "self.theta", "g": "g"} | {e: f"self.{e}" for e in "vsh"}
    moved = [
        *now,
        "g = self.grad",
        *pieces.moves(named.__getitem__, rate, "self.t"),
    ]
    slope = pieces.hidden[1].format(a="self.a1")
    parts = "self.W1, self.b1, self.W2, self.b2"
    gradients = "self.dW1, self.db1, self.dW2, self.db2"
    lines = [
        "def split(vector, shapes):",
        "    views, start = [], 0",
        "    for shape in shapes:",
        "        size = int(np.prod(shape))",
        "        views.append(vector[start : start + size].reshape(shape))",
        "        start += size",
        "    return views",
        "",
        "",
        "class Network:",
        f"    def __init__(self, n_in, n_hidden, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        "        shapes = [(n_in, n_hidden), (n_hidden,), (n_hidden, n_out), (n_out,)]",
        "        self.theta = rng.randn(sum(int(np.prod(s)) for s in shapes)) * 0.4",
        "        self.grad = np.zeros_like(self.theta)",
        f"        {parts} = split(self.theta, shapes)",
        f"        {gradients} = split(self.grad, shapes)",
        *indented(["self.lam = lam"] if held else [], 2),
        *(f"        self.{e} = np.zeros_like(self.theta)" for e in pieces.optimiser.kept),
        f"        self.rate = {pieces.optimiser.rate}",
        *indented(pieces.begun, 2),
        "",
        "    def forward(self, X):",
        "        z1 = X @ self.W1 + self.b1",
        f"        self.a1 = {pieces.hidden[0].format(z='z1')}",
        "        s = self.a1 @ self.W2 + self.b2",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        f"    def loss(self, X, Y{to_loss}):",
        "        out = self.forward(X)",
        f"        return {pieces.cost(c, ('self.W1', 'self.W2'), m)}",
        "",
        f"    def backward(self, X, Y{to_gradients}):",
        "        out = self.forward(X)",
        "        self.m = X.shape[0]",
        *indented([each.format(m=m) for each in pieces.output.delta], 2),
        f"        {weights('W2', 'self.a1.T @ d')}",
        "        self.db2[:] = d.sum(axis=0)  #: bias",
        f"        dh = d @ self.W2.T * {slope}  #: hidden",
        f"        {weights('W1', 'X.T @ dh')}",
        "        self.db1[:] = dh.sum(axis=0)  #: bias",
        "",
        "    def update(self):",
        *indented(moved, 2),
    ]
    given = f", {RATE}"
    loop = [
        f"net.backward(X, Y{to_gradients and given})",
        "net.update()",
        "if step % 10 == 0:",
        f"    print(step, net.loss(X, Y{to_loss and given}))",
    ]
    return [*lines, *training(pieces, data(pieces), ["net = Network(5, 8, 3)"], loop)]
