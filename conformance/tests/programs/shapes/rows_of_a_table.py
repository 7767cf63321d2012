from math import exp
from random import random


class Network:
    def __init__(self, n_inputs=None, n_hidden=None, n_outputs=None, layers=None):
        if layers is None:
            layers = [self.made(n_inputs, n_hidden), self.made(n_hidden, n_outputs)]
        self._layers = layers

    @staticmethod
    def made(n, count):
        return [{"weights": [random() for _ in range(n + 1)]} for _ in range(count)]

    def __getitem__(self, i):
        return self._layers[i]

    def forward_propagate(self, row):
        values = row
        for layer in self._layers:
            outputs = []
            for neuron in layer:
                total = neuron["weights"][-1]
                for j in range(len(neuron["weights"]) - 1):
                    total += neuron["weights"][j] * values[j]
                neuron["output"] = 1.0 / (1.0 + exp(-total))
                outputs.append(neuron["output"])
            values = outputs
        return values

    def backward_propagate_error(self, expected):
        for i in reversed(range(len(self._layers))):
            for j, neuron in enumerate(self[i]):
                if i == len(self._layers) - 1:
                    error = neuron["output"] - expected[j]
                else:
                    error = sum(n["weights"][j] * n["delta"] for n in self[i + 1])
                neuron["delta"] = error * neuron["output"] * (1.0 - neuron["output"])

    def update_weights(self, row, l_rate):
        for i, layer in enumerate(self._layers):
            inputs = row[:-1] if i == 0 else [neuron["output"] for neuron in self[i - 1]]
            for neuron in layer:
                for j, value in enumerate(inputs):
                    neuron["weights"][j] -= l_rate * neuron["delta"] * value
                neuron["weights"][-1] -= l_rate * neuron["delta"]
