"""A restricted Boltzmann machine, trained by contrastive divergence."""

import numpy as np


class RBM:
    def __init__(self, num_visible, num_hidden, seed=0):
        rng = np.random.RandomState(seed)
        self.rng = rng
        self.W = rng.normal(0, 0.1, (num_visible, num_hidden))
        self.a = np.zeros(num_visible)
        self.b = np.zeros(num_hidden)

    def sigmoid(self, x):
        return 1.0 / (1.0 + np.exp(-x))

    def train(self, data, max_epochs=10, learning_rate=0.1):
        m = data.shape[0]
        for epoch in range(max_epochs):
            pos_hidden_probs = self.sigmoid(np.dot(data, self.W) + self.b)
            pos_hidden_states = pos_hidden_probs > self.rng.rand(*pos_hidden_probs.shape)
            pos_associations = np.dot(data.T, pos_hidden_probs)
            neg_visible_probs = self.sigmoid(np.dot(pos_hidden_states, self.W.T) + self.a)
            neg_hidden_probs = self.sigmoid(np.dot(neg_visible_probs, self.W) + self.b)
            neg_associations = np.dot(neg_visible_probs.T, neg_hidden_probs)
            self.W += learning_rate * ((pos_associations - neg_associations) / m)
            self.a += learning_rate * np.mean(data - neg_visible_probs, axis=0)
            self.b += learning_rate * np.mean(pos_hidden_probs - neg_hidden_probs, axis=0)
            error = np.sum((data - neg_visible_probs) ** 2)
            print("Epoch %s: error is %s" % (epoch, error))


if __name__ == "__main__":
    r = RBM(num_visible=6, num_hidden=2)
    training_data = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]])
    r.train(training_data, max_epochs=20)
