"""Layers that are given ∂C/∂ of several outputs, each of which belongs to one."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

ENCODER = """
import numpy as np

class Encoder:
    def __init__(self, n_in, n_latent):
        self.rng = np.random.default_rng(0)
        self.W_mu = self.rng.normal(size=(n_in, n_latent))
        self.W_var = self.rng.normal(size=(n_in, n_latent))

    def forward(self, x):
        mu, logvar = x @ self.W_mu, x @ self.W_var
        sigma = np.exp(0.5 * logvar)
        eps = self.rng.normal(size=mu.shape)
        z = mu + sigma * eps
        return z, mu, logvar, (x, sigma, eps)

    def backward(self, dl_dz, dkl_dmu, dkl_dlogvar, cache, lr):
        x, sigma, eps = cache
        d_mu = dl_dz + dkl_dmu
        d_logvar = dl_dz * eps * 0.5 * sigma + dkl_dlogvar
        self.W_mu -= lr * x.T @ d_mu
        self.W_var -= lr * x.T @ d_logvar
"""
ARGUMENTS = "dl_dz, dkl_dmu, dkl_dlogvar, cache"


@pytest.mark.parametrize(
    "order",
    [ARGUMENTS, "dkl_dlogvar, dl_dz, dkl_dmu, cache"],
    ids=["in order", "another order"],
)
def test_each_output_has_its_own_upstream_gradient(order: str, tmp_path: Path) -> None:
    source = ENCODER.replace(ARGUMENTS, order)
    code, _, said = judged(source, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(source.replace("0.5 * sigma + dkl", "sigma + dkl"), tmp_path)
    assert (code, lines[:1]) == (1, ["d_logvar = dl_dz * eps * sigma + dkl_dlogvar"]), said


def test_a_name_tells_that_something_kept_is_an_output(tmp_path: Path) -> None:
    kept = ENCODER.replace(
        "return z, mu, logvar,", "self.mu, self.logvar = mu, logvar\n        return z,"
    )
    code, _, said = judged(kept, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said


def test_names_that_say_nothing_may_be_further_upstream_gradients(tmp_path: Path) -> None:
    source = ENCODER.replace("dkl_dmu", "pull").replace("dkl_dlogvar", "push")
    code, _, said = judged(source, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said


FUNCTIONS = """
import numpy as np

def encoder_forward(x, W_mu, W_var, eps):
    mu, logvar = x @ W_mu, x @ W_var
    sigma = np.exp(0.5 * logvar)
    return mu + sigma * eps, mu, logvar, (x, sigma, eps)

def encoder_backward(dkl_dlogvar, dl_dz, dkl_dmu, cache):
    x, sigma, eps = cache
    d_mu = dl_dz + dkl_dmu
    d_logvar = dl_dz * eps * 0.5 * sigma + dkl_dlogvar
    return x.T @ d_mu, x.T @ d_logvar
"""


def test_functions_may_be_told_their_outputs_in_another_order(tmp_path: Path) -> None:
    code, _, said = judged(FUNCTIONS, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said
