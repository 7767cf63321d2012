"""Which gradient belongs to which parameter: by its name, else as the only one of its shape.

Left out: where a program leaves them (`places.py`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.programs.held_state import Leaf, short
from conformance.programs.vocabulary import BIAS, bare, is_gradient, kinds_of, stem
from conformance.shapes.attempts import Attempt
from conformance.tracing.node import Node

Key = tuple[str, tuple[str, ...]]


def key_of(leaf: Leaf) -> Key:
    """What the names of a parameter and of its gradient have in common."""
    return _key(bare(leaf.name) if leaf.whole else stem(leaf.name), leaf.path)


@lru_cache(maxsize=1 << 14)
def _key(words: str, path: str) -> Key:
    return _canonical(words), tuple(re.findall(r"\[(\d+)\]", path))


def _canonical(words: str) -> str:
    for kind, pattern in (("w", r"(weights?|w|theta|kernel)(.*)"), ("b", r"(bias(?:es)?|b)(.*)")):
        found = re.fullmatch(pattern, words)
        if found:
            return kind + found[2]
    return words


def parameter_key(leaf: Leaf) -> Key:
    """As `key_of`, of a parameter."""
    return _key(bare(leaf.name), leaf.path)


def _parameters(
    run: Attempt, found: Sequence[Leaf], moved: set[str], after: Mapping[str, Node]
) -> dict[str, tuple[Leaf, Node]]:
    """What a program begins with that may have a gradient.

    If no name tells, it is each array that it computes with and leaves as it is.
    """
    began = {
        path: (leaf, node)
        for path, (leaf, node) in run.start.items()
        if node is not None and not (leaf.is_gradient or leaf.beside)
    }
    read = {parameter_key(leaf) for leaf, node in began.values() if node.consumers}
    began = {  # what is kept for a weight may have its name, as `velocity.weights`
        path: (leaf, node)
        for path, (leaf, node) in began.items()
        if node.consumers or parameter_key(leaf) not in read
    }
    told = {
        path: (leaf, node)
        for path, (leaf, node) in began.items()
        if (
            leaf.is_parameter
            or short(path) in moved
            or not path.startswith("self")
            or "params" in kinds_of(leaf.name)
            or _is_asked_for(run, leaf, node, found, stays=after.get(path) is node)
        )
    }
    stays = _that_stay(run, after)
    return {**told, **_in_lists(told, stays, found)} if told else stays


def _that_stay(run: Attempt, after: Mapping[str, Node]) -> dict[str, tuple[Leaf, Node]]:
    """The arrays that a program begins with, computes with and leaves as they are; no data."""
    data = [run.node(run.scope.kinds[kind]) for kind in ("inputs", "targets")]
    return {
        path: (leaf, node)
        for path, (leaf, node) in run.start.items()
        if node is not None and not (leaf.is_gradient or leaf.beside)
        if np.ndim(leaf.value) and node.consumers and node not in data and after.get(path) is node
    }


def _in_lists(
    told: Mapping[str, tuple[Leaf, Node]],
    stays: Mapping[str, tuple[Leaf, Node]],
    found: Sequence[Leaf],
) -> dict[str, tuple[Leaf, Node]]:
    """The lists of arrays beside parameters of which a list of gradients is given, of no other's.

    Such as `self.sesgos` beside `self.weights`.
    """
    known = {parameter_key(leaf) for leaf, _ in told.values()}
    left = lists_of(each for each in found if key_of(each) not in known)
    lists = lists_of(leaf for path, (leaf, _) in stays.items() if path not in told)
    given = [[np.shape(each.value) for each in leaves.values()] for leaves in left.values()]
    fitting = [e for e in lists.values() if [np.shape(leaf.value) for leaf in e.values()] in given]
    return {path: stays[path] for leaves in fitting for path in leaves}


def lists_of(arrays: Iterable[Leaf]) -> dict[str, dict[str, Leaf]]:
    """The arrays in each list, by their paths, in order."""
    lists: dict[str, dict[str, Leaf]] = {}
    for leaf in arrays:
        if name := list_of(leaf.path):
            lists.setdefault(name, {})[leaf.path] = leaf
    return {name: dict(sorted(each.items(), key=_place)) for name, each in lists.items()}


def _place(item: tuple[str, Leaf]) -> int:
    return int(item[0].rpartition("[")[2].removesuffix("]"))


def list_of(path: str) -> str:
    """What has a value at a place: `self.sesgos` of `self.sesgos[0]`; nothing if it is no list."""
    found = re.fullmatch(r"(.+)\[\d+\]", path)
    return found[1] if found else ""


def unnamed(
    run: Attempt, found: Sequence[Leaf], known: Collection[str], after: Mapping[str, Node]
) -> dict[str, tuple[Leaf, Node]]:
    """The arrays by their paths that no name tells to be parameters, and gradients are made of.

    Args:
        run: of the program.
        found: what may be a gradient.
        known: the paths of the parameters.
        after: what each value is at the end, by its path.
    """
    output = run.scope.kinds.get("output")
    made = [run.node(e) for e in (*(e.value for e in found), output) if isinstance(e, np.ndarray)]
    other = {run.start[path][1] for path in known}
    return {
        path: (leaf, node)
        for path, (leaf, node) in _that_stay(run, after).items()
        if node not in other and any(each.depends_on(node) for each in made)
    }


def matched(
    run: Attempt,
    given: Sequence[Leaf],
    kept: Sequence[Leaf],
    moved: set[str],
    after: Mapping[str, Node],
) -> list[Goal]:
    """Each parameter with its gradient, by name, by its place in a list, and then by shape.

    Args:
        run: the program's.
        given: what may be a gradient, and is returned: it comes first.
        kept: likewise, and is kept by an object.
        moved: the names of the parameters that the program moves.
        after: what each value is at the end, by its path.
    """
    given, kept = _by_whole_names(run, given), _by_whole_names(run, kept)
    found = [*given, *kept]
    parameters = _parameters(run, found, moved, after)
    pairs: dict[str, Leaf] = {}
    by_key = dict[Key, list[Leaf]]()
    for each in found:
        by_key.setdefault(key_of(each), []).append(each)
    for path, (leaf, _) in parameters.items():
        fitting = by_key.get(parameter_key(leaf), [])
        shaped = [each for each in fitting if np.shape(each.value) == np.shape(leaf.value)]
        chosen = shaped or fitting
        named = [e for e in chosen if bare(leaf.name) in (bare(e.name), stem(e.name))]
        chosen = named or chosen  # `db` is that of `b`, where there is a `bias` too
        inside = _inside(path)
        chosen = [e for e in chosen if inside and _inside(e.path) == inside] or chosen
        beside = [each for each in chosen if holder(each.path) == holder(path)]
        returned = [each for each in given if any(each is one for one in chosen)]
        if chosen:
            pairs[path] = (beside or returned or chosen)[-1]
    pairs |= _by_place(parameters, found, pairs)
    if len(pairs) < len(parameters):
        pairs |= _by_shape(parameters, found, pairs)
    others, x = unnamed(run, found, parameters, after), np.shape(run.scope.kinds["inputs"])
    left = [e for e in found if is_gradient(e.name) and np.shape(e.value) != x]
    pairs |= _by_shape(others, left, pairs)
    parameters |= others
    unpaired = {e: each for e, each in parameters.items() if e not in pairs and e not in moved}
    pairs |= _by_holder(run, unpaired, after, {run.node(e.value) for e in pairs.values()})
    paths = {parameters[path][1]: path for path in reversed(parameters)}  # it may have several
    order = {id(each): i for i, each in enumerate([*pairs.values(), *found])}
    first = sorted(pairs.items(), key=lambda pair: order[id(pair[1])], reverse=True)
    nodes = {parameters[path][1]: run.node(each.value) for path, each in first}
    return [Goal(short(paths[e]), e, node) for e, node in nodes.items()]


def _by_whole_names(run: Attempt, found: Sequence[Leaf]) -> list[Leaf]:
    """What may be a gradient, marked where it has the name of what the output is made of.

    Such as `down` in a dict of gradients: `d` is a part of the name, unless there is an `own`.
    """
    output = run.scope.kinds.get("output")
    began = {parameter_key(leaf): node for leaf, node in run.start.values()}
    made = run.node(output) if isinstance(output, np.ndarray) else None
    used = {key for key, e in began.items() if made and e and made.depends_on(e)}
    whole = [replace(each, whole=True) for each in found]
    return [
        by_name if key_of(by_name) in used and key_of(each) not in began else each
        for each, by_name in zip(found, whole, strict=True)
    ]


def numbers_like(began: Iterable[str], path: str, value: Any) -> str:
    """What gradients in a list are called, where parameters are the numbers of a list like it.

    Args:
        began: the paths of the parameters.
        path: of the list of gradients.
        value: it.
    """
    lists: dict[str, list[str]] = {}
    for name, place in chain.from_iterable(map(_name_and_place, began)):
        lists.setdefault(name, []).append(place)
    places = [*_places(value)]
    alike = [name for name, each in lists.items() if each == places]
    named = [name for name in alike if _canonical(stem(path)) == _canonical(bare(name))]
    return path if named else f"d{alike[0]}" if len(alike) == 1 else ""


@lru_cache(maxsize=1 << 14)
def _name_and_place(path: str) -> tuple[tuple[str, str], ...]:
    found = re.fullmatch(r"(?:.*\.)?(\w+?)((?:\[\d+\])+)", path)
    return ((found[1], found[2]),) if found else ()


def _places(value: Any, place: str = "") -> Iterator[str]:
    """The places of what is in a list and in the lists in it: `[0][1]`."""
    if not isinstance(value, list):
        yield place
        return
    for i, each in enumerate(value):
        yield from _places(each, f"{place}[{i}]")


def holder(path: str) -> str:
    """What holds a value: `self.layers[0]` of `self.layers[0].W`."""
    return path.rpartition(".")[0]


def _inside(path: str) -> str:
    """Where a value is in a dict or a list: `['hidden']['b']` of `params['hidden']['b']`."""
    return re.sub(r"^[\w.]+", "", path)


def is_beside_a_parameter(run: Attempt, leaf: Leaf) -> bool:
    """Whether an array is kept at the place of a parameter of its shape, in the same object."""
    began = (each for each, _ in run.start.values() if each.is_parameter and each.path != leaf.path)
    return any(_is_beside(leaf, each) for each in began)


def _is_beside(one: Leaf, other: Leaf) -> bool:
    """Whether two arrays of one shape are at the same place of what an object holds."""
    return _at(one.path) == _at(other.path) and np.shape(one.value) == np.shape(other.value)


def _at(path: str) -> tuple[str, str]:
    """What holds a value, and where it is in what the last name has."""
    return holder(path), re.sub(r"^\w+", "", path.rpartition(".")[2])


def _is_asked_for(
    run: Attempt, leaf: Leaf, node: Node, found: Sequence[Leaf], *, stays: bool
) -> bool:
    """Whether the program computes with a value of its own, and gives a gradient of its name.

    That of a state may have another shape than the first state, in whose place the last one is put.
    """
    own = parameter_key(leaf)
    any_shape = stays and np.ndim(leaf.value) and "state" not in kinds_of(leaf.name)
    data = [run.node(run.scope.kinds[kind]) for kind in ("inputs", "targets")]
    return bool(node.consumers) and node not in data and any(
        key_of(each) == own
        and (any_shape or np.shape(each.value) == np.shape(leaf.value))
        for each in found
        if run.node(each.value) is not node
    )  # fmt: skip


def _by_place(
    parameters: Mapping[str, tuple[Leaf, Node]], found: Sequence[Leaf], known: dict[str, Leaf]
) -> dict[str, Leaf]:
    """The gradients of a list of all parameters, such as `self.params`, given one after another."""
    named = {id(each) for each in known.values()}
    pairs: dict[str, Leaf] = {}
    for leaves in lists_of(leaf for leaf, _ in parameters.values()).values():
        shapes = [np.shape(leaf.value) for leaf in leaves.values()]
        given = [found[i : i + len(shapes)] for i in range(len(found))]
        given = [each for each in given if named.isdisjoint(map(id, each))]
        fitting = [each for each in given if [np.shape(e.value) for e in each] == shapes]
        if len(fitting) == 1 and all("params" in kinds_of(e.name) for e in leaves.values()):
            pairs |= dict(zip(leaves, fitting[0], strict=True))
    return {path: each for path, each in pairs.items() if path not in known}


def _by_shape(
    parameters: Mapping[str, tuple[Leaf, Node]], found: Sequence[Leaf], known: dict[str, Leaf]
) -> dict[str, Leaf]:
    """The gradients of parameters that no name tells, each the only one of its shape."""
    taken = {id(each) for each in known.values()}
    paired = {parameters[path][1] for path in known if path in parameters}
    pairs: dict[str, Leaf] = {}
    free, began = _of_each_shape(found), _of_each_shape(leaf for leaf, _ in parameters.values())
    for path, (leaf, node) in parameters.items():
        if node in paired:
            continue
        shape = np.shape(leaf.value)
        fitting = [each for each in free.get(shape, ()) if id(each) not in taken]
        inside = [e for e in fitting if key_of(e)[1] == parameter_key(leaf)[1]]
        if len(fitting) > len(inside) == 1:
            pairs[path] = inside[0]
            continue
        alike = {parameters[each.path][1] for each in began[shape]}
        if len(fitting) == 1 and len(alike - paired) == 1:
            pairs[path] = fitting[0]
    return pairs


def _by_holder(
    run: Attempt,
    parameters: Mapping[str, tuple[Leaf, Node]],
    after: Mapping[str, Node],
    known: Collection[Node],
) -> dict[str, Leaf]:
    """The gradients that no name tells, each the only array beside its parameter of its shape.

    It is at the same place of a list or a dict, was made on the way back, and is none of the
    gradients that are known. A parameter that was moved may have a velocity there.
    """
    began = {path: node for path, (_, node) in run.start.items()}
    made = [
        each
        for each in run.end()
        if began.get(each.path) is not (node := run.node(each.value)) and node.number >= run.since
    ]
    pairs = dict[str, Leaf]()
    for path, (leaf, node) in parameters.items():
        beside = [each for each in made if np.ndim(leaf.value) and _is_beside(each, leaf)]
        own = after.get(path) is node
        if len(beside) == 1 and own and run.node(beside[0].value) not in known:
            pairs[path] = beside[0]
    return pairs


def _of_each_shape(found: Iterable[Leaf]) -> dict[tuple[int, ...], list[Leaf]]:
    by_shape: dict[tuple[int, ...], list[Leaf]] = {}
    for each in found:
        by_shape.setdefault(np.shape(each.value), []).append(each)
    return by_shape


def is_bias(path: str) -> bool:
    """Whether a parameter is a bias by its name."""
    words = re.sub(r"\[[^\]]*\]$", "", path) if not path.endswith("']") else short(path)
    return BIAS.fullmatch(bare(words.rpartition(".")[2])) is not None


def is_only_added(node: Node | None) -> bool:
    """Whether a number is never multiplied, such as the last of a neuron's weights: a bias."""
    used = () if node is None or np.shape(node.value) else node.consumers
    return bool(used) and all(each.operation in ("add", "subtract") for each in used)


def is_factor(path: str, node: Node) -> bool:
    """Whether a number that is named as a bias is multiplied, as a setting is: `self.beta`."""
    number = bool(node.consumers) and not np.shape(node.value)
    return number and is_bias(path) and not is_only_added(node)
