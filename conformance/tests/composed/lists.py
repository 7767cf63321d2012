"""The style of plain Python: lists of numbers, and a step for one sample after another."""

from collections.abc import Mapping

from conformance.tests.composed.pieces import RATE, Pieces, indented, training


def lists(pieces: Pieces) -> list[str]:
    """A class that loops over the neurons of two layers, and moves each weight as it goes."""
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_loss = ", lam" if pieces.handed and pieces.states else ""
    to_train = ", lam" if pieces.handed and pieces.added != "nowhere" else ""
    now, rate = pieces.stepping()
    now = [each.replace("np.", "math.") for each in now]

    def moves(weight: str, at: str) -> list[str]:
        names = {"p": f"self.{weight}{at}", "g": "g"}
        names |= {e: f"self.{e}{weight}{at}" for e in "vs"}
        return [e.replace("np.", "math.") for e in pieces.moves(names.__getitem__, rate, "self.t")]

    def decayed(weight: str) -> str:
        return pieces.decay(c, weight, "1") if pieces.added != "nowhere" else ""

    kinds = " decay" if pieces.added != "nowhere" else ""
    kept = [
        f"self.{e}{name} = {zeros}" for e in pieces.optimiser.kept for name, zeros in ZEROS.items()
    ]
    penalty = pieces.penalty[0].replace("np.sum({w} ** 2)", "sum(v * v for w in {w} for v in w)")
    adds = [f"total += {penalty.format(c=c, w=f'self.{w}')}" for w in ("w1", "w2")]
    lines = [
        "class Net:",
        f"    def __init__(self, n_in, n_hidden, n_out{f', lam={RATE}' if held else ''}):",
        "        rng = random.Random(4)",
        *indented(["self.lam = lam"] if held else [], 2),
        "        self.w1 = [[rng.gauss(0, 0.4) for _ in range(n_in)] for _ in range(n_hidden)]",
        "        self.b1 = [0.0] * n_hidden",
        "        self.w2 = [[rng.gauss(0, 0.4) for _ in range(n_hidden)] for _ in range(n_out)]",
        "        self.b2 = [0.0] * n_out",
        f"        self.rate = {pieces.optimiser.rate * SMALLER:g}",
        *indented([*kept, *pieces.begun], 2),
        "",
        "    def forward(self, x):",
        "        self.h = []",
        "        for j in range(len(self.b1)):",
        "            z = self.b1[j]",
        "            for i in range(len(x)):",
        "                z += self.w1[j][i] * x[i]",
        f"            self.h.append({pieces.hidden[0].format(z='z')})",
        "        s = []",
        "        for k in range(len(self.b2)):",
        "            z = self.b2[k]",
        "            for j in range(len(self.h)):",
        "                z += self.w2[k][j] * self.h[j]",
        "            s.append(z)",
        *indented(list(pieces.output.forward), 2),
        "        return out",
        "",
        f"    def loss(self, x, Y{to_loss}):",
        "        out = self.forward(x)",
        f"        total = {pieces.output.loss}",
        *indented(adds if pieces.states else [], 2),
        "        return total",
        "",
        f"    def train(self, x, Y{to_train}):",
        "        out = self.forward(x)",
        *indented([*pieces.output.delta, *now], 2),
        "        dh = []",
        "        for j in range(len(self.h)):",
        "            error = 0.0",
        "            for k in range(len(d)):",
        "                error += d[k] * self.w2[k][j]",
        f"            dh.append(error * {pieces.hidden[1].format(a='self.h[j]')})  #: inner",
        "        for k in range(len(d)):",
        "            for j in range(len(self.h)):",
        f"                g = d[k] * self.h[j]{decayed('self.w2[k][j]')}  #: weights{kinds}",
        *indented(moves("w2", "[k][j]"), 4),
        "            g = d[k]",
        *indented(moves("b2", "[k]"), 3),
        "        for j in range(len(dh)):",
        "            for i in range(len(x)):",
        f"                g = dh[j] * x[i]{decayed('self.w1[j][i]')}  #: weights{kinds}",
        *indented(moves("w1", "[j][i]"), 4),
        "            g = dh[j]",
        *indented(moves("b1", "[j]"), 3),
    ]
    given = f", {RATE}"
    loop = [
        "total = 0.0",
        "for x, Y in data:",
        f"    net.train(x, Y{to_train and given})",
        f"    total += net.loss(x, Y{to_loss and given})",
        "if step % 10 == 0:",
        "    print(step, total)",
    ]
    data = [
        "rng = random.Random(9)",
        "data = []",
        "for _ in range(20):",
        "    x = [rng.gauss(0, 1) for _ in range(5)]",
        "    c = int(x[0] > 0) + int(x[1] > 0)",
        f"    data.append((x, {pieces.output.targets}))",
    ]
    return [*lines, *training(pieces, data, ["net = Net(5, 8, 3)"], loop)]


SMALLER = 0.2
"""The rate of a step for one sample, as part of that for all."""

ZEROS: Mapping[str, str] = {
    "w1": "[[0.0] * n_in for _ in range(n_hidden)]",
    "b1": "[0.0] * n_hidden",
    "w2": "[[0.0] * n_hidden for _ in range(n_out)]",
    "b2": "[0.0] * n_out",
}
"""What is kept for each parameter, at the start."""
