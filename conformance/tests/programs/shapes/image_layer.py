import numpy as np

class conv_layer:
    def __init__(self, n_filters, kernel, stride=1):
        self.n, self.k, self.stride = n_filters, kernel, stride
        self.W = None

    def im2col(self, x):
        N, C, H, W = x.shape
        oh, ow = (H - self.k) // self.stride + 1, (W - self.k) // self.stride + 1
        cols = np.empty((N, C, self.k, self.k, oh, ow))
        for i in range(self.k):
            for j in range(self.k):
                cols[:, :, i, j] = x[:, :, i:i + self.stride * oh:self.stride, j:j + self.stride * ow:self.stride]
        return cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * oh * ow, -1), oh, ow

    def forward(self, x):
        if self.W is None:
            self.W = np.random.randn(self.n, x.shape[1], self.k, self.k) * .1
            self.b = np.zeros(self.n)
        self.x_shape = x.shape
        self.cols, oh, ow = self.im2col(x)
        out = self.cols @ self.W.reshape(self.n, -1).T + self.b
        return out.reshape(x.shape[0], oh, ow, self.n).transpose(0, 3, 1, 2)

    def backward(self, dout):
        d = dout.transpose(0, 2, 3, 1).reshape(-1, self.n)
        self.dW = (d.T @ self.cols).reshape(self.W.shape)
        self.db = d.sum(0)
        dcols = d @ self.W.reshape(self.n, -1)
        N, C, H, W = self.x_shape
        oh, ow = dout.shape[2:]
        dcols = dcols.reshape(N, oh, ow, C, self.k, self.k).transpose(0, 3, 4, 5, 1, 2)
        dx = np.zeros(self.x_shape)
        for i in range(self.k):
            for j in range(self.k):
                dx[:, :, i:i + oh, j:j + ow] += dcols[:, :, i, j]
        return dx
