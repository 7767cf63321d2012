"""The project's own subjects, in full and in a short format, and any subject by its name.

In a short format the reference is rounded, and the twin runs under autocast. What a subject shows
in a wider format, as mixed precision keeps gradients and parameters, is rounded: who computes in
more digits than are judged does nothing wrong, and it is noted. Other ways of PyTorch, and other
devices, are subjects too; what cannot be done here is said with its reason. Left out: the cases in
that format (`cases/build.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from conformance.arithmetic.formats import FLOATS, SHORT, Format, Short
from conformance.cases.small import entries
from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.model.table import of_layers
from conformance.model.update_kinds import SGD
from conformance.running.tracebacks import headline
from conformance.subjects import COMMAND, ReferenceSession, Session, Subject
from conformance.subjects.observation import Observation, narrowed, observed
from conformance.versions import has_jax, has_torch
from reference.step import Array, Batch, Parameters, Step
from reference.updates import UPDATES

COMPILED = ("hand-2-3-1", "square-4-4-4-4", "relu-softmax-4-4-4-3")
"""Cases that are compiled: each of another shape takes the compiler some seconds."""


SMALL = 128
"""Weights and biases of a case that is made with another update, in some hundredths of a second."""


def _not_compiled(case: Case) -> str:
    """Why a case cannot be put to the twin, compiled, or nothing."""
    few = case.id.removesuffix("-float32") in COMPILED
    return "" if few else "is compiled in a few cases alone"


def _reference(case: Case, parameters: Parameters) -> Session:
    return ReferenceSession(case, parameters, of_layers(case.cost, case.activations))


def _torch_impl(case: Case, parameters: Parameters) -> Session:
    import torch

    from torch_impl.step import Trainer

    torch.set_num_threads(1)
    rule = case.update, dict(case.constants)
    return Trainer(parameters, case.cost, case.eta, case.decay, case.activations, *rule)


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("reference", _reference, family=(), updates=()),
        Subject("torch_impl", _torch_impl, family=(), updates=()),
    )
}


JAX = "jax_impl"
"""The twin by `jax.grad`, which the suite leaves out, since few have JAX."""


def _jax_impl() -> Subject:
    if not has_jax():
        raise UsageError(f"{JAX} needs JAX, which is not installed: pip install '.[jax]'")
    from conformance.subjects.jax_twin import JaxSession

    return Subject(JAX, JaxSession, family=(), refuses=_not_compiled)


def find(name: str) -> Subject:
    """The subject of this name.

    Raises:
        UsageError: there is none, or torch is not installed, which it needs.
    """
    if name.startswith(COMMAND):
        from conformance.subjects.command.command_subject import command_subject

        return command_subject(name)
    if name == JAX:
        return _jax_impl()
    if name not in SUBJECTS:
        raise UsageError(_no_subject(name))
    if name not in available():
        raise UsageError(f"{name} needs torch, which is not installed")
    return SUBJECTS[name]


def _no_subject(name: str) -> str:
    """What a name stands for that is no subject, and what may be given."""
    from conformance.programs.load import folder_words

    if Path(name).is_dir():
        return folder_words(name)
    what = f"{name} is no file of Python" if Path(name).is_file() else f"no subject {name!r}"
    known = ", ".join(sorted((*SUBJECTS, JAX)))
    forms = "FILE.py:Name, package.module:Name, a .safetensors trace or cmd:COMMAND"
    return f"{what}: give {known}, {forms}"


def available() -> list[str]:
    """The names of the project's own subjects that can be run here."""
    return [name for name in SUBJECTS if name != "torch_impl" or has_torch()]


SCALES = {"float16": 1024.0}
"""By which the twin multiplies its cost before it differentiates; 1 if there is nothing."""

Start = Callable[[Case, Parameters], Session]


def in_format(subject: Subject, dtype: str) -> Subject:
    """The subject in a short format, in which alone it is judged then."""
    own = {"reference": ShortSession.begin, "torch_impl": _short_torch_impl}.get(subject.name)
    start, free = own or subject.start, None if own else subject.start_free
    return replace(
        subject,
        name=f"{subject.name} in {dtype}" if own else subject.name,
        start=_rounding(start, FLOATS[dtype]),
        start_free=None if free is None else _rounding(free, FLOATS[dtype]),
        dtypes=(dtype,),
    )


def cases_for(subject: Subject, cases: Sequence[Case]) -> Sequence[Case]:
    """The cases as a subject is given them.

    Those in float64 in its short format, if it has one; and, if none is recorded for its update,
    or the book's is none of its own, those of the book's update with this one.
    """
    short = short_format(subject)
    whole = [each for each in cases if each.dtype == "float64"]
    if short and whole:
        return [each.in_format(short) for each in whole]
    return [*cases, *(each for name in subject.updates for each in _moved_by(name, subject, cases))]


def _moved_by(update: str, subject: Subject, cases: Sequence[Case]) -> Iterator[Case]:
    """Small cases with an update that a subject has, if it needs some beside those recorded."""
    recorded = any(each.update == update and not subject.unfit(each) for each in cases)
    if update == SGD or (recorded and SGD in subject.updates):
        return
    constants = subject.constants or UPDATES[update].constants
    for each in cases:
        if each.update == SGD and not each.parts and entries(each.sizes) <= SMALL:
            made = each.moved_by(update, constants)
            if not subject.unfit(made):
                yield made


def short_format(subject: Subject) -> str | None:
    """The short format in which a subject computes, if it is one."""
    return next((each for each in subject.dtypes if each in SHORT), None)


def _rounding(start: Start, of: Format) -> Start:
    return lambda case, parameters: _Rounding(start(case, parameters), of)


@dataclass(frozen=True)
class _Rounding:
    """A session whose numbers are judged as they round to a format."""

    session: Session
    format: Format

    def step(self, batch: Batch) -> Observation:
        seen = observed(self.session.step(batch))
        return narrowed(seen, self._wider, self.format.rounded, ("it shows", self.format.name))

    def _wider(self, shown: Any) -> bool:
        """Whether an array has numbers that are not of the format."""
        if not isinstance(shown, np.ndarray) or shown.dtype.kind != "f":
            return False
        return shown.dtype != self.format.container or bool(
            np.any((shown != self.format.rounded(shown)) & ~np.isnan(shown))
        )


class ShortSession(ReferenceSession):
    """The reference, each of whose operations rounds to the format of the case."""

    kind = Short

    @classmethod
    def begin(cls, case: Case, parameters: Parameters) -> Session:
        """Start from the parameters of a case, with its equations."""
        return cls(case, parameters, of_layers(case.cost, case.activations))

    def step(self, batch: Batch) -> Step:
        """Take one step."""

        def short(array: Array) -> Array:
            return self.kind.of(array, self.case.format)

        self.parameters = self.parameters.map(short)
        with np.errstate(all="ignore"):  # a constant such as 1 − ρ may round to 0
            return super().step(batch.map(short))


def _short_torch_impl(case: Case, parameters: Parameters) -> Session:
    import torch

    made: Any = find("torch_impl").start(case, parameters.map(lambda each: each.astype(np.float32)))
    made.short, made.scale = getattr(torch, case.dtype), SCALES.get(case.dtype, 1.0)
    return cast("Session", made)


VARIANTS = ("compiled", "func")
DEVICES = ("cpu", "cuda")


def variant(subject: str | None, name: str | None, device: str) -> Subject:
    """The twin by one of its ways, on a device.

    Args:
        subject: which must be `torch_impl`.
        name: one of `VARIANTS`, or the ordinary way.
        device: one of `DEVICES`.

    Raises:
        UsageError: there is no such way or device, or not of this subject.
        SubjectError: it does not work here, and why.
    """
    if subject != "torch_impl":
        raise UsageError("--variant and --device are for torch_impl alone")
    for option, value, choices in (("variant", name, VARIANTS), ("device", device, DEVICES)):
        if value not in (None, *choices):
            raise UsageError(f"--{option} {value}: give {' or '.join(choices)}")
    plain = find(subject)  # says so if torch is not installed
    if name is None:
        return replace(plain, name=f"torch_impl on {device}", start=_on(device, plain.start))
    said = f"torch_impl, {name}"
    made = Subject(said, _on(device, _starting(name)), family=())
    if name == "func":
        return made
    _try_compiler()
    return replace(made, refuses=_not_compiled)


def _on(device: str, start: Callable[[Case, Parameters], Session]) -> Any:
    """The same on a device.

    Raises:
        UsageError: there is none.
    """
    import torch

    if device == "cpu":
        return start
    if not torch.cuda.is_available():
        raise UsageError(f"--device {device}: torch finds no such device here")
    torch.set_default_device(device)
    torch.backends.cuda.matmul.allow_tf32 = False  # whose products have ten bits
    return start


def _starting(name: str) -> Callable[[Case, Parameters], Session]:
    def start(case: Case, parameters: Parameters) -> Session:
        import torch

        from torch_impl import variants

        torch.set_num_threads(1)
        way = variants.FuncTrainer if name == "func" else variants.CompiledTrainer
        return way(parameters, case.cost, case.eta, case.decay, case.activations)

    return start


def _try_compiler() -> None:
    """Compile something small.

    Raises:
        SubjectError: the compiler does not work here.
    """
    import torch

    try:
        torch.compile(torch.nn.Sigmoid())(torch.zeros(2))
    except Exception as error:
        why = headline(error)
        raise SubjectError(f"torch.compile does not work here, nothing is judged: {why}") from error
