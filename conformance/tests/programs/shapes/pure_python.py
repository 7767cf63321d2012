import math
import random

class NeuralNetwork:
    LEARNING_RATE = 0.5

    def __init__(self, num_inputs, num_hidden, num_outputs):
        self.num_inputs = num_inputs
        self.hidden = [[random.random() for _ in range(num_inputs + 1)] for _ in range(num_hidden)]
        self.output = [[random.random() for _ in range(num_hidden + 1)] for _ in range(num_outputs)]

    def sigmoid(self, x):
        return 1 / (1 + math.exp(-x))

    def feed_forward(self, inputs):
        self.h = [self.sigmoid(sum(w * x for w, x in zip(ws, list(inputs) + [1]))) for ws in self.hidden]
        self.o = [self.sigmoid(sum(w * x for w, x in zip(ws, self.h + [1]))) for ws in self.output]
        return self.o

    def train(self, inputs, targets):
        self.feed_forward(inputs)
        d_o = [(o - t) * o * (1 - o) for o, t in zip(self.o, targets)]
        d_h = [sum(d * ws[j] for d, ws in zip(d_o, self.output)) * h * (1 - h) for j, h in enumerate(self.h)]
        for d, ws in zip(d_o, self.output):
            for j, x in enumerate(self.h + [1]):
                ws[j] -= self.LEARNING_RATE * d * x
        for d, ws in zip(d_h, self.hidden):
            for j, x in enumerate(list(inputs) + [1]):
                ws[j] -= self.LEARNING_RATE * d * x
