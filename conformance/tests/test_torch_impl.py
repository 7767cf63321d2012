"""The PyTorch twin's border: copies, dtypes, decay, and gradients that are autograd's own."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from reference.step import Array, Batch, Parameters, Step
from torch_impl.step import Trainer

pytestmark = pytest.mark.xdist_group("torch")  # one worker imports it

DTYPES = [np.float32, np.float64]
SIZES = (3, 4, 2)


def start(dtype: type = np.float64, *, writeable: bool = True) -> Parameters:
    """Parameters from a seed."""
    rng = np.random.default_rng(1)

    def drawn(*shape: int) -> Array:
        array: Array = rng.standard_normal(shape).astype(dtype)
        array.flags.writeable = writeable
        return array

    return Parameters(
        tuple(drawn(n, below) for below, n in pairwise(SIZES)),
        tuple(drawn(n, 1) for n in SIZES[1:]),
    )


def batch(dtype: type = np.float64, m: int = 5) -> Batch:
    """A mini-batch from a seed."""
    rng = np.random.default_rng(2)
    x, y = rng.random((SIZES[0], m)), rng.random((SIZES[-1], m))
    return Batch(x.astype(dtype), y.astype(dtype))


def copies(step: Step) -> dict[str, Array]:
    """What a step shows now."""
    return {name: array.copy() for name, array in step.named()}


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
def test_a_step_that_was_taken_does_not_change_with_the_next(cost: str) -> None:
    trainer = Trainer(start(), cost, 0.5, 0.1)
    first = trainer.step(batch())
    before = copies(first)
    trainer.step(batch())
    assert all(np.array_equal(array, before[name]) for name, array in first.named())


def test_the_next_step_starts_from_the_updated_parameters() -> None:
    trainer = Trainer(start(), "quadratic", 0.5)
    updated = trainer.step(batch()).parameters
    again = Trainer(updated.map(np.array), "quadratic", 0.5).step(batch())
    assert all(
        np.array_equal(array, dict(again.named())[name])
        for name, array in trainer.step(batch()).named()
    )


def test_the_parameters_it_starts_from_are_not_changed() -> None:
    given = start()
    before = given.map(np.copy)
    Trainer(given, "quadratic", 0.5, 0.1).step(batch())
    after = dict(given.named())
    assert all(np.array_equal(array, after[name]) for name, array in before.named())


def test_the_mini_batch_is_not_changed() -> None:
    given = batch()
    before = given.map(np.copy)
    Trainer(start(), "quadratic", 0.5).step(given)
    assert np.array_equal(given.x, before.x)
    assert np.array_equal(given.y, before.y)


def test_read_only_parameters_are_a_start_like_any_other() -> None:
    given = start(writeable=False)
    frozen = Trainer(given, "quadratic", 0.5).step(batch())
    right = dict(Trainer(start(), "quadratic", 0.5).step(batch()).named())
    assert all(np.array_equal(array, right[name]) for name, array in frozen.named())


def test_decay_moves_weights_and_no_biases() -> None:
    with_decay = Trainer(start(), "quadratic", 0.5, 0.25).step(batch())
    without = Trainer(start(), "quadratic", 0.5).step(batch())
    for one, other, before in zip(with_decay.w, without.w, start().w, strict=True):
        np.testing.assert_allclose(one - other, -0.5 * 0.25 * before, rtol=1e-12, atol=1e-15)
    assert all(map(np.array_equal, with_decay.b, without.b))


def test_decay_is_no_part_of_the_gradient_that_is_shown() -> None:
    with_decay = Trainer(start(), "quadratic", 0.5, 0.25).step(batch())
    without = Trainer(start(), "quadratic", 0.5).step(batch())
    assert all(map(np.array_equal, with_decay.nabla_w, without.nabla_w))


def test_an_unknown_cost_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'huber'.*quadratic or cross-entropy"):
        Trainer(start(), "huber", 0.5).step(batch())


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_quantity_stays_in_the_dtype_of_the_parameters(dtype: type, cost: str) -> None:
    taken = Trainer(start(dtype), cost, 0.5, 0.1).step(batch(dtype))
    assert {array.dtype for _, array in taken.named()} == {np.dtype(dtype)}


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("m", [1, 5])
def test_gradients_are_those_of_autograd_on_the_books_cost(cost: str, m: int) -> None:
    named = {name: torch.tensor(array, requires_grad=True) for name, array in start().named()}
    x, y = (torch.tensor(array) for array in (batch(m=m).x, batch(m=m).y))
    z2 = named["w2"] @ x + named["b2"]
    z3 = named["w3"] @ torch.sigmoid(z2) + named["b3"]
    a = torch.sigmoid(z3)
    total = (
        ((a - y) ** 2).sum() / 2
        if cost == "quadratic"
        else -(y * a.log() + (1 - y) * (1 - a).log()).sum()
    )
    wanted = [*named.values(), z2, z3]
    *nabla, dz2, dz3 = torch.autograd.grad(total / m, wanted)
    taken = dict(Trainer(start(), cost, 0.5).step(batch(m=m)).named())
    right = {f"nabla_{name}": grad for name, grad in zip(named, nabla, strict=True)}
    right |= {"delta2": dz2 * m, "delta3": dz3 * m, "cost": (total / m).detach()}
    for name, value in right.items():
        np.testing.assert_allclose(taken[name], value.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("hidden", ["tanh", "relu"])
def test_gradients_of_a_softmax_network_are_those_of_autograd_on_the_log_likelihood(
    hidden: str,
) -> None:
    named = {name: torch.tensor(array, requires_grad=True) for name, array in start().named()}
    x, labels = torch.tensor(batch().x), torch.tensor([0, 1, 1, 0, 1])
    z2 = named["w2"] @ x + named["b2"]
    z3 = named["w3"] @ getattr(torch, hidden)(z2) + named["b3"]
    total = -(z3.gather(0, labels[None]) - z3.exp().sum(0).log()).sum()
    grads = torch.autograd.grad(total / 5, [*named.values()])
    one_hot = Batch(batch().x, np.eye(2)[:, labels])
    taken = Trainer(start(), "log-likelihood", 0.5, activations=(hidden, "softmax")).step(one_hot)
    shown = dict(taken.named())
    for name, grad in zip(named, grads, strict=True):
        np.testing.assert_allclose(shown[f"nabla_{name}"], grad.numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(shown["a3"].sum(axis=0), 1, rtol=1e-15)


def test_gradients_of_the_last_step_do_not_add_up() -> None:
    trainer = Trainer(start(), "quadratic", 0.0)  # eta 0: the second step is the first again
    first, second = copies(trainer.step(batch())), copies(trainer.step(batch()))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_short_batch_divides_by_its_own_length() -> None:
    trainer = Trainer(start(), "quadratic", 0.0)
    trainer.step(batch(m=5))
    short = trainer.step(batch(m=2))
    right = Trainer(start(), "quadratic", 0.0).step(batch(m=2))
    assert all(map(np.array_equal, short.nabla_w, right.nabla_w))


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
def test_each_layer_is_seen_once_a_step(cost: str) -> None:
    trainer = Trainer(start(), cost, 0.5)
    for _ in range(2):
        taken = trainer.step(batch())
        assert [z.shape for z in taken.z] == [(4, 5), (2, 5)]
        assert [a.shape for a in taken.a] == [(4, 5), (2, 5)]
