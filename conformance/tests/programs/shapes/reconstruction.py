import numpy as np


class Autoencoder:
    def __init__(self, input_size=18, latent_size=6):
        self.learning_rate = 0.05
        self.W_enc = np.random.randn(latent_size, input_size) * 0.3
        self.b_enc = np.zeros((latent_size, 1))
        self.W_dec = np.random.randn(input_size, latent_size) * 0.3
        self.b_dec = np.zeros((input_size, 1))

    def forward(self, x):
        self.latent = np.tanh(self.W_enc @ x + self.b_enc)
        self.out = 1 / (1 + np.exp(-(self.W_dec @ self.latent + self.b_dec)))
        return self.out, self.latent

    def score(self, x):
        return float(np.mean((x - self.forward(x)[0]) ** 2))

    def train_on_sample(self, x):
        out, latent = self.forward(x)
        d_out = (out - x) * out * (1 - out)
        d_latent = self.W_dec.T @ d_out * (1 - latent**2)
        self.W_dec -= self.learning_rate * d_out @ latent.T
        self.b_dec -= self.learning_rate * d_out
        self.W_enc -= self.learning_rate * d_latent @ x.T
        self.b_enc -= self.learning_rate * d_latent
