"""Recording tensors: every torch operation on them leaves its value, its inputs and its line.

A `TorchFunctionMode` calls each function with the subject's own tensors and gives back the result
as it is, so the run is bit for bit the unwatched one. A tensor is known by its identity; one that
is not, such as a row of another or a tensor made of a list, by its bytes, as arrays are. Left out:
what autograd computes in its backward pass, and what leaves torch by `.numpy()` or `.tolist()`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from conformance.watching.events import Event, Sources, holds
from conformance.watching.recording import Recording
from conformance.watching.watched import flat
from reference.step import Array

NAMES = {
    **dict.fromkeys(("mul", "rmul", "imul"), "multiply"),
    **dict.fromkeys(("mm", "mv", "bmm", "rmatmul", "imatmul"), "matmul"),
    **dict.fromkeys(("radd", "iadd"), "add"),
    **dict.fromkeys(("sub", "rsub", "isub"), "subtract"),
    **dict.fromkeys(("div", "rdiv", "idiv", "truediv", "rtruediv", "itruediv"), "divide"),
    "true_divide": "divide",
    **dict.fromkeys(("t", "T", "mT", "H", "mH", "adjoint", "permute", "swapaxes"), "transpose"),
    **dict.fromkeys(("swapdims", "movedim", "moveaxis"), "transpose"),
    "neg": "negative",
    "ger": "outer",
    "floordiv": "floor_divide",
}
"""What NumPy calls an operation, by what torch calls it without underscores."""

ALIASES = {
    "as_tensor", "asarray", "broadcast_to", "chunk", "clone", "contiguous", "cpu", "data", "detach",
    "diagonal", "double", "expand", "expand_as", "flatten", "float", "getitem", "narrow", "ravel",
    "requires_grad", "reshape", "reshape_as", "resolve_conj", "resolve_neg", "select", "split",
    "squeeze", "tensor", "to", "type", "unbind", "unflatten", "unsqueeze", "view", "view_as",
}  # fmt: skip
"""Operations that compute nothing: their result is the tensor that they are given, or a part."""

ARITHMETIC = {"add", "subtract", "multiply", "divide", "floor_divide", "pow"}
"""Operations whose plain numbers are operands; those of the others are dimensions."""

AUTOGRAD = {"grad", "backward"}
TURNS = {"T", "mT", "H", "mH", "data"}  # attributes that are operations
READABLE = {torch.float32, torch.float64, torch.bool, torch.int32, torch.int64}


def numbers(tensor: torch.Tensor) -> Array | None:
    """The numbers of a tensor as a copy of their own; None if it has none that NumPy could hold."""
    if tensor.layout != torch.strided or tensor.dtype not in READABLE:
        return None
    try:
        return np.array(tensor.detach().cpu().numpy())
    except RuntimeError:  # inside torch.func a tensor stands for many and has no numbers
        return None


class TensorWatch(TorchFunctionMode):
    """While it is entered, operations of the subject's lines are recorded."""

    def __init__(self, recording: Recording) -> None:
        """Record into these events."""
        super().__init__()
        self.recording = recording
        self.autograd = False  # whether it was asked for a gradient
        self._tied: dict[int, tuple[torch.Tensor, Event]] = {}  # holds them: an id stays theirs

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, and record what came out of it."""
        kwargs = kwargs or {}
        name = _name(func)
        self.autograd = self.autograd or name in AUTOGRAD
        if name in ("", *AUTOGRAD) or name.startswith("new_") or name.endswith("_like"):
            return func(*args, **kwargs)  # what comes out is not computed from these numbers
        sources = self._sources((*args, *kwargs.values()))
        result = func(*args, **kwargs)
        if not sources[0]:
            return result
        if name == "setitem" or (name == "data" and result is None):
            self._rewrite(name, args[0], sources)
        else:
            sources = self._scaled(name, kwargs, sources)
            for each in _tensors((result,)):
                self._note(name, each, sources, (*args, kwargs.get("out")))
        return result

    def tie(self, tensor: torch.Tensor, event: Event) -> None:
        """Know a tensor as what an event computed."""
        self._tied[id(tensor)] = tensor, event

    def event(self, tensor: torch.Tensor, value: Array) -> Event | None:
        """What computed a tensor, whose present numbers are given; a tensor it is a part of."""
        tied = self._tied.get(id(tensor))
        if tied is None:
            return self.recording.find(value)
        return tied[1] if holds(value, tied[1]) else self.recording.find(value) or tied[1]

    def known(self, tensor: torch.Tensor, value: Array) -> Array:
        """The present numbers of a tensor, watched if something is known to have computed it."""
        event = self.event(tensor, value)
        return value if event is None else self.recording.known(value, event)

    def _sources(self, operands: Iterable[Any]) -> Sources:
        events, constants = [], []
        for each in flat(operands):
            if isinstance(each, torch.Tensor):
                value = numbers(each)
                event = None if value is None else self.event(each, value)
                if event is not None:
                    events.append(event)
                elif value is not None and value.size == 1:
                    constants.append(float(value.item()))
            elif isinstance(each, int | float):
                constants.append(float(each))
        return tuple(events), tuple(constants)

    def _scaled(self, name: str, kwargs: dict[str, Any], sources: Sources) -> Sources:
        """The sources, those of a ± alpha b being a and the product, an event of its own."""
        alpha = kwargs.get("alpha")
        if name not in ARITHMETIC:
            return sources[0], ()
        if name not in ("add", "subtract") or alpha is None or len(sources[0]) < 2:  # noqa: PLR2004 - a and b
            return sources
        first, second = sources[0][:2]
        product = self.recording.record(
            "multiply", second.value * float(alpha), ((second,), (float(alpha),))
        )
        return (first, product or second), ()

    def _note(self, name: str, result: torch.Tensor, sources: Sources, operands: Any) -> None:
        """Record a tensor that an operation gave, or wrote into one of its operands."""
        if name in ALIASES:
            self._tied.setdefault(id(result), (result, sources[0][0]))
        elif any(result is each for each in operands):
            self._rewrite(name, result, sources)
        else:
            value = numbers(result)
            if value is not None:
                event = self.recording.record(name, value, sources)
                self.tie(result, event or sources[0][0])

    def _rewrite(self, name: str, target: torch.Tensor, sources: Sources) -> None:
        """Record an operation that wrote into a tensor, and so into all that share its memory."""
        value = numbers(target)
        if value is None:
            return
        event = self.recording.record(name, value, sources)
        if event is None:
            return
        self.tie(target, event)
        memory = target.untyped_storage().data_ptr()
        for other, before in list(self._tied.values()):
            if other is target or other.untyped_storage().data_ptr() != memory:
                continue
            now = numbers(other)
            if now is None or now.size != before.value.size or holds(now, before):
                continue  # it is a part of something, or of another part of the memory
            same = now.shape == value.shape and now.tobytes() == value.tobytes()
            written = self.recording.record(name, now, ((event, before), ()))
            self.tie(other, event if same or written is None else written)


def _name(func: Any) -> str:
    """What NumPy calls an operation; nothing for an attribute that is none."""
    name: str = getattr(func, "__name__", "")
    if name in ("__get__", "__set__"):
        name = func.__self__.__name__
        if name not in TURNS:
            return ""
    name = name if name == "T" else name.strip("_")
    return NAMES.get(name, name)


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    return (each for each in flat(values) if isinstance(each, torch.Tensor))
