import numpy as np


class Affine:
    def __init__(self, n_in, n_out, activation=None):
        self.W = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.b = np.zeros(n_out)
        self.activation = activation

    def act(self, z):
        return np.tanh(z) if self.activation == "tanh" else z

    def slope(self, z):
        return 1 - np.tanh(z) ** 2 if self.activation == "tanh" else 1.0


class Stack:
    def __init__(self):
        self.blocks = []
        self.cost_gradient = None

    def add(self, block):
        self.blocks.append(block)

    def compile(self, cost_gradient):
        self.cost_gradient = cost_gradient

    def predict(self, x):
        for block in self.blocks:
            block.x = x
            block.z = x @ block.W + block.b
            x = block.act(block.z)
        return x

    def train_on_batch(self, x, y, lr):
        d = self.cost_gradient(self.predict(x), y)
        for block in reversed(self.blocks):
            d = d * block.slope(block.z)
            below = d @ block.W.T
            block.W -= lr * block.x.T @ d
            block.b -= lr * d.sum(axis=0)
            d = below


def squared(out, y):
    return 2 * (out - y) / len(y)


def main():
    from datasets_of_nobody import digits

    images, labels = digits()
    hidden = 48
    net = Stack()
    net.add(Affine(28 * 28, hidden, "tanh"))
    for _ in range(2):
        net.add(Affine(hidden, hidden, "tanh"))
    net.add(Affine(hidden, 10))
    net.compile(squared)
    for epoch in range(100):
        net.train_on_batch(images, np.eye(10)[labels], 0.01)


if __name__ == "__main__":
    main()
