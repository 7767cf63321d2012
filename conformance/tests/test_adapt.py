"""Which kind of subject an object is taken for, and what is said of one that is none."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.judging.judge import check_case
from conformance.subjects.adapt import adapt
from conformance.tests.networks.book import Network
from conformance.tests.support import recorded
from conformance.verdict.compare import Status


def right(thing: Any) -> None:
    """Check that it is adapted and passes."""
    assert check_case(adapt(thing, "it"), recorded("hand-2-3-1")).status is Status.PASS


def refused(thing: Any) -> str:
    """The one line with which it is refused."""
    with pytest.raises(UsageError) as caught:
        adapt(thing, "it")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_class_with_the_books_interface() -> None:
    right(Network)


def test_a_factory_of_such_a_class() -> None:
    right(partial(Network))


def test_an_instance_of_such_a_class_stands_for_its_class() -> None:
    right(Network([2, 3, 1]))


def test_an_instance_whose_class_takes_no_sizes_is_refused() -> None:
    class Fixed(Network):
        def __init__(self) -> None:
            super().__init__([2, 3, 1])

    message = refused(Fixed())
    assert message.startswith("it is one ")
    assert "its class cannot make others" in message
    assert "give a class or a factory that takes a list of sizes" in message


def test_a_class_that_takes_its_sizes_one_by_one() -> None:
    class OneByOne(Network):
        def __init__(self, *sizes: int) -> None:
            super().__init__(list(sizes))

    right(OneByOne)


class Aliased(Network):
    """Computes with the arrays that it was made with, whatever stands in the lists."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.held = [*self.weights], [*self.biases]

    def backprop(self, x: Any, y: Any) -> Any:
        """The gradient, by the arrays that are held."""
        self.weights, self.biases = ([*each] for each in self.held)
        return super().backprop(x, y)

    def feedforward(self, a: Any) -> Any:
        """The output, by the arrays that are held."""
        self.weights, self.biases = ([*each] for each in self.held)
        return super().feedforward(a)

    def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
        """Moves the arrays that are held."""
        moved = Network(self.sizes)
        moved.weights, moved.biases = ([*each] for each in self.held)
        moved.update_mini_batch(mini_batch, eta)
        for held, new in zip(self.held, (moved.weights, moved.biases), strict=True):
            for array, other in zip(held, new, strict=True):
                array[...] = other


def test_a_class_whose_layers_keep_the_arrays_is_filled_in_place() -> None:
    subject = adapt(Aliased, "it")
    assert "parameters filled in place" in subject.conventions
    for id_ in ("hand-2-3-1", "contracting-5-4-3-2"):
        assert check_case(subject, recorded(id_)).status is Status.PASS


def test_a_class_whose_weights_cannot_be_assigned_is_refused() -> None:
    class Fixed(Network):
        @property
        def weights(self) -> Any:  # type: ignore[override]
            return self.kept

        def __init__(self, sizes: list[int]) -> None:
            made = Network(sizes)
            self.sizes, self.kept, self.biases = sizes, made.weights, made.biases

    assert refused(Fixed).startswith("it: `weights` cannot be assigned")


def test_a_class_whose_weights_are_in_a_dictionary_is_refused() -> None:
    class Named(Network):
        def __init__(self, sizes: list[int]) -> None:
            super().__init__(sizes)
            self.weights = {f"w{i}": w for i, w in enumerate(self.weights)}  # type: ignore[assignment]

    assert refused(Named) == "it: `weights` is a dict, expected a list with an array a layer"


def shows_the_input(weights: Any, biases: Any, x: Any, y: Any, eta: float) -> dict[str, Any]:
    """The first weighted input alone."""
    del y, eta
    return {"z2": weights[0] @ x + biases[0]}


def test_a_function_by_the_names_of_its_arguments() -> None:
    right(shows_the_input)


def test_a_callable_object_by_the_names_of_its_arguments() -> None:
    class Steps:
        def __call__(self, weights: Any, biases: Any, x: Any, y: Any, eta: float) -> dict[str, Any]:
            return shows_the_input(weights, biases, x, y, eta)

    right(Steps())


def other(first: int, second: int) -> int:
    return first + second


class Other:
    """A class that is no network."""

    def train(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("thing", "found"),
    [
        (3.5, "it is a float with"),
        (None, "it is None"),
        (Other, "it is the class Other with train"),
        (Other(), "it is a Other with train"),
        (other, "it is the function other(first: int, second: int) -> int"),
        (len, "called with [3, 2, 4] it gives a int; needed"),
        (sys, "it is a module with"),
    ],
)
def test_anything_else_is_refused_with_what_it_is_and_what_is_needed(
    thing: Any, found: str
) -> None:
    message = refused(thing)
    assert message.startswith("it is ")
    assert found in message
    assert "needed is a class or factory" in message
    assert "torch.nn.Module" in message
    assert "step(weights, biases, x, y, eta)" in message


def test_a_class_with_a_part_of_the_interface_is_told_what_is_missing() -> None:
    class Half:
        def __init__(self, sizes: Sequence[int]) -> None:
            self.sizes = sizes

        def backprop(self, x: Any, y: Any) -> None:
            """Give nothing."""

    message = refused(Half)
    assert "it has no weights, biases, update_mini_batch, feedforward" in message


def test_torch_is_imported_by_the_subject_or_not_at_all() -> None:
    code = """
import sys
from conformance.subjects.adapt import adapt
from conformance.tests.networks.book import Network
adapt(Network, "it")
print("torch" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603
    assert run.stdout.strip() == "False"
