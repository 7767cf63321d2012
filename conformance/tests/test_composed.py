"""Programs composed of parts (`composed/`), and some of them put to the checker.

`python -m conformance.tests.composed` judges as many as are asked for.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.tests.composed.judge import judge
from conformance.tests.composed.parts import ADDED, HIDDEN, OUTPUTS, PENALTIES
from conformance.tests.composed.program import Parts, of, right, wrong

RIGHT = (
    "attributes/leaky/linear/L1/update-alone/mean/handed/none",
    "attributes/leaky/linear/mean/update/RMSProp/held/none",
    "estimator/softplus/squares/half/gradient/Adam/held/none",
    "flat/leaky/labels/whole/update-alone/heavy-ball/held/main/cosine",
    "functions/leaky/linear/half/update/momentum/held/none",
    "layers-of-dicts/tanh/softmax/L1/update/mean/handed/none/batch-norm/warm-up",
    "layers-of-lists/relu/linear/L1/update/plain/handed/none/dropout/warm-up",
    "layers/leaky/entropy/whole/update-alone/clipped/handed/none/halved",
    "columns/leaky/softmax/half/update/RMSProp/held/none/halved",
    "lists/sigmoid/linear/half/nowhere/Nesterov/held/none",
    "lists/tanh/entropy/whole/update-alone/plain/handed/none",
    "pairs/leaky/labels/L1/update/plain/handed/none",
    "pairs/tanh/linear/half/nowhere/signed/held/none",
    "pairs/tanh/squares/half/update-alone/AdamW/held/none",
    "recurrent/sigmoid/softmax/L1/update/heavy-ball/handed/none/cosine",
    "script/sigmoid/labels/whole/gradient/Adam/held/main",
    "views/elu/squares/half/gradient/Adadelta/handed/main",
)
MORE_RIGHT = (
    "attributes/relu/squares/whole/update/mean/held/none",
    "attributes/sigmoid/labels/whole/update-alone/clipped/handed/main",
    "functions/sigmoid/labels/mean/update/Adam/handed/none",
    "functions/sigmoid/softmax/whole/update/heavy-ball/held/none",
    "functions/tanh/entropy/L1/update/RMSProp/held/main",
    "functions/tanh/softmax/L1/update-alone/plain/held/none",
    "columns/leaky/linear/half/update/clipped/held/none",
    "lists/relu/softmax/half/nowhere/plain/held/main",
    "pairs/tanh/softmax/half/update/plain/held/none",
)
WRONG = (
    "attributes/leaky/linear/mean/update/RMSProp/held/none:40-decay,-sign",
    "attributes/relu/squares/whole/update/mean/held/none:33-weights,-twice",
    "attributes/tanh/softmax/half/update/plain/handed/none:36-decay,-sign",
    "columns/leaky/linear/half/update-alone/RMSProp/held/none:52-decay,-sign",
    "columns/leaky/softmax/half/update/mean/held/none:45-bias,-mean",
    "functions/sigmoid/squares/half/update-alone/AdaGrad/handed/none:40-root,-not-rooted",
    "functions/tanh/entropy/L1/update/plain/held/none:41-decay,-twice",
    "layers/tanh/squares/half/nowhere/momentum/held/none/dropout:80-velocity,-sign",
    "pairs/leaky/linear/L1/update-alone/heavy-ball/handed/none:46-step,-sign",
    "pairs/tanh/labels/L1/update/RMSProp/handed/none/inverse:53-square,-not-squared",
    "recurrent/sigmoid/softmax/L1/update/heavy-ball/handed/none/cosine:37-before,-of-the-step-after",
    "script/tanh/softmax/half/gradient/plain/held/main:24-hidden,-slope-left-out",
    "views/elu/squares/half/gradient/Adadelta/handed/main:48-square,-not-squared",
)
MORE_WRONG = (
    "estimator/relu/linear/L1/update/RMSProp/held/none:42-bias,-mean",
    "functions/leaky/linear/half/update/momentum/held/none:41-decay,-sign",
    "functions/tanh/linear/whole/update/mean/held/none:33-bias,-mean",
    "layers-of-lists/relu/softmax/L1/gradient/Adam/handed/none/dropout/inverse:15-decay,-sign",
    "layers/leaky/entropy/half/update-alone/heavy-ball/held/none:68-decay,-sign",
    "layers/relu/squares/whole/update/AdaGrad/held/none:69-square,-not-squared",
    "pairs/tanh/squares/half/update/momentum/handed/none:44-decay,-twice",
    "pairs/tanh/softmax/half/nowhere/plain/held/none:31-back,-slope-left-out",
)
"""Those of which the style, the optimiser and the mistake are in others: not a step in CI."""


def _and_seldom(first: tuple[str, ...], more: tuple[str, ...]) -> list[Any]:
    return [*first, *(pytest.param(each, marks=pytest.mark.seldom) for each in more)]


@pytest.mark.parametrize("id_", _and_seldom(RIGHT, MORE_RIGHT))
def test_right_parts_are_right_together(id_: str, tmp_path: Path) -> None:
    assert judge(right(of(id_)), tmp_path) == "right"


@pytest.mark.parametrize("id_", _and_seldom(WRONG, MORE_WRONG))
def test_the_line_of_a_mistake_is_blamed(id_: str, tmp_path: Path) -> None:
    (program,) = (e for e in wrong(of(id_.partition(":")[0])) if e.id == id_)
    assert judge(program, tmp_path) == "line"


SLOPES = [
    *((hidden, output, "half", "gradient") for hidden in HIDDEN for output in OUTPUTS),
    *(("tanh", "softmax", penalty, added) for penalty in PENALTIES for added in ADDED[:2]),
]


@pytest.mark.parametrize(
    ("hidden", "output", "penalty", "added"), SLOPES, ids=map("/".join, SLOPES)
)
def test_composed_gradients_are_slopes_of_the_loss(
    hidden: str, output: str, penalty: str, added: str
) -> None:
    parts = Parts("attributes", hidden, output, penalty, added, "plain", handed=False, main=False)
    module: dict[str, Any] = {}
    exec(right(parts).source, module)  # noqa: S102 - it is ours
    net, rng = module["Network"](5, 8, 3), np.random.default_rng(2)
    x, classes = rng.normal(size=(7, 5)), rng.integers(3, size=7)
    y = classes if parts.output == "labels" else np.eye(3)[classes]
    net.backward(x, y)
    net.rate = 1.0
    before, found = {n: getattr(net, n).copy() for n in ("W1", "b1", "W2", "b2")}, {}
    for name, value in before.items():
        found[name] = np.zeros_like(value)
        for at in np.ndindex(value.shape):
            for by in (1e-5, -1e-5):
                getattr(net, name)[at] = value[at] + by
                found[name][at] += net.loss(x, y) / (2 * by)
            getattr(net, name)[at] = value[at]
    net.backward(x, y)
    net.update()
    for name, value in before.items():
        np.testing.assert_allclose(value - getattr(net, name), found[name], atol=1e-7)
