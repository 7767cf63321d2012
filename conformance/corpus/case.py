"""What a case is: the network, the cost, the rates, the mini-batches, and why it exists.

Left out: its numbers (`recorded.py`) and how they are made (`cases/build.py`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

import numpy as np

from conformance.arithmetic.formats import FLOATS, Format
from conformance.model.functions import ACTIVATIONS, COSTS, SIGMOID, fits
from conformance.model.row import MASK, Rows
from conformance.model.table import reduced_rows, rows
from conformance.model.update_kinds import SGD, code
from conformance.values import from_values
from reference.updates import UPDATES, Update

SCHEMA_VERSION = 1
CORPUS_VERSION = f"{SCHEMA_VERSION}.0.0"
"""The version of the corpus, and of the packages that are made of it.

The second number grows when cases come or go or a wrong value is mended, the third when a
tolerance, a text of a case or a loader changes.
"""

Parts = tuple[tuple[tuple[int, ...], ...], ...]
"""The samples of a mini-batch by their places in it: of each process, of each micro-batch."""

CONVENTIONS = {
    "samples": "one a column; x (n_1, m), y (n_L, m)",
    "weights": "w[j, k] leads from neuron k of the layer below to neuron j; b (n_l, 1)",
    "layers": "numbered as in the book, the input being layer 1",
    "delta": "dC_x/dz of each sample, without 1/m",
    "nabla": "dC/db and dC/dw, the mean over the mini-batch",
    "cost": "the mean over the mini-batch, without the weight-decay term",
    "update": "w <- (1 - eta lmbda / n) w - eta nabla_w, b <- b - eta nabla_b",
    "pixels": "value / 256",
    "memory": "row-major, little-endian",
}

STATE_CONVENTION = (
    "v and s of each b and w, zero before the first step of a run; t counts the steps; old_ is "
    "what was there before the step"
)


DROPOUT_CONVENTION = (
    "mask (n_l, m) of each hidden layer, given in each step: a = f(z) * mask, "
    "delta = (w.T @ delta) * f'(z) * mask; 0 where a neuron is left out"
)


@dataclass(frozen=True)
class Case:
    """The description of one recorded case, as it stands in the manifest and the file header.

    Attributes:
        id: stable; float32 cases end in `-float32`.
        sizes: neurons of each layer, the input layer first.
        cost: a name in `COSTS`.
        eta: the learning rate η.
        lmbda: the weight decay λ.
        n: the size of the training set, by which λ is divided.
        dtype: "float64" or "float32"; of a case that is in no file also another of `FLOATS`.
        batches: the samples of each step's mini-batch, by their index in the data of the case.
        why: the reason for which the case exists.
        catches: known mistakes that it shows.
        activations: names in `ACTIVATIONS`, of the layers 2 … L; sigmoids if none are given, which
            are not written down.
        parts: how each step's mini-batch is divided among processes and micro-batches; nothing if
            one process takes it at once, which is not written down.
        update: a name in `UPDATES`; the book's is not written down.
        constants: μ, ρ and ε, those that the update has, by their names.
        scale: by which the program that is judged multiplies its errors, so that they do not
            underflow; 1, which is not written down, in every recorded case.
        base: of a case that is in no file, as no recorded one has its update: the id of the one
            whose start and data it has.
    """

    id: str
    sizes: tuple[int, ...]
    cost: str
    eta: float
    lmbda: float
    n: int
    dtype: str
    batches: tuple[tuple[int, ...], ...]
    why: str
    catches: tuple[str, ...]
    activations: tuple[str, ...] = ()
    parts: tuple[Parts, ...] = ()
    update: str = SGD
    constants: tuple[tuple[str, float], ...] = ()
    scale: float = 1.0
    base: str = ""

    def __post_init__(self) -> None:
        """Fill in the activations that were not given."""
        given = self.activations or (SIGMOID,) * (len(self.sizes) - 1)
        object.__setattr__(self, "activations", given)

    @property
    def has_classes(self) -> bool:
        """Whether its targets are one-hot, as those of the images are, and of a softmax."""
        return self.id.startswith("mnist") or self.cost == "log-likelihood"

    @property
    def rows(self) -> Rows:
        """The table of one step."""
        made = reduced_rows if self.parts else rows
        return made(self.layers, self.cost, self.activations, self.update)

    @property
    def rule(self) -> Update:
        """The update with its constants."""
        if self.update == SGD:
            return UPDATES[SGD]
        return UPDATES[self.update].with_constants(**dict(self.constants))

    @property
    def conventions(self) -> dict[str, str]:
        """How its numbers are to be read."""
        dropout = {"dropout": DROPOUT_CONVENTION} if self.masks else {}
        if self.update == SGD:
            return {**CONVENTIONS, **dropout}
        rules = UPDATES[self.update].rules
        said = "; ".join(f"{name} <- {code(rule, name)}" for name, rule in rules.items())
        return {**CONVENTIONS, "update": said, "state": STATE_CONVENTION, **dropout}

    def is_of(self, hidden: str, output: str) -> bool:
        """Whether its hidden layers, if there are some, and its output have these activations."""
        return self.activations == (*[hidden] * (self.layers - 2), output)

    @property
    def kinks(self) -> tuple[int, ...]:
        """The layers whose f′ jumps at z = 0."""
        return tuple(i for i, f in enumerate(self.activations, 2) if ACTIVATIONS[f].kink)

    @property
    def masks(self) -> tuple[str, ...]:
        """The names of what masks the layers with dropout: `mask2` and so on."""
        masked = (i for i, f in enumerate(self.activations, 2) if ACTIVATIONS[f].masked)
        return tuple(f"{MASK}{layer}" for layer in masked)

    @property
    def layers(self) -> int:
        """L, the number of layers, the input layer counted."""
        return len(self.sizes)

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.batches)

    @property
    def decay(self) -> float:
        """λ/n in float64."""
        return self.lmbda / self.n

    @property
    def type(self) -> "np.dtype[Any]":
        """The dtype of every array of the case."""
        return self.format.container

    @property
    def format(self) -> Format:
        """The format of every number of the case."""
        return FLOATS[self.dtype]

    def in_format(self, dtype: str) -> "Case":
        """The same case in another format; a float64 case has no dtype in its id."""
        id_ = self.id.removesuffix(f"-{self.dtype}")
        id_ = id_ if dtype == "float64" else f"{id_}-{dtype}"
        return replace(self, id=id_, dtype=dtype)

    def moved_by(self, update: str, constants: Mapping[str, float]) -> "Case":
        """The same case with another update, and with an η that suits it."""
        small = "s_w" in UPDATES[update].rules  # each entry moves by about η
        return replace(
            self,
            id=f"{update}-{self.id}",
            eta=self.eta / 32 if small else self.eta,
            update=update,
            constants=tuple(constants.items()),
            base=self.id,
        )

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        fields_ = asdict(self)
        if set(self.activations) == {SIGMOID}:
            del fields_["activations"]
        if not self.parts:
            del fields_["parts"]
        if self.scale == 1:
            del fields_["scale"]
        if not self.base:
            del fields_["base"]
        del fields_["constants"]
        if self.update == SGD:
            del fields_["update"]
        else:
            fields_["constants"] = dict(self.constants)
        return fields_

    @classmethod
    def from_json(cls, values: dict[str, Any], *, judged: bool = False) -> "Case":
        """The case with these fields; if judged, perhaps in a short format or scaled.

        Raises:
            ValueError: a field is missing, unknown, or of the wrong kind.
        """
        names = {field.name for field in fields(cls)}
        wrong = (set(values) ^ names) - {
            "activations",
            "parts",
            "update",
            "constants",
            "scale",
            "base",
        }
        if wrong:
            raise ValueError(f"fields {sorted(wrong)} are missing or unknown")
        try:
            constants = [*dict(values.get("constants", {})).items()]
            made: Case = from_values(cls, {**values, "constants": constants})
        except (TypeError, OverflowError) as error:
            raise ValueError(f"a field is of the wrong kind ({error})") from error
        for name, right in _rules(made).items():
            if not (right or (judged and name in ("dtype", "scale", "base"))):
                raise ValueError(f"{name} cannot be {getattr(made, name)!r}")
        return made

    def matches(self, pattern: str | Collection[str] | None, dtype: str | None) -> bool:
        """Whether a glob over ids, or one of several, and a dtype admit the case."""
        globs = (pattern,) if isinstance(pattern, str) else pattern
        admitted = globs is None or any(fnmatchcase(self.id, each) for each in globs)
        return admitted and dtype in (None, self.dtype)


def _rules(case: Case) -> dict[str, bool]:
    """Whether each field is what a case can have."""
    return {
        "id": isinstance(case.id, str) and bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.id)),
        "sizes": len(case.sizes) > 1 and min(case.sizes) > 0,
        "cost": case.cost in tuple(COSTS),
        "activations": len(case.activations) == case.layers - 1
        and set(case.activations) <= {*ACTIVATIONS}
        and case.cost in tuple(COSTS)
        and fits(case.activations, case.cost),
        "update": case.update in tuple(UPDATES),
        "constants": case.update in tuple(UPDATES)
        and {name for name, _ in case.constants} == {*UPDATES[case.update].constants}
        and all(isfinite(each) and 0 < each < 1 for _, each in case.constants),
        "eta": isfinite(case.eta) and case.eta > 0,
        "lmbda": isfinite(case.lmbda) and case.lmbda >= 0,
        "n": isinstance(case.n, int) and case.n > 0,
        "scale": case.scale == 1,
        "base": not case.base,
        "dtype": case.dtype in ("float64", "float32"),
        "batches": all(batch and min(batch) >= 0 for batch in case.batches) and case.steps > 0,
        "why": isinstance(case.why, str),
    }
