"""The report on a training run: what was measured, in words."""

from conformance.training.record import TrainOutcome
from conformance.training.show import epoch_lines, verdict_lines


class TrainReport(TrainOutcome):
    """All of a run, which says what it is."""

    def __str__(self) -> str:
        """What is said of each epoch and of each partner."""
        epochs = (line for each in self.epochs for line in epoch_lines(each))
        return "\n".join((*epochs, *verdict_lines(self)))

    def __repr__(self) -> str:
        """The verdicts in one line."""
        return "; ".join(each for each in verdict_lines(self) if not each.startswith(" "))
