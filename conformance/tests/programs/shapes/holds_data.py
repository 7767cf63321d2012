import numpy as np

class NN:
    def __init__(self, X, y, hidden=4, lr=0.01):
        self.X, self.Y = X, y
        self.lr = lr
        self.param = {}
        self.param['W1'] = np.random.randn(X.shape[1], hidden) * 0.1
        self.param['b1'] = np.zeros(hidden)
        self.param['W2'] = np.random.randn(hidden, y.shape[1]) * 0.1
        self.param['b2'] = np.zeros(y.shape[1])
        self.ch = {}
        self.loss = []

    def forward(self):
        Z1 = self.X @ self.param['W1'] + self.param['b1']
        A1 = np.maximum(0, Z1)
        self.ch['Z1'], self.ch['A1'] = Z1, A1
        Z2 = A1 @ self.param['W2'] + self.param['b2']
        A2 = 1 / (1 + np.exp(-Z2))
        self.ch['Z2'], self.ch['A2'] = Z2, A2
        self.Yh = A2
        loss = self.nloss(A2)
        return self.Yh, loss

    def nloss(self, Yh):
        m = self.Y.shape[0]
        return -np.sum(self.Y * np.log(Yh) + (1 - self.Y) * np.log(1 - Yh)) / m

    def backward(self):
        m = self.Y.shape[0]
        dLoss_Yh = -(self.Y / self.Yh - (1 - self.Y) / (1 - self.Yh)) / m
        dLoss_Z2 = dLoss_Yh * self.Yh * (1 - self.Yh)
        dLoss_A1 = dLoss_Z2 @ self.param['W2'].T
        dLoss_W2 = self.ch['A1'].T @ dLoss_Z2
        dLoss_b2 = dLoss_Z2.sum(axis=0)
        dLoss_Z1 = dLoss_A1 * (self.ch['Z1'] > 0)
        dLoss_W1 = self.X.T @ dLoss_Z1
        dLoss_b1 = dLoss_Z1.sum(axis=0)
        self.param["W1"] = self.param["W1"] - self.lr * dLoss_W1
        self.param["b1"] = self.param["b1"] - self.lr * dLoss_b1
        self.param["W2"] = self.param["W2"] - self.lr * dLoss_W2
        self.param["b2"] = self.param["b2"] - self.lr * dLoss_b2

    def gd(self, iter=3000):
        for i in range(iter):
            Yh, loss = self.forward()
            self.backward()
            self.loss.append(loss)
