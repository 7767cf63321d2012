import numpy as np

class Parameter:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)

class Linear:
    def __init__(self, in_features, out_features):
        self.weight = Parameter(np.random.randn(in_features, out_features) / np.sqrt(in_features))
        self.bias = Parameter(np.zeros(out_features))
    def forward(self, x):
        self.x = x
        return x @ self.weight.value + self.bias.value
    def backward(self, grad):
        self.weight.grad += self.x.T @ grad
        self.bias.grad += grad.sum(axis=0)
        return grad @ self.weight.value.T
    def parameters(self):
        return [self.weight, self.bias]

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
    def parameters(self):
        return []

class Sequential:
    def __init__(self, *layers):
        self.layers = layers
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad
    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]

class SoftmaxCrossEntropy:
    def forward(self, logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()
    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.labels)), self.labels] -= 1
        return g / len(self.labels)

class SGD:
    def __init__(self, params, lr=0.1):
        self.params, self.lr = params, lr
    def step(self):
        for p in self.params:
            p.value -= self.lr * p.grad
    def zero_grad(self):
        for p in self.params:
            p.grad[...] = 0
