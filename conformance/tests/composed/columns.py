"""The style of functions over layers, whose samples are columns: `A`, `Z`, caches and `dA`."""

from conformance.tests.composed.pieces import RATE, Pieces, indented, training


def columns(pieces: Pieces) -> list[str]:
    """Functions that go through layers by number, with parameters and gradients in dicts."""
    c = "lambd" if pieces.handed else "LAMBD"
    to_cost, to_backward, to_step = pieces.handing("lambd")
    keeps = ", kept" if pieces.optimiser.kept else ""
    counts = ", t" if pieces.counts else ""
    now, rate = pieces.scheduled("learning_rate", "t")
    weight = 'parameters[f"W{l}"]'
    decays = pieces.added == "gradient"
    decay = pieces.decay(c, weight, "m") if decays else ""
    late = pieces.decay(c, "parameters[name]", "m") if pieces.late else ""
    m = ", m" if " / m" in late else ""
    taken = f"parameters, grads{keeps}{counts}{to_step}{m}"
    kinds = " decay" if decays else ""
    slope = pieces.hidden[1].format(a="A_prev")
    adds = [
        "for l in range(1, len(parameters) // 2 + 1):",
        f"    cost += {pieces.penalty[0].format(c=c, w=weight, m='m')}",
    ]
    named = {
        "p": "parameters[name]",
        "g": "g",
        "v": 'kept["v" + name]',
        "s": 'kept["s" + name]',
        "h": 'kept["h" + name]',
    }
    moved = ['g = grads["d" + name]']
    if pieces.late:
        moved += ['if name[0] == "W":', f"    g = g{late}  #: decay"]
    lines = [
        *([] if pieces.handed or pieces.added == "nowhere" else [f"LAMBD = {RATE}", "", ""]),
        "def initialize_parameters(layer_dims):",
        "    rng = np.random.RandomState(4)",
        "    parameters = {}",
        "    for l in range(1, len(layer_dims)):",
        f"        {weight} = rng.randn(layer_dims[l], layer_dims[l - 1]) * 0.4",
        '        parameters[f"b{l}"] = np.zeros((layer_dims[l], 1))',
        "    return parameters",
        "",
        "",
        "def forward_propagation(X, parameters):",
        "    L = len(parameters) // 2",
        "    A, caches = X, []",
        "    for l in range(1, L):",
        f'        Z = np.dot({weight}, A) + parameters[f"b{{l}}"]',
        f"        A_next = {pieces.hidden[0].format(z='Z')}",
        "        caches.append((A, A_next))",
        "        A = A_next",
        '    s = np.dot(parameters[f"W{L}"], A) + parameters[f"b{L}"]',
        *indented(list(pieces.output.forward)),
        "    caches.append((A, out))",
        "    return out, caches",
        "",
        "",
        f"def compute_cost(out, Y, parameters{to_cost}):",
        "    m = out.shape[1]",
        f"    cost = {pieces.output.loss.format(m='m')}",
        *indented(adds if pieces.states else []),
        "    return cost",
        "",
        "",
        f"def backward_propagation(out, Y, caches, parameters{to_backward}):",
        "    grads, L, m = {}, len(caches), out.shape[1]",
        *indented([each.format(m="m") for each in pieces.output.delta]),
        "    for l in range(L, 0, -1):",
        "        A_prev = caches[l - 1][0]",
        f'        grads[f"dW{{l}}"] = np.dot(d, A_prev.T){decay}  #: weights{kinds}',
        '        grads[f"db{l}"] = np.sum(d, axis=1, keepdims=True)  #: bias',
        "        if l > 1:",
        f"            d = np.dot({weight}.T, d) * {slope}  #: backwards",
        "    return grads",
        "",
        "",
        f"def update_parameters({taken}, learning_rate={pieces.optimiser.rate}):",
        *indented(now),
        "    for name in parameters:",
        *indented([*moved, *pieces.moves(named.__getitem__, rate, "t")], 2),
        "    return parameters",
    ]
    kept = [
        "kept = {letter + name: np.zeros_like(each) for name, each in parameters.items() "
        f'for letter in "{own}"}}'
        for own in [pieces.optimiser.kept]
        if own
    ]
    given = f", {RATE}"
    handed = f"parameters, grads{keeps}{counts and ', i + 1'}{to_step and given}"
    handed += m and ", X.shape[1]"
    loop = [
        "out, caches = forward_propagation(X, parameters)",
        f"cost = compute_cost(out, Y, parameters{to_cost and given})",
        f"grads = backward_propagation(out, Y, caches, parameters{to_backward and given})",
        f"parameters = update_parameters({handed})",
        "if i % 10 == 0:",
        "    print(i, cost)",
    ]
    data = [
        "rng = np.random.RandomState(9)",
        "X = rng.randn(5, 60)",
        "c = (X[0] > 0).astype(int) + (X[1] > 0)",
        f"Y = {pieces.output.targets}",
    ]
    begin = ["parameters = initialize_parameters([5, 8, 3])", *kept]
    return [*lines, *training(pieces, data, begin, loop, "i")]
