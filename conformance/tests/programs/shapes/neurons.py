import numpy as np
import random

class Neuron:
    def __init__(self, n):
        self.w = [random.uniform(-1, 1) for _ in range(n)]
        self.b = random.uniform(-1, 1)

    def activate(self, inputs):
        self.inputs = inputs
        s = sum(w * i for w, i in zip(self.w, inputs)) + self.b
        self.out = 1 / (1 + np.exp(-s))
        return self.out

class NeuralNetwork:
    def __init__(self, n_in, n_hid, n_out):
        self.hidden = [Neuron(n_in) for _ in range(n_hid)]
        self.output = [Neuron(n_hid) for _ in range(n_out)]

    def feed_forward(self, inputs):
        h = [n.activate(inputs) for n in self.hidden]
        return [n.activate(h) for n in self.output]

    def train(self, inputs, targets, lr=0.5):
        self.feed_forward(inputs)
        pd_out = [(o.out - t) * o.out * (1 - o.out) for o, t in zip(self.output, targets)]
        pd_hid = []
        for j, h in enumerate(self.hidden):
            e = 0
            for k, o in enumerate(self.output):
                e += pd_out[k] * o.w[j]
            pd_hid.append(e * h.out * (1 - h.out))
        for k, o in enumerate(self.output):
            for j in range(len(o.w)):
                o.w[j] -= lr * pd_out[k] * o.inputs[j]
            o.b -= lr * pd_out[k]
        for j, h in enumerate(self.hidden):
            for i in range(len(h.w)):
                h.w[i] -= lr * pd_hid[j] * h.inputs[i]
            h.b -= lr * pd_hid[j]
