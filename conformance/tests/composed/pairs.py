"""The style of a class that goes back one sample at a time, and is handed pairs."""

from conformance.tests.composed.pieces import RATE, Pieces, indented, training


def pairs(pieces: Pieces) -> list[str]:
    """A class with lists of weights and biases that goes back one sample at a time, as a column.

    Its mini-batches are lists of pairs.
    """
    held = not pieces.handed
    c = "self.lam" if held else "lam"
    to_cost = ", lam" if pieces.handed and pieces.states else ""
    to_update = ", lam" if pieces.handed and pieces.added != "nowhere" else ""
    now, rate = pieces.stepping("eta")
    named = {"p": "self.biases[k]", "g": "grad"} | {e: f"self.{e}b[k]" for e in "vsh"}
    of_weights = {"p": "self.weights[k]", "g": "grad"} | {e: f"self.{e}w[k]" for e in "vsh"}
    decays = pieces.added != "nowhere"
    decay = pieces.decay(c, "self.weights[k]", "n") if decays else ""
    sized = ", n" if "/ n" in decay else ""
    kept = [
        f"self.{e}{n} = [np.zeros_like(each) for each in self.{of}]"
        for e in pieces.optimiser.kept
        for n, of in (("w", "weights"), ("b", "biases"))
    ]
    penalty = pieces.penalty[0].format(c=c, w="w", m="len(data)")
    adds = ["for w in self.weights:", f"    total += {penalty}"]
    z, slope = "w @ acts[-1] + b", pieces.hidden[1].format(a="acts[-k]")
    lines = [
        "class Network:",
        f"    def __init__(self, sizes{f', lam={RATE}' if held else ''}):",
        "        rng = np.random.RandomState(4)",
        "        pairs = list(zip(sizes[:-1], sizes[1:]))",
        "        self.weights = [rng.randn(y, x) * 0.4 for x, y in pairs]",
        "        self.biases = [np.zeros((y, 1)) for y in sizes[1:]]",
        *indented([*(["self.lam = lam"] if held else []), *kept], 2),
        *indented(pieces.begun, 2),
        "",
        "    def activations(self, x):",
        "        acts = [x]",
        "        for w, b in zip(self.weights[:-1], self.biases[:-1]):",
        f"            z = {z}",
        f"            acts.append({pieces.hidden[0].format(z='z')})",
        "        s = self.weights[-1] @ acts[-1] + self.biases[-1]",
        *indented(list(pieces.output.forward), 2),
        "        return acts + [out]",
        "",
        "    def backprop(self, x, Y):",
        "        acts = self.activations(x)",
        "        out = acts[-1]",
        "        nabla_b = [np.zeros(b.shape) for b in self.biases]",
        "        nabla_w = [np.zeros(w.shape) for w in self.weights]",
        *indented(list(pieces.output.delta), 2),
        "        nabla_b[-1] = d",
        "        nabla_w[-1] = d @ acts[-2].T  #: weights",
        "        for k in range(2, len(self.biases) + 1):",
        f"            d = self.weights[-k + 1].T @ d * {slope}  #: back",
        "            nabla_b[-k] = d",
        "            nabla_w[-k] = d @ acts[-k - 1].T  #: weights",
        "        return nabla_b, nabla_w",
        "",
        f"    def update_mini_batch(self, batch, eta{to_update}{sized}):",
        "        nabla_b = [np.zeros(b.shape) for b in self.biases]",
        "        nabla_w = [np.zeros(w.shape) for w in self.weights]",
        "        for x, y in batch:",
        "            delta_b, delta_w = self.backprop(x, y)",
        "            nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]  #: adds",
        "            nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]  #: adds",
        *indented(now, 2),
        "        for k in range(len(self.weights)):",
        f"            grad = nabla_w[k] / len(batch){decay}{'  #: decay' if decays else ''}",
        *indented(pieces.moves(of_weights.__getitem__, rate, "self.t"), 3),
        "            grad = nabla_b[k] / len(batch)  #: counted",
        *indented(pieces.moves(named.__getitem__, rate, "self.t"), 3),
        "",
        f"    def total_cost(self, data{to_cost}):",
        "        total = 0.0",
        "        for x, Y in data:",
        "            out = self.activations(x)[-1]",
        f"            total += {pieces.output.loss} / len(data)",
        *indented(adds if pieces.states else [], 2),
        "        return total",
    ]
    given = f", {RATE}"
    handed = f"data[:20], {pieces.optimiser.rate}{to_update and given}{sized and ', 60'}"
    loop = [
        f"net.update_mini_batch({handed})",
        "if step % 10 == 0:",
        f"    print(step, net.total_cost(data{to_cost and given}))",
    ]
    data = [
        "rng = np.random.RandomState(9)",
        "data = []",
        "for _ in range(60):",
        "    x = rng.randn(5, 1)",
        "    c = int(x[0, 0] > 0) + int(x[1, 0] > 0)",
        f"    data.append((x, {pieces.output.targets}))",
    ]
    return [*lines, *training(pieces, data, ["net = Network([5, 8, 3])"], loop)]
