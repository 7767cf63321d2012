import torch

torch.manual_seed(42)
X = torch.randn(64, 2)
y = ((X[:, 0] * X[:, 1]) > 0).float().unsqueeze(1)

n_hidden = 8
W1 = torch.randn(2, n_hidden) * 0.5
b1 = torch.zeros(n_hidden)
W2 = torch.randn(n_hidden, 1) * 0.5
b2 = torch.zeros(1)
lr = 0.5

for epoch in range(50):
    z1 = X @ W1 + b1
    a1 = torch.tanh(z1)
    z2 = a1 @ W2 + b2
    out = torch.sigmoid(z2)
    loss = -(y * torch.log(out) + (1 - y) * torch.log(1 - out)).mean()
    dz2 = (out - y) / len(X)
    dW2 = a1.t() @ dz2
    db2 = dz2.sum(0)
    da1 = dz2 @ W2.t()
    dz1 = da1 * (1 - a1 ** 2)
    dW1 = X.t() @ dz1
    db1 = dz1.sum(0)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    if epoch % 10 == 0:
        print(epoch, loss.item())
