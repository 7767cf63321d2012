"""The twin by other ways of PyTorch, and on another device, as subjects.

What cannot be done here is said with its reason, and nothing is judged. Left out: the ways
themselves (`torch_impl/variants.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.running.tracebacks import headline
from conformance.subjects import Session, Subject
from conformance.subjects.named import CompiledSubject, find
from reference.step import Parameters

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
    return CompiledSubject(said, made.start, family=())


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
