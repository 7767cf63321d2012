# Regularised neural network, parameters unrolled into one vector theta.
import numpy as np

input_layer_size = 4
hidden_layer_size = 5
num_labels = 3
lam = 0.1


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def nn_cost_function(nn_params, X, y):
    split = hidden_layer_size * (input_layer_size + 1)
    Theta1 = nn_params[:split].reshape(hidden_layer_size, input_layer_size + 1)
    Theta2 = nn_params[split:].reshape(num_labels, hidden_layer_size + 1)
    m = X.shape[0]

    a1 = np.hstack([np.ones((m, 1)), X])
    z2 = a1.dot(Theta1.T)
    a2 = np.hstack([np.ones((m, 1)), sigmoid(z2)])
    z3 = a2.dot(Theta2.T)
    h = sigmoid(z3)

    Y = np.eye(num_labels)[y]
    J = -np.sum(Y * np.log(h) + (1 - Y) * np.log(1 - h)) / m
    J += lam / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))

    d3 = h - Y
    d2 = d3.dot(Theta2[:, 1:]) * sigmoid(z2) * (1 - sigmoid(z2))
    Theta1_grad = d2.T.dot(a1) / m
    Theta2_grad = d3.T.dot(a2) / m
    Theta1_grad[:, 1:] += lam / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lam / m * Theta2[:, 1:]

    grad = np.concatenate([Theta1_grad.ravel(), Theta2_grad.ravel()])
    return J, grad


np.random.seed(5)
X = np.random.randn(40, input_layer_size)
y = np.random.randint(0, num_labels, 40)

size = hidden_layer_size * (input_layer_size + 1) + num_labels * (hidden_layer_size + 1)
theta = np.random.uniform(-0.12, 0.12, size)

alpha = 0.8
J_history = []
for i in range(400):
    J, grad = nn_cost_function(theta, X, y)
    J_history.append(J)
    theta = theta - alpha * grad

print("cost: %.4f -> %.4f" % (J_history[0], J_history[-1]))
