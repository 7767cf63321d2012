import torch


class SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate, up):
        sig = torch.sigmoid(gate)
        act = gate * sig
        ctx.save_for_backward(gate, up, sig, act)
        return act * up

    @staticmethod
    def backward(ctx, dc):
        gate, up, sig, act = ctx.saved_tensors
        dup = dc * act
        dact = dc * up
        dgate = dact * (sig + act * (1 - sig))
        return dgate, dup


if __name__ == "__main__":
    a, b = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    SwiGLU.apply(a, b).sum().backward()
