import numpy as np


class LogisticRegression:
    def __init__(self, lr=0.01, num_iter=100, lam=0.1, verbose=False):
        self.lr = lr
        self.num_iter = num_iter
        self.lam = lam
        self.verbose = verbose

    def __add_intercept(self, X):
        return np.concatenate((np.ones((X.shape[0], 1)), X), axis=1)

    def __sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def fit(self, X, y):
        X = self.__add_intercept(X)
        self.theta = np.zeros(X.shape[1])
        for i in range(self.num_iter):
            h = self.__sigmoid(np.dot(X, self.theta))
            gradient = np.dot(X.T, (h - y)) / y.size
            gradient[1:] += self.lam / y.size * self.theta[1:]
            self.theta -= self.lr * gradient
            if self.verbose and i % 1000 == 0:
                print(i)

    def predict(self, X):
        return self.__sigmoid(np.dot(self.__add_intercept(X), self.theta)) >= 0.5
