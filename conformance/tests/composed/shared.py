"""The styles of weights that many inputs share: rows of embeddings, and filters."""

from conformance.tests.composed.pieces import RATE, Pieces, indented, training

NAMES = ("E", "W", "b")


def embedding(pieces: Pieces) -> list[str]:
    """A class of words whose rows are taken, averaged and put into a layer."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss, to_gradients, to_update = pieces.handing("lam")
    decays = pieces.added == "gradient"
    update, rate = pieces.stepping()
    slope = pieces.hidden[1].format(a="self.a")
    for name in NAMES:
        if pieces.late and name == "W":
            update.append(f"self.dW = self.dW{pieces.decay(c, 'self.W', 'self.m')}  #: decay")
        named = {"p": f"self.{name}", "g": f"self.d{name}"} | {e: f"self.{e}{name}" for e in "vsh"}
        update += pieces.moves(named.__getitem__, rate, "self.t")
    decay = pieces.decay(c, "self.W", "len(words)") if decays else ""
    lines = [
        "class Bag:",
        f"    def __init__(self, n_words, n_hidden, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        *indented(["self.lam = lam"] if held else [], 2),
        "        self.E = rng.randn(n_words, n_hidden) * 0.4",
        "        self.W = rng.randn(n_hidden, n_out) * 0.4",
        "        self.b = np.zeros(n_out)",
        *(
            f"        self.{e}{n} = np.zeros_like(self.{n})"
            for e in pieces.optimiser.kept
            for n in NAMES
        ),
        f"        self.rate = {pieces.optimiser.rate}",
        *indented(pieces.begun, 2),
        "",
        "    def forward(self, words):",
        "        z = self.E[words].mean(axis=1)",
        f"        self.a = {pieces.hidden[0].format(z='z')}",
        "        s = self.a @ self.W + self.b",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        f"    def loss(self, words, Y{to_loss}):",
        "        out = self.forward(words)",
        f"        return {pieces.cost(c, ('self.W',), 'len(words)')}",
        "",
        f"    def backward(self, words, Y{to_gradients}):",
        "        out = self.forward(words)",
        "        self.m = len(words)",
        *indented([each.format(m="len(words)") for each in pieces.output.delta], 2),
        f"        self.dW = self.a.T @ d{decay}  #: weights{' decay' if decays else ''}",
        "        self.db = d.sum(axis=0)  #: bias",
        f"        dz = d @ self.W.T * {slope}  #: hidden",
        "        self.dE = np.zeros_like(self.E)",
        "        np.add.at(self.dE, words, dz[:, None, :] / words.shape[1])  #: rows",
        "",
        f"    def update(self{to_update}):",
        *indented(update, 2),
    ]
    given = f", {RATE}"
    loop = [
        f"net.backward(words, Y{to_gradients and given})",
        f"net.update({to_update and RATE})",
        "if step % 10 == 0:",
        f"    print(step, net.loss(words, Y{to_loss and given}))",
    ]
    targets = pieces.output.targets.replace("X[:, :3]", "words[:, :3]")
    data = [
        "rng = np.random.RandomState(9)",
        "words = rng.randint(0, 12, size=(60, 4))",
        "c = (words[:, 0] > 5).astype(int) + (words[:, 1] > 5)",
        f"Y = {targets}",
    ]
    return [*lines, *training(pieces, data, ["net = Bag(12, 8, 3)"], loop)]


def filters(pieces: Pieces) -> list[str]:
    """A class with filters that are moved over images, a mean over places, and a layer."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss, to_gradients, to_update = pieces.handing("lam")
    decays = pieces.added == "gradient"
    now, rate = pieces.stepping()
    slope = pieces.hidden[1].format(a="self.a")
    m = "len(images)"

    def p(name: str) -> str:
        return f'self.params["{name}"]'

    decay = pieces.decay(c, p("W"), m) if decays else ""
    named = {"p": "self.params[name]", "g": "g"} | {e: f"self.{e}[name]" for e in "vsh"}
    late = [
        'if name == "W":',
        f"    g = g{pieces.decay(c, 'self.params[name]', 'self.m')}  #: decay",
    ]
    lines = [
        "def patches(images, size):",
        "    n = images.shape[1] - size + 1",
        "    rows = [images[:, i : i + size, j : j + size].reshape(len(images), -1)",
        "            for i in range(n) for j in range(n)]",
        "    return np.stack(rows, axis=1)",
        "",
        "",
        "class ConvNet:",
        f"    def __init__(self, size, n_filters, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        "        self.size = size",
        "        self.params = {",
        '            "F": rng.randn(size * size, n_filters) * 0.4,',
        '            "c": np.zeros(n_filters),',
        '            "W": rng.randn(n_filters, n_out) * 0.4,',
        '            "b": np.zeros(n_out),',
        "        }",
        *indented(["self.lam = lam"] if held else [], 2),
        *(
            f"        self.{e} = {{name: np.zeros_like(p) for name, p in self.params.items()}}"
            for e in pieces.optimiser.kept
        ),
        f"        self.rate = {pieces.optimiser.rate}",
        *indented(pieces.begun, 2),
        "",
        "    def forward(self, images):",
        "        self.cols = patches(images, self.size)",
        f"        z = self.cols @ {p('F')} + {p('c')}",
        f"        self.a = {pieces.hidden[0].format(z='z')}",
        "        self.pooled = self.a.mean(axis=1)",
        f"        s = self.pooled @ {p('W')} + {p('b')}",
        *indented([*pieces.output.forward, "return out"], 2),
        "",
        f"    def loss(self, images, Y{to_loss}):",
        "        out = self.forward(images)",
        f"        return {pieces.cost(c, (p('W'),), m)}",
        "",
        f"    def gradients(self, images, Y{to_gradients}):",
        "        out = self.forward(images)",
        "        self.m = len(images)",
        *indented([each.format(m=m) for each in pieces.output.delta], 2),
        "        grads = {}",
        f'        grads["W"] = self.pooled.T @ d{decay}  #: weights{" decay" if decays else ""}',
        '        grads["b"] = d.sum(axis=0)  #: bias',
        f"        da = d @ {p('W')}.T",
        "        n = self.a.shape[1]",
        "        da = np.repeat(da[:, None, :], n, axis=1) / n  #: places",
        f"        dz = da * {slope}  #: through",
        '        grads["F"] = np.einsum("npk,npf->kf", self.cols, dz)  #: weights',
        '        grads["c"] = dz.sum(axis=(0, 1))  #: bias',
        "        return grads",
        "",
        f"    def step(self, grads{to_update}):",
        *indented(now, 2),
        "        for name, g in grads.items():",
        *indented(late if pieces.late else [], 3),
        *indented(pieces.moves(named.__getitem__, rate, "self.t"), 3),
    ]
    given = f", {RATE}"
    loop = [
        f"grads = net.gradients(images, Y{to_gradients and given})",
        f"net.step(grads{to_update and given})",
        "if turn % 10 == 0:",
        f"    print(turn, net.loss(images, Y{to_loss and given}))",
    ]
    targets = pieces.output.targets.replace("X[:, :3]", "images[:, 0, :3]")
    data = [
        "rng = np.random.RandomState(9)",
        "images = rng.randn(30, 6, 6)",
        "c = (images[:, 0, 0] > 0).astype(int) + (images[:, 2, 2] > 0)",
        f"Y = {targets}",
    ]
    return [*lines, *training(pieces, data, ["net = ConvNet(3, 4, 3)"], loop, "turn")]
