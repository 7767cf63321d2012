"""Biases that change nothing in what a network of no known family computes: they were lost."""

from conformance.backward.findings import Examined
from conformance.errors import UnjudgedError


def idle_biases(examined: Examined) -> list[str]:
    """The biases if none of them changes anything in the output, though weights do."""
    dead = {each.name: each.dead for each in examined.gradients}
    biases = [name for name in dead if name.startswith("b")]
    return biases if all(dead[name] for name in biases) and not all(dead.values()) else []


def check_biases(examined: Examined, name: str) -> None:
    """Check that a network's biases are not without any effect.

    Args:
        examined: what is known of its gradients.
        name: for messages.

    Raises:
        UnjudgedError: they are.
    """
    if idle := idle_biases(examined):
        raise UnjudgedError(
            f"{name}: {', '.join(idle)} change nothing in its output, so it is no network with "
            "biases: check where they are added"
        )
