"""What a training run is: the network, the rates, the order's seed, and who takes part.

Left out: the digits (`training_data.py`).
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.model.functions import COSTS, DROPOUT, SIGMOID, fits
from conformance.model.update_kinds import SGD
from conformance.usage import DTYPES, one_of
from reference import equations
from reference.mnist import CLASSES, PIXELS
from reference.network import Network
from reference.updates import UPDATES

MOST = 10**8  # parameters


@dataclass(frozen=True)
class Settings:
    """A training run.

    Attributes:
        sizes: neurons of each layer, the input layer first.
        epochs: how many times to go through the data.
        mini_batch: m.
        eta: the learning rate η.
        cost: "quadratic" or "cross-entropy".
        lmbda: the weight decay λ.
        dtype: "float64" or "float32".
        seed: of the start and of the order of the samples, as `Network(sizes, default_rng(seed))`.
        subjects: who walks beside the reference.
        family: the activations of the hidden layers and of the output; sigmoids, or what goes with
            the cost, if not given.
        update: the update rule, with the constants that it usually has.

    Raises:
        UsageError: a value that no run can have.
    """

    sizes: tuple[int, ...] = (784, 30, 10)
    epochs: int = 30
    mini_batch: int = 10
    eta: float = 3.0
    cost: str = "quadratic"
    lmbda: float = 0.0
    dtype: str = "float64"
    seed: int = 0
    subjects: tuple[str, ...] = ("torch_impl",)
    family: tuple[str, str] | None = None
    update: str = SGD

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        one_of("--cost", self.cost, *COSTS)
        one_of("--dtype", self.dtype, *DTYPES)
        one_of("--update", self.update, *UPDATES)
        rules = {
            "--epochs": (self.epochs, self.epochs > 0, "1 or more"),
            "--mini-batch": (self.mini_batch, self.mini_batch > 0, "1 or more"),
            "--eta": (self.eta, isfinite(self.eta) and self.eta > 0, "a number above 0"),
            "--lmbda": (self.lmbda, isfinite(self.lmbda) and self.lmbda >= 0, "0 or more"),
            "--seed": (self.seed, self.seed >= 0, "0 or more"),
        }
        for option, (value, right, wanted) in rules.items():
            if not right:
                raise UsageError(f"{option} {value}: give {wanted}")
        if not fits(self.activations, self.cost):
            raise UsageError(f"--family {','.join(self._family)} does not go with {self.cost}")
        if self._family[0].endswith(DROPOUT):
            raise UsageError(f"--family {self._family[0]}: each program would draw its own masks")
        with np.errstate(all="ignore"):
            eta = float(np.dtype(self.dtype).type(self.eta))
        if not (isfinite(eta) and eta):
            raise UsageError(f"--eta {self.eta}: {self.dtype} has no such number but 0 or infinity")
        if sum((above + 1) * below for above, below in pairwise(self.sizes)) > MOST:
            raise UsageError(f"{self._sizes()}: has more than {MOST:,} weights and biases")

    def fit_digits(self) -> None:
        """Check that the network takes images and answers with a digit.

        Raises:
            UsageError: it does not.
        """
        if (self.sizes[0], self.sizes[-1]) != (PIXELS, CLASSES):
            raise UsageError(f"{self._sizes()}: begin with {PIXELS} pixels, end with {CLASSES}")

    def _sizes(self) -> str:
        return f"--sizes {','.join(map(str, self.sizes))}"

    def case(self, n: int) -> Case:
        """The run as a case, of which the first mini-batch alone is described."""
        batch = tuple(range(min(self.mini_batch, n)))
        return Case(
            *("training", self.sizes, self.cost, self.eta, self.lmbda, n, self.dtype),
            *((batch,), "a training run", (), self.activations),
            update=self.update,
            constants=tuple(UPDATES[self.update].constants.items()),
        )

    @property
    def activations(self) -> tuple[str, ...]:
        """Of the layers from 2 to L."""
        hidden, output = self._family
        return (*[hidden] * (len(self.sizes) - 2), output)

    def network(self, rng: np.random.Generator | None = None) -> Network:
        """The reference, of new random numbers."""
        hidden, output = (equations.ACTIVATIONS[each] for each in self._family)
        kinds = equations.COSTS[self.cost], hidden, output, UPDATES[self.update]
        return Network(self.sizes, rng, *kinds)

    @property
    def _family(self) -> tuple[str, str]:
        return self.family or (SIGMOID, COSTS[self.cost].outputs[0])

    def _kinds(self) -> str:
        family = f", {' and '.join(dict.fromkeys(self.family))}" if self.family else ""
        return family + (f", {self.update}" if self.update != SGD else "")

    def words(self) -> str:
        """All of it in one line."""
        decay = f", λ = {self.lmbda:g}" if self.lmbda else ""
        return (
            f"[{', '.join(map(str, self.sizes))}]{self._kinds()}, {self.cost}, "
            f"η = {self.eta:g}{decay}, "
            f"m = {self.mini_batch}, {self.dtype}, seed {self.seed}"
        )
