"""A cell that is given its weights in a dict, and the same over time: columns, caches in tuples."""
import numpy as np


def cell_forward(xt, a_prev, parameters):
    Wax, Waa, Wya = parameters["Wax"], parameters["Waa"], parameters["Wya"]
    a_next = np.tanh(Wax @ xt + Waa @ a_prev + parameters["ba"])
    scores = Wya @ a_next + parameters["by"]
    y = np.exp(scores) / np.exp(scores).sum(axis=0)
    return a_next, y, (a_next, a_prev, xt, parameters)


def cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dz = da_next * (1 - a_next**2)
    return {
        "dxt": parameters["Wax"].T @ dz,
        "da_prev": parameters["Waa"].T @ dz,
        "dWax": dz @ xt.T,
        "dWaa": dz @ a_prev.T,
        "dba": dz.sum(axis=1, keepdims=True),
    }


def sequence_forward(x, a0, parameters):
    caches, a_next = [], a0
    a = np.zeros((a0.shape[0], x.shape[1], x.shape[2]))
    for t in range(x.shape[2]):
        a_next, _, cache = cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t] = a_next
        caches.append(cache)
    return a, caches


def sequence_backward(da, caches):
    a, a_prev, xt, parameters = caches[0]
    dx = np.zeros((*xt.shape, da.shape[2]))
    dWax, dWaa = np.zeros_like(parameters["Wax"]), np.zeros_like(parameters["Waa"])
    dba, later = np.zeros_like(parameters["ba"]), np.zeros_like(a_prev)
    for t in reversed(range(da.shape[2])):
        grads = cell_backward(da[:, :, t] + later, caches[t])
        dx[:, :, t], later = grads["dxt"], grads["da_prev"]
        dWax += grads["dWax"]
        dWaa += grads["dWaa"]
        dba += grads["dba"]
    return {"dx": dx, "da0": later, "dWax": dWax, "dWaa": dWaa, "dba": dba}
