"""NumPy and PyTorch against each other, with no truth between them."""

import numpy as np
import pytest

from conformance.model.table import tag_of
from conformance.suite.asked import Asked
from conformance.suite.judge_subject import observed, recorded


def test_agreement(pair: Asked) -> None:
    """Two correct implementations differ by at most twice the bound of one of them."""
    case = pair.case
    shown = zip(*(observed(case, each) for each in ("reference", "torch_impl")), strict=True)
    for number, (step, (ours, theirs)) in enumerate(zip(recorded(case).steps, shown, strict=True)):
        for name, bound in step.bound.items():
            if tag_of(name, case.layers) != pair.tag:
                continue
            apart = np.abs(ours[name].astype(np.float64) - theirs[name].astype(np.float64))
            allowed = 2 * bound.astype(np.float64)
            if not (apart <= allowed).all():
                worst = np.unravel_index(np.argmax(apart / allowed), apart.shape)
                pytest.fail(
                    f"{case.id} step {number}: reference and torch_impl part at "
                    f"{name}{list(worst)}: {ours[name][worst]} and {theirs[name][worst]}",
                    pytrace=False,
                )
