import numpy as np


class WordPredictor:
    """Predicts the next word of a sentence, of which each is a list of indices."""

    def __init__(self, words, units=6):
        self.words = words
        self.units = units
        self.A = np.random.uniform(-0.5, 0.5, (units, words))
        self.B = np.random.uniform(-0.5, 0.5, (units, units))
        self.C = np.random.uniform(-0.5, 0.5, (words, units))

    def run(self, x):
        steps = len(x)
        state = np.zeros((steps + 1, self.units))
        guess = np.zeros((steps, self.words))
        for t in np.arange(steps):
            state[t] = np.tanh(self.A[:, x[t]] + self.B.dot(state[t - 1]))
            up = np.exp(self.C.dot(state[t]))
            guess[t] = up / np.sum(up)
        return guess, state

    def loss(self, sentences, following):
        total = 0
        for x, y in zip(sentences, following):
            guess, _ = self.run(x)
            total -= np.sum(np.log(guess[np.arange(len(y)), y]))
        return total / sum(len(y) for y in following)

    def gradients(self, x, y):
        guess, state = self.run(x)
        dA, dB, dC = (np.zeros(each.shape) for each in (self.A, self.B, self.C))
        miss = guess
        miss[np.arange(len(y)), y] -= 1.0
        for t in np.arange(len(y))[::-1]:
            dC += np.outer(miss[t], state[t].T)
            back = self.C.T.dot(miss[t]) * (1 - state[t] ** 2)
            for before in np.arange(0, t + 1)[::-1]:
                dB += np.outer(back, state[before - 1])
                dA[:, x[before]] += back
                back = self.B.T.dot(back) * (1 - state[before - 1] ** 2)
        return dA, dB, dC

    def step(self, x, y, rate):
        dA, dB, dC = self.gradients(x, y)
        self.A -= rate * dA
        self.B -= rate * dB
        self.C -= rate * dC


if __name__ == "__main__":
    np.random.seed(1)
    sentences = [list(np.random.randint(0, 9, np.random.randint(3, 6))) for _ in range(12)]
    xs = [[0] + each for each in sentences]
    ys = [each + [1] for each in sentences]
    model = WordPredictor(9)
    for epoch in range(5):
        print("loss", model.loss(xs, ys))
        for x, y in zip(xs, ys):
            model.step(x, y, 0.05)
