from numpy import *

random.seed(1)
inputs = array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
outputs = array([[0, 1, 1, 0]]).T

weights1 = random.rand(3, 4)
weights2 = random.rand(4, 1)


def sig(t):
    return 1 / (1 + exp(-t))


def sig_derivative(p):
    return p * (1 - p)


for i in range(1500):
    layer1 = sig(dot(inputs, weights1))
    output = sig(dot(layer1, weights2))
    if i % 500 == 0:
        print("for iteration # " + str(i))
        print("Loss: " + str(mean(square(outputs - output))))
    d_weights2 = dot(layer1.T, 2 * (outputs - output) * sig_derivative(output))
    d_weights1 = dot(inputs.T, dot(2 * (outputs - output) * sig_derivative(output), weights2.T) * sig_derivative(layer1))
    weights1 = weights1 + d_weights1
    weights2 = weights2 + d_weights2
