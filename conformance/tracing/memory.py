"""The memory of arrays: which of them share numbers, and where in them a view is.

Left out: what computed the numbers (`trace.py`).
"""

from bisect import bisect, insort
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from conformance.tracing.node import Node, Write
from reference.step import Array


@dataclass(eq=False, slots=True)
class Memory:
    """The numbers that several arrays share, and what was written into them.

    Attributes:
        owner: the array that holds them all: the first that is known to, such as a transpose.
        state: what computed them, as an array of the owner's shape.
        writes: what was written since.
        version: the number of writes so far.
        views: what computed the numbers of a view, by its place, and the version then.
    """

    owner: Array
    state: Node | None = None
    writes: list[Write] = field(default_factory=list)
    version: int = 0
    views: dict[Any, tuple[int, Node]] = field(default_factory=dict)


class Memories:
    """The memories that are known, by their owner or by an address within them.

    Attributes:
        age: the version at which a new memory begins.
    """

    def __init__(self) -> None:
        self.age = 0
        self._by_owner: dict[int, Memory] = {}
        self._new: list[Memory] = []  # those that are not among the addresses yet
        self._addresses: list[int] = []
        self._at: dict[int, Memory] = {}

    def of(self, array: Array) -> Memory:
        """The memory of an array, a new one if it is not known."""
        owner = array if array.base is None else owner_of(array)
        found = self._by_owner.get(id(owner))
        if found is None and owner.base is not None:
            found = self.at(address(owner))  # it is another's memory, such as a tensor's
        if found is None:
            found = self.keep(owner, array if _is_all(array, owner) else _numbers_of(owner))
        return found

    def keep(self, owner: Array, whole: Array | None = None) -> Memory:
        """A new memory, of all the numbers of an array, in the order of a view of them all."""
        whole = owner if whole is None else whole
        made = self._by_owner[id(owner)] = Memory(whole, version=self.age)  # keeps it and its id
        self._new.append(made)
        return made

    def at(self, start: int) -> Memory | None:
        """The memory that holds an address; None if it is not known."""
        for each in self._new:
            if each.owner.nbytes:
                insort(self._addresses, address(each.owner))
                self._at[address(each.owner)] = each
        self._new.clear()
        before = bisect(self._addresses, start)
        if not before:
            return None
        found = self._at[self._addresses[before - 1]]
        return found if start < address(found.owner) + found.owner.nbytes else None

    def knows(self, array: Array) -> bool:
        """Whether something is known of the memory of a plain array."""
        owner = owner_of(array)
        if owner.base is not None and self.at(address(owner)) is not None:
            return True
        return id(owner) in self._by_owner

    def cut(self, count: int) -> None:
        """Let go what is known by nodes of a number or above it, which a trace has let go."""
        for each in self._by_owner.values():
            if each.state is not None and each.state.number >= count:
                each.state = None
            each.views = {at: e for at, e in each.views.items() if e[1].number < count}

    def forget(self) -> None:
        """Know none any more."""
        for each in self._by_owner.values():
            each.version = -1  # an array that knows its memory is no longer of it
        for known in (self._by_owner, self._new, self._addresses, self._at):
            known.clear()


def _is_all(array: Array, owner: Array) -> bool:
    """Whether a view has all numbers of its owner, each once, in whatever order of the axes."""
    axes = sorted((s, n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1)
    lengths = accumulate((n for _, n in axes), mul, initial=array.itemsize)
    dense = all(s == length for (s, _), length in zip(axes, lengths, strict=False))
    return dense and array.dtype == owner.dtype and array.size == owner.size


def owner_of(array: Array) -> Array:
    """The array that owns the numbers of a view; an array that is no view itself."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: Array) -> int:
    """Where in memory the first entry of an array is."""
    return int(array.__array_interface__["data"][0])


def _numbers_of(owner: Array) -> Array:
    """The numbers of a structured array, if they are all of one kind; else the array itself."""
    fields = [kind for kind, *_ in (owner.dtype.fields or {}).values()]
    kinds = {each.base for each in fields}
    whole = sum(each.itemsize for each in fields) == owner.itemsize and owner.ndim > 0
    whole = whole and owner.flags.c_contiguous
    (kind,) = kinds if len(kinds) == 1 else (owner.dtype,)
    return owner.view(kind) if whole and kind.kind == "f" else owner


def place(array: Array, owner: Array) -> Array | None:
    """Where in its flattened owner the entries of a view are; None if it is the whole of it.

    Indices count the owner's entries in the order of its rows, whatever its layout in memory is.
    """
    size = owner.itemsize or 1
    start = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    if array.shape == owner.shape and array.strides == owner.strides and start == 0:
        return None
    offsets = _offsets(array, size, start // size)
    if owner.flags.c_contiguous:
        return offsets
    own = _offsets(owner, size)
    order = np.argsort(own, axis=None)
    return np.asarray(order[np.searchsorted(own.ravel()[order], offsets)])


def _offsets(array: Array, size: int, start: int = 0) -> Array:
    """How many numbers each entry of an array is behind its first in memory, and a start."""
    axes = zip(array.shape, array.strides, strict=True)
    return np.asarray(sum(np.ix_(*(np.arange(n) * (stride // size) for n, stride in axes)), start))


def places_at(array: Array, owner: Array, key: Any) -> Array | None:
    """Where in its flattened owner the entries at a key of a view are; None if it is all of it."""
    own = place(array, owner)
    if own is None:
        if is_all(key):
            return None
        own = np.arange(array.size).reshape(array.shape)
    return np.asarray(own[key])


def is_all(key: Any) -> bool:
    """Whether all entries of an array are at a key, in their order."""
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))
