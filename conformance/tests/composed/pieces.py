"""What the styles of composed programs are told, and what they have in common."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from conformance.tests.composed.parts import Optimiser, Output

RATE = "0.02"  # of a penalty


class Pieces(NamedTuple):
    """What a style puts together; see `parts.py`, and `Parts` in `program.py`."""

    hidden: tuple[str, str]
    output: Output
    penalty: tuple[str, str]
    added: str
    optimiser: Optimiser
    handed: bool
    main: bool
    between: str = "nothing"
    schedule: str = ""

    @property
    def states(self) -> bool:
        """Whether the loss has the penalty."""
        return self.added in ("gradient", "update")

    @property
    def late(self) -> bool:
        """Whether what moves the parameters adds its derivative."""
        return self.added.startswith("update")

    def handing(self, name: str) -> tuple[str, str, str]:
        """The argument for the penalty's rate of those that take it: loss, gradients, update.

        Args:
            name: what it is called.
        """
        takes = self.states, self.added == "gradient", self.late
        loss, gradients, update = (f", {name}" if self.handed and each else "" for each in takes)
        return loss, gradients, update

    @property
    def counts(self) -> bool:
        """Whether the number of a step is needed to make it."""
        return bool(self.schedule) or any("{t}" in each for each in self.optimiser.lines)

    def scheduled(self, rate: str, step: str) -> tuple[list[str], str]:
        """The lines that compute the rate of a step, and its name.

        Args:
            rate: of all steps.
            step: the number of one.
        """
        if not self.schedule:
            return [], rate
        return [f"now = {self.schedule.format(lr=rate, t=step)}"], "now"

    @property
    def begun(self) -> list[str]:
        """The line with which a class begins to count its steps, if it does."""
        return ["self.t = 0"] if self.counts else []

    def stepping(self, rate: str = "self.rate") -> tuple[list[str], str]:
        """The lines with which the update of a class begins, and the name of its rate.

        Args:
            rate: of all steps.
        """
        now, name = self.scheduled(rate, "self.t")
        return [*(["self.t += 1"] if self.counts else []), *now], name

    def cost(self, c: str, weights: Sequence[str], m: str) -> str:
        """The loss of `out` and `Y`, with the penalty of the weights if it has one."""
        terms = [self.output.loss.format(m=m)]
        if self.states:
            terms += [self.penalty[0].format(c=c, w=each, m=m) for each in weights]
        return " + ".join(terms)

    def decay(self, c: str, weight: str, m: str) -> str:
        """The derivative of the penalty, to be added to a gradient."""
        return " + " + self.penalty[1].format(c=c, w=weight, m=m)

    def moves(self, names: Callable[[str], str], rate: str, step: str) -> list[str]:
        """The lines that move one parameter.

        Args:
            names: what `p`, `g`, `v`, `s` and `h` are called.
            rate: of the step.
            step: its number.
        """
        told = {key: names(key) for key in ("p", "g", *self.optimiser.kept)}
        return [each.format(lr=rate, t=step, **told) for each in self.optimiser.lines]


def data(pieces: Pieces) -> list[str]:
    """Lines that make inputs and targets, a sample in each row."""
    return [
        "rng = np.random.RandomState(9)",
        "X = rng.randn(60, 5)",
        "c = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)",
        f"Y = {pieces.output.targets}",
    ]


def indented(lines: list[str], by: int = 1) -> list[str]:
    """Lines within a block."""
    return ["    " * by + each if each else each for each in lines]


def training(
    pieces: Pieces, data: list[str], begin: list[str], loop: list[str], step: str = "step"
) -> list[str]:
    """What trains when the file is run, if it does.

    Args:
        pieces: whether it does.
        data: the lines that make data.
        begin: that make a network.
        loop: of each step.
        step: what its number is called.
    """
    if not pieces.main:
        return []
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *indented([*data, *begin, f"for {step} in range(40):"]),
        *indented(loop, 2),
    ]
