"""The places of a quantity in a run with other widths, from those in a small one.

Left out: finding them in the small one (`pattern.py`).
"""

import numpy as np

from conformance.tracing.index import Location
from conformance.tracing.trace import Trace
from reference.step import Array


def stretched(
    location: Location, small: Trace, large: Trace, shape: tuple[int, ...]
) -> Location | None:
    """The same places in a run with other widths; None if it is not known where they went."""
    if location.nodes.shape == shape and all(
        np.shape(small.nodes[n].value) == np.shape(large.nodes[n].value) for n in location.numbers
    ):
        return location
    rows, columns = (np.asarray(each) for each in np.indices(location.nodes.shape))
    new_rows, new_columns = (np.asarray(each) for each in np.indices(shape))
    whole = len(location.numbers) == 1
    if not whole and location.nodes.shape[1] != shape[1]:
        return None
    nodes, places = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for number in location.numbers:
        mask = location.nodes == number
        alone = (
            np.ones(shape, dtype=bool) if whole else np.isin(new_columns, np.unique(columns[mask]))
        )
        before, now = np.shape(small.nodes[number].value), np.shape(large.nodes[number].value)
        found = _moved(
            location.places[mask], (rows[mask], columns[mask]), before,
            now, (new_rows[alone], new_columns[alone]),
            (location.nodes.shape, shape),
        )  # fmt: skip
        if found is None:
            return None
        nodes[alone], places[alone] = number, found
    return Location(nodes, places, location.factor)


def _moved(
    places: Array,
    entries: tuple[Array, Array],
    before: tuple[int, ...],
    now: tuple[int, ...],
    new: tuple[Array, Array],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> Array | None:
    """Places in a larger array that follow the same rule, row + a or column + a along each axis."""
    (rows, columns), (new_rows, new_columns) = entries, new
    small, large = shapes
    if not before or (len(before) == 1 and before[0] != int(np.prod(small)) and small[1] > 1):
        return None  # a part of a longer vector
    if len(before) == 1 and before[0] == int(np.prod(small)) and len(np.unique(columns)) > 1:
        straight = np.array_equal(places, rows * small[1] + columns)
        turned = np.array_equal(places, columns * small[0] + rows)
        if now[0] != int(np.prod(large)) or not (straight or turned):
            return None
        along: Array = (
            new_rows * large[1] + new_columns if straight else new_columns * large[0] + new_rows
        )
        return along
    coordinates = []
    for axis, held in enumerate(np.unravel_index(places, before)):
        rules = (
            (rows, new_rows, small[0], large[0]),
            (columns, new_columns, small[1], large[1]),
            (0 * rows, 0 * new_rows, 1, 1),
        )
        for old, grown, length, longer in rules:
            shifts = {0: 0, before[axis] - length: now[axis] - longer}  # at one end or the other
            shift = held.flat[0] - old.flat[0]
            if shift in shifts and (held - old == shift).all():
                coordinates.append(grown + shifts[int(shift)])
                break
        else:
            return None
    if any((c >= n).any() or (c < 0).any() for c, n in zip(coordinates, now, strict=True)):
        return None
    return np.asarray(np.ravel_multi_index(tuple(coordinates), now))
