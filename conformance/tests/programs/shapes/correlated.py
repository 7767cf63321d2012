import numpy as np
from scipy import signal
from scipy.special import softmax


class Planes:
    def __init__(self, input_shape, kernel_size, depth):
        channels, height, width = input_shape
        self.input_shape = input_shape
        self.kernels = np.random.randn(depth, channels, kernel_size, kernel_size)
        self.biases = np.random.randn(depth, height - kernel_size + 1, width - kernel_size + 1)

    def forward(self, image):
        self.image = image
        out = self.biases.copy()
        for k, kernel in enumerate(self.kernels):
            for c, plane in enumerate(image):
                out[k] += signal.correlate2d(plane, kernel[c], "valid")
        return out

    def backward(self, output_gradient, learning_rate):
        d_kernels = np.zeros_like(self.kernels)
        d_image = np.zeros(self.input_shape)
        for k, above in enumerate(output_gradient):
            for c, plane in enumerate(self.image):
                d_kernels[k, c] = signal.correlate2d(plane, above, "valid")
                d_image[c] += signal.convolve2d(above, self.kernels[k, c], "full")
        self.kernels -= learning_rate * d_kernels
        self.biases -= learning_rate * output_gradient
        return d_image


class Chances:
    def forward(self, z):
        self.p = softmax(z)
        return self.p

    def backward(self, output_gradient, learning_rate):
        return self.p * (output_gradient - np.sum(output_gradient * self.p))
