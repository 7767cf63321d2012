import numpy as np

ARCHITECTURE_TABLE = [
    {"from": 2, "to": 7, "unit": "relu"},
    {"from": 7, "to": 4, "unit": "relu"},
    {"from": 4, "to": 1, "unit": "sigmoid"},
]


def init_parameters(architecture_table, seed=5):
    np.random.seed(seed)
    made = {}
    for i, row in enumerate(architecture_table, 1):
        made[f"W{i}"] = np.random.randn(row["to"], row["from"]) * 0.3
        made[f"b{i}"] = np.random.randn(row["to"], 1) * 0.3
    return made


def apply(unit, Z):
    return np.maximum(0, Z) if unit == "relu" else 1 / (1 + np.exp(-Z))


def apply_slope(unit, dA, Z):
    if unit == "relu":
        return dA * (Z > 0)
    s = apply(unit, Z)
    return dA * s * (1 - s)


def full_forward_pass(X, params_values, architecture_table):
    A, memory = X, {}
    for i, row in enumerate(architecture_table, 1):
        Z = params_values[f"W{i}"] @ A + params_values[f"b{i}"]
        memory[f"A{i - 1}"], memory[f"Z{i}"] = A, Z
        A = apply(row["unit"], Z)
    return A, memory


def get_cost_value(Y_hat, Y):
    return -np.mean(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat))


def full_backward_pass(Y_hat, Y, memory, params_values, architecture_table):
    grads, m = {}, Y.shape[1]
    dA = -(Y / Y_hat - (1 - Y) / (1 - Y_hat))
    for i, row in reversed(list(enumerate(architecture_table, 1))):
        dZ = apply_slope(row["unit"], dA, memory[f"Z{i}"])
        grads[f"dW{i}"] = dZ @ memory[f"A{i - 1}"].T / m
        grads[f"db{i}"] = dZ.sum(axis=1, keepdims=True) / m
        dA = params_values[f"W{i}"].T @ dZ
    return grads
