"""The workloads in PyTorch: eager, as its users write them."""

import numpy as np
import torch

from workload import STEPS, Workload, chain, column_and_row, network, vector

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def version() -> str:
    return torch.__version__


def numbers(tensors) -> list[np.ndarray]:
    return [t.detach().numpy() for t in tensors]


def derivatives_anew() -> Workload:
    def call(_=None):
        x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        y = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
        z = 2.0 * x * x + 3.0 * y + 1.0
        dx, dy = torch.autograd.grad(z, [x, y], create_graph=True)
        (dxx,) = torch.autograd.grad(dx, x)
        return dy, dx, dxx

    return Workload(call, lambda: numbers(call()))


def elementwise(size: int) -> Workload:
    x = torch.from_numpy(vector(size)).requires_grad_()

    def call(_=None):
        value = (torch.sin(x) * torch.exp(-x * x) + torch.log(1 + x * x) * torch.tanh(x) / (2 + torch.cos(x))).sum()
        return value, *torch.autograd.grad(value, x)

    return Workload(call, lambda: numbers(call()))


def broadcast(size: int) -> Workload:
    x, y = (torch.from_numpy(a).requires_grad_() for a in column_and_row(size))

    def call(_=None):
        value = ((x + y) ** 2).sum()
        return value, *torch.autograd.grad(value, [x, y])

    return Workload(call, lambda: numbers(call()))


def adam_step(batch: int) -> Workload:
    weights, inputs, labels = network(batch)
    w1, b1, w2, b2 = parameters = [torch.from_numpy(w).requires_grad_() for w in weights]
    adam = torch.optim.Adam(parameters, fused=True)

    def call(_=None):
        x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
        loss = torch.nn.functional.cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss

    return Workload(call, lambda: [np.array([call().item() for _ in range(STEPS)])])


def chain_again(links: int) -> Workload:
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def call(_=None):
        y = chain(x, links, torch.sin)
        return y, *torch.autograd.grad(y, x)

    return Workload(call, lambda: numbers(call()))


# Eager execution has no separate steps: a chain is built, run and differentiated in one go, each time anew.
chain_to_first_result = chain_again
