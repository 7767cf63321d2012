import numpy as np


class NeuralNetwork:
    def __init__(self, input_size, hidden_size, output_size):
        self.W1 = 0.1 * np.random.randn(input_size, hidden_size)
        self.b1 = np.zeros(hidden_size)
        self.W2 = 0.1 * np.random.randn(hidden_size, output_size)
        self.b2 = np.zeros(output_size)

    def forward(self, X):
        self.z1 = np.dot(X, self.W1) + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = np.dot(self.a1, self.W2) + self.b2
        exp_scores = np.exp(self.z2)
        self.probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        return self.probs

    def loss(self, y):
        num = y.shape[0]
        correct_logprobs = -np.log(self.probs[range(num), y])
        return np.sum(correct_logprobs) / num

    def backward(self, X, y, learning_rate):
        num = X.shape[0]
        delta3 = self.probs.copy()
        delta3[range(num), y] -= 1
        delta3 /= num
        dW2 = np.dot(self.a1.T, delta3)
        db2 = np.sum(delta3, axis=0)
        delta2 = np.dot(delta3, self.W2.T) * (1 - np.power(self.a1, 2))
        dW1 = np.dot(X.T, delta2)
        db1 = np.sum(delta2, axis=0)

        self.W1 += -learning_rate * dW1
        self.b1 += -learning_rate * db1
        self.W2 += -learning_rate * dW2
        self.b2 += -learning_rate * db2

    def fit(self, X, y, epochs=2000, learning_rate=0.1):
        for i in range(epochs):
            self.forward(X)
            if i % 200 == 0:
                print(f"Loss after iteration {i}: {self.loss(y):.4f}")
            self.backward(X, y, learning_rate)
        return self


def make_moons(n):
    t = np.random.rand(n) * np.pi
    label = np.random.randint(0, 2, size=n)
    x = np.where(label == 0, np.cos(t), 1 - np.cos(t))
    y = np.where(label == 0, np.sin(t), 0.5 - np.sin(t))
    return np.stack([x, y], axis=1) + 0.1 * np.random.randn(n, 2), label


if __name__ == "__main__":
    np.random.seed(0)
    X, y = make_moons(100)
    net = NeuralNetwork(2, 5, 2)
    net.fit(X, y)
    print("training accuracy:", (net.forward(X).argmax(axis=1) == y).mean())
