"""The project's own subjects, and any subject by its name."""

from dataclasses import dataclass
from pathlib import Path

from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.model.table import of_layers
from conformance.subjects import COMMAND, ReferenceSession, Session, Subject
from conformance.versions import has_jax, has_torch
from reference.step import Parameters

COMPILED = ("hand-2-3-1", "square-4-4-4-4", "relu-softmax-4-4-4-3")
"""Cases that are compiled: each of another shape takes the compiler some seconds."""


@dataclass(frozen=True)
class CompiledSubject(Subject):
    """The twin, compiled, in a few cases."""

    def unfit(self, case: Case) -> str:
        """Why a case cannot be put to the subject, or nothing."""
        few = case.id.removesuffix("-float32") in COMPILED
        return super().unfit(case) if few else "is compiled in a few cases alone"


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

    return CompiledSubject(JAX, JaxSession, family=())


def find(name: str) -> Subject:
    """The subject of this name.

    Raises:
        UsageError: there is none, or torch is not installed, which it needs.
    """
    if name.startswith(COMMAND):
        from conformance.subjects.command.subject import command_subject

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
    from conformance.subjects.load import folder_words

    if Path(name).is_dir():
        return folder_words(name)
    what = f"{name} is no file of Python" if Path(name).is_file() else f"no subject {name!r}"
    known = ", ".join(sorted((*SUBJECTS, JAX)))
    forms = "FILE.py:Name, package.module:Name, a .safetensors trace or cmd:COMMAND"
    return f"{what}: give {known}, {forms}"


def available() -> list[str]:
    """The names of the project's own subjects that can be run here."""
    return [name for name in SUBJECTS if name != "torch_impl" or has_torch()]
