"""The arrays that objects, dicts and lists hold: found, replaced, read again.

Left out: which of them are parameters.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CellType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from conformance.programs.vocabulary import BIAS, WEIGHT, bare, is_parameter, stem
from conformance.tracing.trace import is_traced_number, plain


def is_any_tensor(value: Any) -> bool:
    """Whether it is a tensor, also one that torch differentiates."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of numbers that torch does not differentiate."""
    return is_any_tensor(value) and not value.requires_grad


def as_array(value: Any) -> Any:
    """A tensor as an array in the same memory, also within tuples, lists and dicts."""
    if is_tensor(value):
        return value.numpy()
    if type(value) in (tuple, list):
        return type(value)(map(as_array, value))
    if type(value) is dict:
        return {key: as_array(each) for key, each in value.items()}
    return value


def as_tensor(value: Any) -> Any:
    """An array as a tensor in the same memory, also within tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return sys.modules["torch"].from_numpy(plain(value))
    if type(value) in (tuple, list):
        return type(value)(map(as_tensor, value))
    if type(value) is dict:
        return {key: as_tensor(each) for key, each in value.items()}
    return value


def holds_tensors(value: Any) -> bool:
    """Whether an object or a container has such tensors."""
    held = getattr(value, "__dict__", value)
    parts = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return any(
        is_tensor(each)
        or (each is not value and type(each) in (list, dict) and holds_tensors(each))
        for each in parts
    )


@contextmanager
def doubles() -> Iterator[None]:
    """Let a program's tensors be of doubles, as NumPy's arrays are, until the end of the block."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_default_dtype()
    if torch is not None:
        torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        if torch is not None:
            torch.set_default_dtype(before)


DEEP = 6


@dataclass(frozen=True, eq=False)
class Leaf:
    """An array, or a number, and where it is held.

    Attributes:
        path: as Python writes it: `self.W1`, `params['b']`, `self.layers[0].w`.
        name: the last name in the path.
        value: what is there.
        beside: what it is in a dict beside that of the parameters: `gradient`, or `other`.
        whole: whether its name is that of a parameter, and no gradient's: `down` is not of `own`.
    """

    path: str
    name: str
    value: Any
    beside: str = ""
    whole: bool = False

    @property
    def is_parameter(self) -> bool:
        """Whether it is weights or biases by its name, and not in `self.grads["W1"]`."""
        return is_parameter(self.name) and not self.is_gradient and not self.beside

    @property
    def is_gradient(self) -> bool:
        """Whether it is kept as a gradient, by its path."""
        return self.beside == "gradient" or "grad" in self.path.lower()


def short(path: str) -> str:
    """The name of a parameter, as it is said."""
    found = re.fullmatch(r"\w+\['(\w+)'\]", path)
    return found[1] if found else path.removeprefix("self.")


Change = Callable[[Leaf], Any]


def leaves(
    value: Any,
    path: str,
    module: ModuleType | None,
    *,
    computed: bool = False,
    named: Collection[str] = (),
) -> list[Leaf]:
    """The arrays of floats within a value, those of objects of a module's classes too.

    Args:
        value: that holds them.
        path: of it.
        module: of the classes.
        computed: whether numbers that were computed are among them, whatever their names.
        named: what other numbers are called that are among them.
    """
    found: list[Leaf] = []

    def note(leaf: Leaf) -> Any:
        found.append(leaf)
        return leaf.value

    Walk(note, module, computed=computed, named=named).of(value, path, path)
    return found


def changed(
    value: Any,
    path: str,
    module: ModuleType | None,
    change: Change,
    named: Collection[str] = (),
) -> Any:
    """The value with other arrays in it, and such numbers; objects are changed themselves."""
    return Walk(change, module, write=True, named=named).of(value, path, path)


class Walk:
    """One way through all that a value holds."""

    def __init__(
        self,
        change: Change,
        module: ModuleType | None,
        *,
        write: bool = False,
        computed: bool = False,
        named: Collection[str] = (),
    ) -> None:
        self.change, self.module, self.write, self.computed = change, module, write, computed
        self.named = named
        self.seen: dict[int, Any] = {}
        self.depth = 0

    def of(self, value: Any, path: str, name: str) -> Any:
        """The value, changed."""
        array = as_array(value) if is_tensor(value) else value
        known = name in self.named or is_parameter(stem(name))
        number = _is_number(value, name) and known
        number = number or (self.computed and is_traced_number(value))
        if (is_floats(array) and array.size) or number:
            made = self.change(Leaf(path, name, float(value) if type(value) is int else array))
            return value if made is array else as_tensor(made) if array is not value else made
        if not _holds(value, self.module) or self.depth >= DEEP:
            return value
        if id(value) in self.seen:
            return self.seen[id(value)]
        self.seen[id(value)] = value
        self.depth += 1
        made = self._inside(value, path, name)
        self.depth -= 1
        self.seen[id(value)] = made
        return made

    def _inside(self, value: Any, path: str, name: str) -> Any:
        if isinstance(value, Mapping):
            pairs = {
                key: self.of(e, f"{path}[{key!r}]", key if isinstance(key, str) else name)
                for key, e in value.items()
                if not _is_lone_number(value, key)
            }
            if self.write:
                value.update(pairs)  # type: ignore[attr-defined]
        elif isinstance(value, tuple):
            parts = [self.of(e, f"{path}[{i}]", name) for i, e in enumerate(value)]
            if self.write:
                return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        elif isinstance(value, list | np.ndarray):
            self._items(value, path, name)
        elif isinstance(value, FunctionType):
            self._closed_over(value, path)
        else:
            self._attributes(value, path, name)
        return value

    def _items(self, value: Any, path: str, name: str) -> None:
        numbers = bool(len(value)) and all(_is_number(each, name) for each in value)
        for i, each in enumerate(value):
            leaf = Leaf(f"{path}[{i}]", name, each)
            made = self.change(leaf) if numbers else self.of(each, leaf.path, name)
            if self.write:
                value[i] = made

    def _attributes(self, value: Any, path: str, name: str) -> None:
        held = dict(vars(value))
        for key, each in held.items():
            if _is_lone_number(held, key):
                continue
            made = self.of(each, f"{path}.{key}", _inner_name(name, key))
            if self.write and made is not each:
                write = type if isinstance(value, type) else object  # a frozen dataclass too
                write.__setattr__(value, key, made)

    def _closed_over(self, function: FunctionType, path: str) -> None:
        """The variables of the function around one, which are held as attributes are."""
        root, cells = path.partition(".")[0], function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            if id(cell) not in self.seen and _is_full(cell):
                self.seen[id(cell)] = cell
                made = self.of(cell.cell_contents, f"{root}.{name}", name)
                if self.write and made is not cell.cell_contents:
                    cell.cell_contents = made


def _is_lone_number(held: Mapping[Any, Any], key: Any) -> bool:
    """Whether it is a number named as a bias, but not held with weights: the b1 of an optimizer."""
    each = held[key]
    number = isinstance(key, str) and _is_number(each, key) and not is_traced_number(each)
    return number and bool(BIAS.fullmatch(bare(key))) and not any(
        isinstance(e, list | tuple)
        or (isinstance(k, str) and WEIGHT.fullmatch(bare(k)) and type(e) is not int)
        for k, e in held.items()
    )  # fmt: skip


def _inner_name(name: str, key: str) -> str:
    """The name of what an attribute holds: `weight.value` is a weight, `weight.grad` is its d.

    A name with two underscores in front has that of its class before them.
    """
    key = re.sub(r"^_\w+?__(?=\w)", "", key)
    if key in VALUES and is_parameter(name):
        return name
    return f"d{name}" if key in GRADIENTS and is_parameter(name) else key


VALUES = {"value", "data", "val", "array", "values", "_value", "_data"}
GRADIENTS = {"g", "grad", "gradient", "_grad", "dvalue", "derivative", "d"}


def _holds(value: Any, module: ModuleType | None) -> bool:
    """Whether arrays may be inside a value."""
    if isinstance(value, Mapping | list | tuple):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.hasobject and value.ndim == 1
    if isinstance(value, FunctionType):
        return bool(value.__closure__) and module is not None and _of(value, module)
    return _is_own(value, module)


def _is_full(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # its variable has no value yet
        return False


def is_floats(value: Any) -> bool:
    """Whether it is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _is_number(value: Any, name: str) -> bool:
    """Whether it is a number that may be a parameter; `b = 0` is a bias of no fraction yet."""
    begins = type(value) is int and value == 0 and BIAS.fullmatch(bare(stem(name))) is not None
    return isinstance(value, float | np.floating) or begins


def _is_own(value: Any, module: ModuleType | None) -> bool:
    """Whether it is an object of one of the module's classes, or a bare namespace."""
    if module is None or isinstance(value, type | FunctionType | ModuleType):
        return False
    if type(value) is SimpleNamespace:
        return True
    return _of(type(value), module) and hasattr(value, "__dict__")


def _of(value: type | FunctionType, module: ModuleType) -> bool:
    """Whether a module defines it."""
    return value.__module__ == module.__name__


def arrays_in(parts: Iterable[Any]) -> list[Any]:
    """The arrays of floats among what is returned, those within tuples, lists and dicts too."""
    found: list[Any] = []
    for each in parts:
        if isinstance(each, dict):
            found += arrays_in(each.values())
        elif isinstance(each, tuple | list):
            found += arrays_in(each)
        elif is_floats(each):
            found.append(each)
    return found
