import torch, math
from torch.autograd import Function

class Round(Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)
    @staticmethod
    def backward(ctx, g):
        return g

class Binarize(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()
    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input.abs() > 1] = 0
        return grad_input

class Spike(Function):
    @staticmethod
    def forward(ctx, input, threshold):
        ctx.save_for_backward(input)
        return (input > 0).float()
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g / (1 + 10 * x.abs()) ** 2, None

class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, lambda_):
        ctx.lambda_ = lambda_
        return x.view_as(x)
    @staticmethod
    def backward(ctx, g):
        return -ctx.lambda_ * g, None

class LSQ(Function):
    @staticmethod
    def forward(ctx, weight, alpha, g, Qn, Qp):
        ctx.save_for_backward(weight, alpha)
        ctx.other = g, Qn, Qp
        return (weight / alpha).round().clamp(Qn, Qp) * alpha
    @staticmethod
    def backward(ctx, gw):
        weight, alpha = ctx.saved_tensors
        g, Qn, Qp = ctx.other
        q = weight / alpha
        small = (q < Qn).to(q.dtype); big = (q > Qp).to(q.dtype)
        mid = 1 - small - big
        ga = ((small * Qn + big * Qp + mid * (-q + q.round())) * gw * g).sum()
        return mid * gw, ga, None, None, None

class FakeQuant(Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        q = torch.clamp(torch.round(x / scale) + zero_point, qmin, qmax)
        ctx.save_for_backward((q > qmin) & (q < qmax))
        return (q - zero_point) * scale
    @staticmethod
    def backward(ctx, g):
        mask, = ctx.saved_tensors
        return g * mask, None, None, None, None

class ReluMask(Function):
    @staticmethod
    def forward(ctx, x):
        mask = (x > 0).float()
        ctx.save_for_backward(mask)
        return x * mask
    @staticmethod
    def backward(ctx, g):
        return g

class InPlace(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2).exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return g * y

class TopK(Function):
    @staticmethod
    def forward(ctx, x, k):
        v, i = x.topk(k, dim=1)
        ctx.mark_non_differentiable(i)
        ctx.save_for_backward(i); ctx.shape = x.shape
        return v, i
    @staticmethod
    def backward(ctx, gv, gi):
        i, = ctx.saved_tensors
        out = torch.zeros(ctx.shape, dtype=gv.dtype)
        out.scatter_(1, i, gv * 2)
        return out, None

class Missing(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.t(), None

class BiasAuto(Function):
    @staticmethod
    def forward(ctx, x, b):
        return x + b
    @staticmethod
    def backward(ctx, g):
        return g, g

class NumpyExp(Function):
    @staticmethod
    def forward(ctx, x):
        import numpy as np
        r = torch.from_numpy(np.exp(x.detach().numpy()))
        ctx.save_for_backward(r)
        return r
    @staticmethod
    def backward(ctx, g):
        r, = ctx.saved_tensors
        return g * r * r

class Checkpoint(Function):
    @staticmethod
    def forward(ctx, run, x):
        ctx.run = run; ctx.save_for_backward(x)
        with torch.no_grad():
            return run(x)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            y = ctx.run(x)
        gx, = torch.autograd.grad(y, x, g)
        return None, gx

class Few(Function):
    @staticmethod
    def forward(ctx, x, y):
        return x * y
    @staticmethod
    def backward(ctx, g):
        return g

class Loss(Function):
    @staticmethod
    def forward(ctx, pred, target):
        ctx.save_for_backward(pred, target)
        return ((pred - target) ** 2).mean()
    @staticmethod
    def backward(ctx, g):
        pred, target = ctx.saved_tensors
        return 2 * (pred - target) / pred.numel(), None

class InvSqrtMat(Function):
    @staticmethod
    def forward(ctx, A):
        inv = torch.linalg.inv(A)
        ctx.save_for_backward(inv)
        return inv
    @staticmethod
    def backward(ctx, g):
        inv, = ctx.saved_tensors
        return -inv.t() @ g @ inv
class STArgmax(Function):
    @staticmethod
    def forward(ctx, logits):
        idx = logits.argmax(-1)
        return torch.nn.functional.one_hot(idx, logits.shape[-1]).to(logits.dtype)
    @staticmethod
    def backward(ctx, g):
        return g
class LeakyClip(Function):
    @staticmethod
    def forward(ctx, x):
        return torch.nn.functional.leaky_relu(x, 0.1)
    @staticmethod
    def backward(ctx, g):
        return g

if __name__ == "__main__":
    x = torch.randn(4, 5, requires_grad=True)
    LSQ.apply(torch.randn(4,5,requires_grad=True), torch.tensor(0.3,requires_grad=True), 0.5, -2, 2)
    FakeQuant.apply(x, 0.1, 3, 0, 15)
    InPlace.apply(x.clone())
    TopK.apply(x, 2)
    Missing.apply(x, torch.randn(5, 3, requires_grad=True))
    BiasAuto.apply(x, torch.randn(5, requires_grad=True))
    Checkpoint.apply(torch.nn.Linear(5, 3), x)
    Few.apply(x, x)
    InvSqrtMat.apply(torch.randn(3,3,dtype=torch.double))
