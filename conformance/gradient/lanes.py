"""Three ways to the slope of a cost, the sharpest first: balls, a complex step, differences.

Each gives the slope along a direction in the space of one parameter array, and what it may be off.
Left out: which directions (`check.py`), and the verdict (`report.py`).

Sources: W. Squire and G. Trapp, *Using complex variables to estimate derivatives of real
functions*, SIAM Review 40 (1998), for the complex step; central differences with a step near the
cube root of the unit roundoff are in any numerical analysis textbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import flint
import numpy as np

from conformance.arithmetic.exact import Exact, to_balls, to_exact
from conformance.gradient.cost import Cost
from conformance.gradient.layout import Setting
from conformance.gradient.network import Refused
from reference.step import Array

BITS = 400
COMPLEX_STEP = 1e-30
CLOSE, ROUGH = 2.0**-30, 2.0**-40
"""So close together a cost in float64 is a straight line to this part of it; in float32 it is
constant or jumps."""
STEPS, MANY = (CLOSE, 0.618 * CLOSE), 16
"""How far apart it is looked at, and how often: both steps are hardly whole numbers of jumps."""
DOUBLED = 34  # times at most, until it jumps


@dataclass(frozen=True)
class Probe:
    """A direction in the space of one parameter array.

    Attributes:
        array: which array, by its place in b2 w2 b3 w3 ….
        direction: entries −1, 0 and 1 in the shape of the array.
        index: the one entry that is not 0, or None.
    """

    array: int
    direction: Array
    index: tuple[int, ...] | None


@dataclass(frozen=True)
class Measured:
    """A slope twice: what backprop says and what the cost says.

    Attributes:
        probe: along what.
        claimed: from backprop.
        found: from the cost.
        error: how far `found` may be off, beyond its ball.
        largest: the largest entry of backprop's array.
    """

    probe: Probe
    claimed: flint.arb
    found: flint.arb
    error: float
    largest: float


class Lane(Protocol):
    """An arithmetic in which slopes are measured.

    Attributes:
        name: as the report calls it.
        cap: digits that it can prove at most.
        needed: digits that are asked for, or None if its own error estimate decides.
        admitted: what scalars that the subject rounds to floats (1/n) may cost, of the largest
            entry, where all else is exact.
    """

    name: str
    cap: int
    needed: int | None
    admitted: float

    def lift(self, array: Array) -> Array:
        """An array of floats in this arithmetic."""

    def prepare(self, setting: Setting, nabla: Sequence[Array]) -> None:
        """Look at the subject before it is measured; raise `Refused` if it cannot be."""

    def slope(self, cost: Cost, base: Sequence[Array], probe: Probe) -> tuple[Any, float]:
        """The slope of the cost along the probe, a number or a ball, and its error."""


class Balls:
    """Central differences on balls: what is cut off is of the order of 2^−240."""

    name, cap, admitted = f"balls of {BITS} bits", 100, 2.0**-48
    needed: int | None = 50
    step = flint.arb(1) / (1 << 120)

    def lift(self, array: Array) -> Array:
        """An array of exact numbers."""
        return to_exact(array)

    def prepare(self, setting: Setting, nabla: Sequence[Array]) -> None:
        """Nothing can be said beforehand."""

    def slope(self, cost: Cost, base: Sequence[Array], probe: Probe) -> tuple[Any, float]:
        """(C(θ + hd) − C(θ − hd)) / 2h"""
        up, down = (
            to_balls(cost(shifted(base, probe, Exact(h)))).item() for h in (self.step, -self.step)
        )
        return (up - down) / (2 * self.step), 0.0


class ComplexStep:
    """Im C(θ + ihd) / h: no difference is taken, so nothing cancels."""

    name, cap, admitted = "complex step", 15, 0.0
    needed: int | None = 12

    def lift(self, array: Array) -> Array:
        """The array itself."""
        return array

    def prepare(self, setting: Setting, nabla: Sequence[Array]) -> None:
        """Whether complex numbers pass through the cost as an analytic function would let them."""
        plain = Differences()
        plain.prepare(setting, nabla)
        if plain.unit > np.finfo(np.float64).eps:
            raise Refused("it is no finer than float32")
        cost = setting.cost.near(setting.network, setting.start, setting.samples)
        for k, array in enumerate(setting.start):
            probe = Probe(k, np.ones(array.shape), None)
            here, _ = self.slope(cost, setting.start, probe)
            other, error = plain.slope(cost, setting.start, probe)
            if not abs(here - other) <= error:
                raise Refused(f"complex numbers give the slope {here:.3g}, real ones {other:.3g}")

    def slope(self, cost: Cost, base: Sequence[Array], probe: Probe) -> tuple[Any, float]:
        """Im C(θ + ihd) / h"""
        value = cost(shifted(base, probe, 1j * COMPLEX_STEP))
        if not np.iscomplexobj(value):
            raise Refused("the cost of complex parameters is a real number")
        return float(np.imag(value)) / COMPLEX_STEP, 0.0


class Differences:
    """Central differences in floats, with an estimate of what is rounded and what is cut off.

    Attributes:
        unit: the roundoff of the coarsest dtype that the subject shows.
    """

    name, cap, admitted = "central differences in floats", 15, 0.0
    needed: int | None = None
    unit = float(np.finfo(np.float64).eps)

    def lift(self, array: Array) -> Array:
        """The array itself."""
        return array

    def prepare(self, setting: Setting, nabla: Sequence[Array]) -> None:
        """See in what precision the gradient and the cost are computed, and fit the step to it."""
        cost = setting.cost.near(setting.network, setting.start, setting.samples)
        shown = [*nabla, np.asarray(cost(setting.start))]
        floats = [each.dtype for each in shown if each.dtype.kind == "f"]
        self.unit = max([float(np.finfo(each).eps) for each in floats], default=self.unit)
        close = np.array([_line(cost, setting.start, step) for step in STEPS])
        bends = np.abs(np.diff(close, 2)) > ROUGH * np.maximum(1.0, np.abs(close).max())
        if not np.ptp(close) or bends.any():  # whatever dtype it shows
            single = float(np.finfo(np.float32).eps)
            self.unit = max(self.unit, single, _jump(cost, setting.start) / 4)

    def slope(self, cost: Cost, base: Sequence[Array], probe: Probe) -> tuple[Any, float]:
        """(C(θ + hd) − C(θ − hd)) / 2h, twice, with h and 2h"""
        h = 2.0 ** round(np.log2(self.unit) / 3)
        values = [float(cost(shifted(base, probe, k * h))) for k in (1, -1, 2, -2)]
        near, far = (values[0] - values[1]) / (2 * h), (values[2] - values[3]) / (4 * h)
        rounding = 16 * self.unit * max(1.0, *map(abs, values)) / h
        return near, 4 * abs(near - far) + rounding


def _line(cost: Cost, start: Sequence[Array], step: float) -> list[float]:
    """The cost at equal steps from the start."""
    return [float(cost([each + k * step for each in start])) for k in range(MANY)]


def _jump(cost: Cost, start: Sequence[Array]) -> float:
    """By how much a cost first moves, once or twice what it is rounded to; 0 if it never does."""
    here = float(cost(start))
    for k in range(DOUBLED):
        moved = abs(float(cost([each + 2.0**k * CLOSE for each in start])) - here)
        if moved:
            return moved / max(1.0, abs(here))
    return 0.0


def measured(lane: Lane, setting: Setting, probes: Sequence[Probe]) -> list[Measured]:
    """All slopes, by backprop and by the cost, in one arithmetic.

    Raises:
        Refused: the arithmetic does not fit the subject.
        Exception: whatever the subject raises.
    """
    base = [lane.lift(each) for each in setting.start]
    lifted = [(lane.lift(x), lane.lift(y)) for x, y in setting.samples]
    here = Setting(setting.network, setting.cost, lifted, base, setting.layout)
    given = here.nabla(base)
    lane.prepare(here, given)
    nabla = [to_balls(each) for each in given]
    largest = [max(float(abs(each).abs_upper()) for each in array.flat) for array in nabla]
    cost = setting.cost.near(setting.network, base, lifted)
    results = []
    for probe in probes:
        value, error = lane.slope(cost, base, probe)
        claimed, found = _along(nabla[probe.array], probe), flint.arb(value)
        if not (claimed.is_finite() and found.is_finite()):
            raise Refused("the cost or the gradient is not finite")
        results.append(Measured(probe, claimed, found, error, largest[probe.array]))
    return results


def shifted(base: Sequence[Array], probe: Probe, h: Any) -> list[Array]:
    """The parameters with h times the direction added."""
    moved = list(base)
    array = base[probe.array].astype(np.result_type(base[probe.array].dtype, type(h)))
    array[probe.direction > 0] += h
    array[probe.direction < 0] -= h
    moved[probe.array] = array
    return moved


def _along(nabla: Array, probe: Probe) -> flint.arb:
    up, down = nabla[probe.direction > 0], nabla[probe.direction < 0]
    return sum(up, flint.arb(0)) - sum(down, flint.arb(0))
