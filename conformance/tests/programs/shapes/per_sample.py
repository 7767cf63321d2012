import numpy as np


class Network:
    """A network that goes through the batch sample by sample and sums the gradients."""

    def __init__(self, n_inputs, n_hidden, n_outputs):
        self.hidden_weights = np.random.randn(n_hidden, n_inputs)
        self.hidden_bias = np.random.randn(n_hidden)
        self.output_weights = np.random.randn(n_outputs, n_hidden)
        self.output_bias = np.random.randn(n_outputs)

    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def feed_forward(self, x):
        self.hidden = self.sigmoid(self.hidden_weights @ x + self.hidden_bias)
        self.out = self.sigmoid(self.output_weights @ self.hidden + self.output_bias)
        return self.out

    def train(self, inputs, targets, learning_rate=0.5, epochs=100):
        for _ in range(epochs):
            grad_hw = np.zeros_like(self.hidden_weights)
            grad_hb = np.zeros_like(self.hidden_bias)
            grad_ow = np.zeros_like(self.output_weights)
            grad_ob = np.zeros_like(self.output_bias)
            for x, t in zip(inputs, targets):
                out = self.feed_forward(x)
                delta_out = (out - t) * out * (1 - out)
                delta_hidden = self.output_weights.T @ delta_out * self.hidden * (1 - self.hidden)
                grad_ow += np.outer(delta_out, self.hidden)
                grad_ob += delta_out
                grad_hw += np.outer(delta_hidden, x)
                grad_hb += delta_hidden
            self.output_weights -= learning_rate * grad_ow / len(inputs)
            self.output_bias -= learning_rate * grad_ob / len(inputs)
            self.hidden_weights -= learning_rate * grad_hw / len(inputs)
            self.hidden_bias -= learning_rate * grad_hb / len(inputs)
