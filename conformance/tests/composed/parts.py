"""The parts of which programs are composed, as pieces of code.

`{m}` is the number of samples; of an optimiser `{p}` is a parameter, `{g}` its gradient, `{t}` the
number of the step, `{lr}` the rate, and `{v}`, `{s}` what is kept for it. A line may end in `#:`
and the kind of mistakes that are made in it.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

HIDDEN = {
    "tanh": ("np.tanh({z})", "(1 - {a} ** 2)"),
    "relu": ("np.maximum({z}, 0)", "({a} > 0)"),
    "leaky": ("np.where({z} > 0, {z}, 0.1 * {z})", "np.where({a} > 0, 1.0, 0.1)"),
    "softplus": ("np.log1p(np.exp({z}))", "(1 - np.exp(-{a}))"),
    "elu": ("np.where({z} > 0, {z}, np.exp({z}) - 1)", "np.where({a} > 0, 1.0, {a} + 1)"),
    "sigmoid": ("1 / (1 + np.exp(-({z})))", "{a} * (1 - {a})"),
    "softsign": ("{z} / (1 + np.abs({z}))", "(1 - np.abs({a})) ** 2"),
    "capped": ("np.clip({z}, 0, 2)", "(({a} > 0) & ({a} < 2))"),
    "arctan": ("np.arctan({z})", "np.cos({a}) ** 2"),
    "scaled": ("1.7159 * np.tanh(2 / 3 * {z})", "2 / 3 * (1.7159 - {a} ** 2 / 1.7159)"),
}
"""What a hidden neuron gives, and its slope by that."""

PENALTIES = {
    "half": ("0.5 * {c} * np.sum({w} ** 2)", "{c} * {w}"),
    "whole": ("{c} * np.sum({w} ** 2)", "2 * {c} * {w}"),
    "mean": ("{c} / (2 * {m}) * np.sum(np.square({w}))", "{c} / {m} * {w}"),
    "L1": ("{c} * np.abs({w}).sum()", "{c} * np.sign({w})"),
}
"""The penalty of a matrix with the rate `{c}`, and its derivative."""

ADDED = ("gradient", "update", "update alone", "nowhere")
"""Where the derivative of a penalty is added; `update alone`: the loss has none."""


BETWEEN = ("nothing", "batch norm", "layer norm", "dropout")
"""What stands beside a hidden layer: norms before its activation, dropout after it."""

SCHEDULES = {
    "constant": "",
    "inverse": "{lr} / (1 + 0.05 * {t})",
    "halved": "{lr} * 0.5 ** ({t} // 10)",
    "cosine": "0.5 * {lr} * (1 + np.cos(np.pi * {t} / 50))",
    "warm up": "{lr} * min(1.0, {t} / 5)",
}
"""The rate of a step, by its number from 1."""


class Output(NamedTuple):
    """An output and its loss, as lines.

    Attributes:
        forward: of what the last layer computes, `s`, and `out`, the output.
        loss: of the output and the targets `Y`.
        delta: of both, the derivative of the loss by `s`.
        targets: of the classes `c` and the inputs `X`.
    """

    forward: tuple[str, ...]
    loss: str
    delta: tuple[str, ...]
    targets: str


SHARES = (
    "e = np.exp(s - s.max(axis=1, keepdims=True))",
    "out = e / e.sum(axis=1, keepdims=True)",
)
SQUASHED = ("out = 1 / (1 + np.exp(-s))",)
OUTPUTS = {
    "softmax": Output(
        SHARES,
        "-np.sum(Y * np.log(out)) / {m}",
        ("d = (out - Y) / {m}  #: delta",),
        "np.eye(3)[c]",
    ),
    "labels": Output(
        SHARES,
        "-np.log(out[np.arange({m}), Y]).mean()",
        ("d = out.copy()", "d[np.arange({m}), Y] -= 1  #: labels", "d /= {m}"),
        "c",
    ),
    "squares": Output(
        SQUASHED,
        "0.5 * np.sum((out - Y) ** 2) / {m}",
        ("d = (out - Y) * out * (1 - out) / {m}  #: delta slope",),
        "np.eye(3)[c]",
    ),
    "entropy": Output(
        SQUASHED,
        "-np.sum(Y * np.log(out) + (1 - Y) * np.log(1 - out)) / {m}",
        ("d = (out - Y) / {m}  #: delta",),
        "np.eye(3)[c]",
    ),
    "linear": Output(
        ("out = s",),
        "np.mean((out - Y) ** 2)",
        ("d = 2 * (out - Y) / out.size  #: delta",),
        "np.sin(X[:, :3])",
    ),
    "huber": Output(
        ("out = s",),
        "np.sum(np.where(np.abs(out - Y) < 1, (out - Y) ** 2 / 2, np.abs(out - Y) - 0.5)) / {m}",
        ("d = np.clip(out - Y, -1, 1) / {m}  #: column bounded",),
        "2 * np.sin(X[:, :3])",
    ),
    "hinge": Output(
        ("out = s",),
        "np.sum(np.maximum(0, 1 - Y * out)) / {m}",
        ("d = -Y * (Y * out < 1) / {m}  #: margin",),
        "2 * np.eye(3)[c] - 1",
    ),
    "smoothed": Output(
        SHARES,
        "-np.sum((0.9 * Y + 0.1 / 3) * np.log(out)) / {m}",
        ("d = (out - 0.9 * Y - 0.1 / 3) / {m}  #: smooth",),
        "np.eye(3)[c]",
    ),
    "weighted": Output(
        SHARES,
        "-np.sum(Y * np.log(out) * [1.0, 2.0, 0.5]) / {m}",
        (
            "each = np.sum(Y * [1.0, 2.0, 0.5], axis=1, keepdims=True)",
            "d = each * (out - Y) / {m}  #: delta unequal",
        ),
        "np.eye(3)[c]",
    ),
    "logits": Output(
        ("out = s",),
        "np.mean(np.maximum(out, 0) - out * Y + np.log1p(np.exp(-np.abs(out))))",
        ("d = (1 / (1 + np.exp(-out)) - Y) / out.size  #: plain",),
        "np.eye(3)[c]",
    ),
    "absolute": Output(
        ("out = s",),
        "np.abs(out - Y).sum() / {m}",
        ("d = np.sign(out - Y) / {m}  #: column",),
        "np.sin(X[:, :3])",
    ),
    "counts": Output(
        ("out = np.exp(s)",),
        "np.sum(out - Y * np.log(out)) / {m}",
        ("d = (out - Y) / {m}  #: delta",),
        "rng.poisson(np.exp(X[:, :3] / 2))",
    ),
    "hyperbolic": Output(
        ("out = s",),
        "np.log(np.cosh(out - Y)).mean()",
        ("d = np.tanh(out - Y) / out.size  #: column",),
        "np.sin(X[:, :3])",
    ),
}


OF_ONE = {
    "softmax": Output(
        ("e = np.exp(s - np.max(s))", "out = e / np.sum(e)"),
        "-np.sum(Y * np.log(out))",
        ("d = out - Y  #: column",),
        "np.eye(3)[c][:, None]",
    ),
    "labels": Output(
        ("e = np.exp(s - np.max(s))", "out = e / np.sum(e)"),
        "-np.log(out[Y, 0])",
        ("d = out.copy()", "d[Y] -= 1  #: labels"),
        "c",
    ),
    "squares": Output(
        SQUASHED,
        "0.5 * np.sum((out - Y) ** 2)",
        ("d = (out - Y) * out * (1 - out)  #: delta slope",),
        "np.eye(3)[c][:, None]",
    ),
    "entropy": Output(
        SQUASHED,
        "-np.sum(Y * np.log(out) + (1 - Y) * np.log(1 - out))",
        ("d = out - Y  #: column",),
        "np.eye(3)[c][:, None]",
    ),
    "linear": Output(
        ("out = s",),
        "np.sum((out - Y) ** 2)",
        ("d = 2 * (out - Y)  #: delta",),
        "np.sin(x[:3])",
    ),
}
"""The same for one sample, a column; targets are of its class `c`, and its inputs `x`."""


IN_COLUMNS = {
    "softmax": Output(
        ("e = np.exp(s - np.max(s, axis=0, keepdims=True))", "out = e / np.sum(e, axis=0)"),
        "-np.sum(Y * np.log(out)) / {m}",
        ("d = (out - Y) / {m}  #: delta",),
        "np.eye(3)[:, c]",
    ),
    "labels": Output(
        ("e = np.exp(s - np.max(s, axis=0, keepdims=True))", "out = e / np.sum(e, axis=0)"),
        "-np.log(out[Y, np.arange({m})]).mean()",
        ("d = out.copy()", "d[Y, np.arange({m})] -= 1  #: labels", "d /= {m}"),
        "c",
    ),
    "squares": OUTPUTS["squares"]._replace(targets="np.eye(3)[:, c]"),
    "entropy": OUTPUTS["entropy"]._replace(targets="np.eye(3)[:, c]"),
    "linear": OUTPUTS["linear"]._replace(targets="np.sin(X[:3])"),
}
"""The same for samples that are columns."""


ON_NUMBERS = {
    "tanh": ("math.tanh({z})", "(1 - {a} ** 2)"),
    "relu": ("max({z}, 0.0)", "(1.0 if {a} > 0 else 0.0)"),
    "leaky": ("{z} if {z} > 0 else 0.1 * {z}", "(1.0 if {a} > 0 else 0.1)"),
    "softplus": ("math.log(1 + math.exp({z}))", "(1 - math.exp(-{a}))"),
    "elu": ("{z} if {z} > 0 else math.exp({z}) - 1", "(1.0 if {a} > 0 else {a} + 1)"),
    "sigmoid": ("1 / (1 + math.exp(-{z}))", "{a} * (1 - {a})"),
}
"""As `HIDDEN`, of a number."""

SHARES_OF_NUMBERS = (
    "e = [math.exp(v - max(s)) for v in s]",
    "out = [v / sum(e) for v in e]",
)
SQUASHED_NUMBERS = ("out = [1 / (1 + math.exp(-v)) for v in s]",)
IN_LISTS = {
    "softmax": Output(
        SHARES_OF_NUMBERS,
        "-sum(t * math.log(o) for o, t in zip(out, Y))",
        ("d = [o - t for o, t in zip(out, Y)]  #: number",),
        "[float(k == c) for k in range(3)]",
    ),
    "labels": Output(
        SHARES_OF_NUMBERS,
        "-math.log(out[Y])",
        ("d = [out[k] - (1.0 if k == Y else 0.0) for k in range(len(out))]",),
        "c",
    ),
    "squares": Output(
        SQUASHED_NUMBERS,
        "0.5 * sum((o - t) ** 2 for o, t in zip(out, Y))",
        ("d = [(o - t) * o * (1 - o) for o, t in zip(out, Y)]  #: squashed",),
        "[float(k == c) for k in range(3)]",
    ),
    "entropy": Output(
        SQUASHED_NUMBERS,
        "-sum(t * math.log(o) + (1 - t) * math.log(1 - o) for o, t in zip(out, Y))",
        ("d = [o - t for o, t in zip(out, Y)]  #: number",),
        "[float(k == c) for k in range(3)]",
    ),
    "linear": Output(
        ("out = s",),
        "sum((o - t) ** 2 for o, t in zip(out, Y))",
        ("d = [2 * (o - t) for o, t in zip(out, Y)]  #: number",),
        "[math.sin(v) for v in x[:3]]",
    ),
}
"""The same for one sample, as lists of numbers."""


class Optimiser(NamedTuple):
    """What moves a parameter.

    Attributes:
        kept: the letters of what is kept for each.
        lines: that move one.
        rate: that fits it.
    """

    kept: str
    lines: tuple[str, ...]
    rate: float = 0.1


ROOT = "{p} -= {lr} * {g} / (np.sqrt({s}) + 1e-7)  #: root"
MEANS = ("{v} = 0.9 * {v} + 0.1 * {g}", "{s} = 0.999 * {s} + 0.001 * {g} ** 2  #: square")
BY_ROOT = (
    "second = {s} / (1 - 0.999 ** {t})  #: corrected",
    "{p} -= {lr} * first / (np.sqrt(second) + 1e-8)  #: root",
)
OPTIMISERS = {
    "plain": Optimiser("", ("{p} -= {lr} * {g}  #: step",)),
    "momentum": Optimiser("v", ("{v} = 0.9 * {v} - {lr} * {g}  #: velocity", "{p} += {v}")),
    "heavy ball": Optimiser("v", ("{v} = 0.9 * {v} + {g}", "{p} -= {lr} * {v}  #: step")),
    "mean": Optimiser("v", ("{v} = 0.9 * {v} + 0.1 * {g}", "{p} -= {lr} * {v}  #: step")),
    "AdaGrad": Optimiser("s", ("{s} += {g} ** 2  #: square", ROOT), 0.01),
    "RMSProp": Optimiser("s", ("{s} = 0.99 * {s} + 0.01 * {g} ** 2  #: square", ROOT), 0.01),
    "Adam": Optimiser(
        "vs", (*MEANS, "first = {v} / (1 - 0.9 ** {t})  #: corrected", *BY_ROOT), 0.01
    ),
    "Nesterov": Optimiser(
        "v",
        (
            "before = {v}",
            "{v} = 0.9 * {v} - {lr} * {g}  #: velocity",
            "{p} += 1.9 * {v} - 0.9 * before  #: ahead",
        ),
        0.05,
    ),
    "AMSGrad": Optimiser(
        "vsh",
        (
            *MEANS,
            "{h} = np.maximum({h}, {s})  #: highest",
            "{p} -= {lr} * {v} / (np.sqrt({h}) + 1e-8)  #: root",
        ),
        0.005,
    ),
    "Adadelta": Optimiser(
        "vs",
        (
            "{s} = 0.95 * {s} + 0.05 * {g} ** 2  #: square",
            "change = {g} * np.sqrt({v} + 1e-6) / np.sqrt({s} + 1e-6)  #: change",
            "{v} = 0.95 * {v} + 0.05 * change ** 2  #: square",
            "{p} -= change  #: step",
        ),
        1.0,
    ),
    "AdamW": Optimiser(
        "vs",
        (
            "{p} -= {lr} * 0.01 * {p}",
            *MEANS,
            "first = {v} / (1 - 0.9 ** {t})  #: corrected",
            *BY_ROOT,
        ),
        0.01,
    ),
    "Nadam": Optimiser(
        "vs",
        (
            *MEANS,
            "first = 0.9 * {v} / (1 - 0.9 ** ({t} + 1)) + 0.1 * {g} / (1 - 0.9 ** {t})",
            *BY_ROOT,
        ),
        0.01,
    ),
    "bounded": Optimiser("", ("{p} -= {lr} * np.clip({g}, -0.5, 0.5)  #: step",)),
    "signed": Optimiser(
        "v", ("{v} = 0.9 * {v} + 0.1 * {g}", "{p} -= {lr} * np.sign({v})  #: step signed"), 0.005
    ),
    "Lion": Optimiser(
        "v",
        (
            "{p} -= {lr} * np.sign(0.9 * {v} + 0.1 * {g})  #: step",
            "{v} = 0.99 * {v} + 0.01 * {g}",
        ),
        0.005,
    ),
    "AdaBelief": Optimiser(
        "vs",
        (
            "{v} = 0.9 * {v} + 0.1 * {g}",
            "{s} = 0.999 * {s} + 0.001 * ({g} - {v}) ** 2  #: square",
            "first = {v} / (1 - 0.9 ** {t})  #: corrected",
            *BY_ROOT,
        ),
        0.01,
    ),
    "centred": Optimiser(
        "vs",
        (
            "{v} = 0.9 * {v} + 0.1 * {g}",
            "{s} = 0.9 * {s} + 0.1 * {g} ** 2  #: square",
            "{p} -= {lr} * {g} / np.sqrt({s} - {v} ** 2 + 1e-4)  #: root",
        ),
        0.01,
    ),
    "averaged": Optimiser("v", ("{p} -= {lr} * {g}  #: step", "{v} = 0.9 * {v} + 0.1 * {p}")),
    "of length one": Optimiser(
        "", ("{p} -= {lr} * {g} / (np.sqrt(np.sum({g} ** 2)) + 1e-8)  #: step",), 0.02
    ),
    "clipped": Optimiser(
        "",
        (
            "size = np.sqrt(np.sum({g} ** 2))",
            "if size > 1.0:",
            "    {g} = {g} / size",
            "{p} -= {lr} * {g}  #: step",
        ),
    ),
}

Change = Callable[[str], str]


def _put(old: str, new: str) -> Change:
    return lambda line: line.replace(old, new, 1)


def _turned(line: str) -> str:
    return re.sub(r"\bout - (\w+)", r"\1 - out", line, count=1)


MISTAKES: dict[str, dict[str, Change]] = {
    "delta": {"sign": _turned},
    "column": {"sign": _turned},
    "number": {"sign": _put("o - t", "t - o")},
    "rows": {"of a sum": _put(" / words.shape[1]", "")},
    "places": {"of a sum": _put(" / n", "")},
    "bounded": {"not bounded": lambda line: re.sub(r"np\.clip(\(.*), -1, 1\)", r"\1)", line)},
    "margin": {"sign": _put("-", ""), "of all": lambda line: re.sub(r" \* \(.*<.*\)", "", line)},
    "smooth": {"not smoothed": lambda line: re.sub(r"0.9 \* (\w+) - 0.1 / 3", r"\1", line)},
    "unequal": {"not weighted": _put("each * ", "")},
    "plain": {"not squashed": _put("1 / (1 + np.exp(-out))", "out")},
    "squashed": {"slope left out": _put(" * o * (1 - o)", "")},
    "slope": {"slope left out": _put(" * out * (1 - out)", "")},
    "labels": {"added": _put("-= 1", "+= 1")},
    "hidden": {"slope left out": lambda line: line.partition(".T * ")[0] + ".T"},
    "backwards": {"left out": lambda line: line.partition(", d) * ")[0] + ", d)"},
    "weights": {"twice": _put(" = ", " = 2 * ")},
    "inner": {"slope left out": lambda line: line.partition(" * ")[0] + ")"},
    "bias": {"mean": _put("sum(", "mean(")},
    "back": {"slope left out": lambda line: line.partition(".T @ d * ")[0] + ".T @ d"},
    "adds": {"kept alone": _put(" + ", " * 0 + ")},
    "counted": {"a sum": _put(" / len(batch)", "")},
    "through": {"slope left out": lambda line: line.partition(" * ")[0]},
    "means": {
        "of slopes left out": lambda line: re.sub(r" - dx.mean\([^)]*\)", "", line),
        "of products left out": lambda line: line.partition(" - self.xhat")[0] + ")",
    },
    "decay": {"sign": _put(" + ", " - "), "twice": _put(" + ", " + 2 * ")},
    "step": {"sign": _put("-=", "+="), "put": _put("-=", "=")},
    "velocity": {"sign": _put(" - ", " + ")},
    "term": {"sign": _put("+=", "-="), "twice": _put("+= ", "+= 2 * ")},
    "grows": {"kept alone": _put("+=", "=")},
    "before": {"of the step after": _put("hs[t]", "hs[t + 1]")},
    "transposed": {"not transposed": _put(".T", "")},
    "inside": {"slope left out": lambda line: line.partition(" * ")[0]},
    "both": {"of one": lambda line: line.partition(" + ")[0]},
    "ahead": {"sign": _put(" - ", " + ")},
    "highest": {"lowest": _put("maximum", "minimum")},
    "change": {
        "upside down": lambda line: re.sub(
            r"sqrt(\(.*?\)) / (\w+\.sqrt)(.*)", r"sqrt\3 / \2\1", line
        )
    },
    "signed": {"not signed": lambda line: re.sub(r"np\.sign\((.*)\)$", r"\1", line)},
    "square": {"not squared": _put(" ** 2", "")},
    "corrected": {"of one step": lambda line: re.sub(r" \*\* .*\)$", ")", line)},
    "root": {"not rooted": lambda line: re.sub(r"\w+\.sqrt", "", line, count=1)},
}
"""By the kind of a line: its mistakes, by their names."""
