"""Faults that people make in custom functions of torch: the program, what stands there, the fault.

Left out: faults that are made by edits of any kind (`measure.py`).
"""

FAULTS: tuple[tuple[str, str, str], ...] = (
    ("linear", "grad_bias = grad_output.sum(0)", "grad_bias = grad_output.mean(0)"),
    ("linear", "grad_input = grad_output.mm(weight)", "grad_input = 2 * grad_output.mm(weight)"),
    ("relu", "grad_input[input < 0] = 0", "grad_input[input > 0] = 0"),
    ("gelu", "sech2 = 1.0 - t**2", "sech2 = 1.0 - t"),
    ("gelu", "1.0 + 3 * 0.044715 * x**2", "1.0 + 0.044715 * x**2"),
    ("gelu_exact", "(cdf + x * pdf)", "(cdf + pdf)"),
    ("swish", "(1 + i * (1 - sigmoid_i))", "(1 + (1 - sigmoid_i))"),
    ("softmax", "dot = (dy * y).sum(", "dot = dy.sum("),
    ("softmax", "dx = y * (dy - dot)", "dx = dy - dot"),
    ("nll", "grad = grad / n", "grad = grad / logp.size(1)"),
    ("cross_entropy", "(probs - soft)", "(soft - probs)"),
    ("layer_norm", "c2 = wdy.sum(", "c2 = grad_output.sum("),
    ("layer_norm", "(wdy - x_hat * c1 - c2) * rstd", "(wdy - x_hat * c1 - c2) / rstd"),
    ("layer_norm", "(grad_output * x_hat).sum(dim=dims)", "(grad_output * weight).sum(dim=dims)"),
    ("batch_norm", "dnorm = grad_output * gamma", "dnorm = grad_output"),
    ("batch_norm", "- dnorm.sum(0) -", "-"),
    ("rms_norm", "r.pow(3) / d", "r.pow(2) / d"),
    ("gated_norm", "xhat).mean(-1", "xhat).sum(-1"),
    ("gated_norm", "gate + u * gate", "gate + gate"),
    ("conv1d", "gx[:, :, i:i + length] +=", "gx[:, :, i:i + length] ="),
    ("conv1d", "gb = gout.sum(dim=(0, 2))", "gb = gout.mean(dim=(0, 2))"),
    ("embedding", "grad_weight.index_add_(", "grad_weight.index_copy_("),
    ("sigmoid", "grad_output * out * (1 - out)", "grad_output * (1 - out)"),
    ("tanh", "1 - ctx.out.pow(2)", "1 - ctx.out"),
    ("huber", "ctx.delta * diff.sign()", "diff.sign()"),
    ("huber", "grad_output * grad / diff.numel()", "grad_output * grad"),
    ("attention", "dscores = dscores * ctx.scale", "dscores = dscores / ctx.scale"),
    ("attention", "dk = torch.bmm(dscores.transpose(1, 2), q)", "dk = torch.bmm(dscores, q)"),
    ("group_norm", "dgamma = torch.sum(dy * normed", "dgamma = torch.sum(dy"),
    ("cumsum", "return torch.flip(total, (ctx.dim,)), None", "return total, None"),
    ("logsumexp", "weights = torch.exp(x - out)", "weights = torch.exp(out - x)"),
    ("swiglu", "dup = dc * act", "dup = dc * gate"),
    ("norm", "gx = gx + y * glength[:, None]", "gx = gx + glength[:, None]"),
    ("prelu", "(grad_output * x * negative)", "(grad_output * negative)"),
    ("lstm_cell", "d_i = d_cell * c * d_sigmoid(i)", "d_i = d_cell * c"),
    ("pairwise", "-weighted.sum(0)", "weighted.sum(0)"),
)


AMBIGUOUS = (
    ("huber", "grad_output * grad"),
    ("batch_norm", "dnorm = grad_output"),
    ("cumsum", "return total, None"),
)
"""Those that another line undoes as well: what is missing may stand at either."""


def faulty(program: str, before: str, after: str) -> tuple[str, int]:
    """A source with a fault, and the number of the line."""
    from conformance.tests.custom.measure import source_of

    source = source_of(program)
    ahead, found, rest = source.partition("def backward")
    head, own, rest = rest.partition(before)
    assert own, before
    return f"{ahead}{found}{head}{after}{rest}", f"{ahead}{found}{head}".count("\n") + 1
