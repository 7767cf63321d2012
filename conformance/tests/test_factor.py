"""The factors that are conventions."""

from conformance.backward.factor import conventions


def test_of_many_lengths_those_that_most_values_have_are_combined() -> None:
    found = conventions([80] * 9 + [3] * 5 + [*range(4, 70)])
    assert {1.0, 2.0, 0.5, 80.0, 1 / 80, 240.0} <= {*found}
    assert len(found) <= 3**7
