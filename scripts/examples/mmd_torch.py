"""A flow of the maximum mean discrepancy by automatic differentiation in PyTorch, to be validated by gridflow.

As in machine learning, the target is known only by samples, so gridflow is given their number. Usage:
python mmd_torch.py FILE.npz; then, with the run of the bundled case gaussian-mmd2d,
gridflow compare gaussian-mmd2d.run FILE.npz --target-samples 2000
"""

import sys

import numpy as np

try:
    import torch
except ImportError:
    sys.exit("this example needs PyTorch: pip install torch")

N, M, WIDTH, FRAMES, STEPS, DT = 500, 2000, 0.1, 100, 2, 0.01
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def bumps(centers, sigma, weights, count):
    """Independent samples of Gaussian bumps on the torus."""
    which = torch.multinomial(torch.tensor(weights), count, replacement=True)
    return torch.remainder(torch.tensor(centers)[which] + sigma * torch.randn(count, 2), 1.0)


def kernel(x, y):
    """The Gaussian kernel between all pairs, to their nearest images; beyond those it is below 4e-6."""
    apart = x[:, None] - y[None]
    apart = apart - torch.round(apart)
    return torch.exp(-(apart**2).sum(dim=-1) / (2 * WIDTH**2))


def velocity(x, y):
    """Minus N times the gradient of ½ MMD²."""
    x = x.detach().requires_grad_()
    energy = N * (kernel(x, x).mean() / 2 - kernel(x, y).mean())
    return -torch.autograd.grad(energy, x)[0]


x = bumps([[0.25, 0.6], [0.75, 0.6]], 0.08, [0.5, 0.5], N)
y = bumps([[0.3, 0.3], [0.7, 0.35], [0.5, 0.75]], 0.06, [0.25, 0.25, 0.5], M)
times, frames = [0.0], [x.numpy()]
for step in range(1, FRAMES * STEPS + 1):
    x = x + DT * velocity(x + DT / 2 * velocity(x, y), y)  # the midpoint rule
    if step % STEPS == 0:
        times.append(step * DT)
        frames.append(torch.remainder(x, 1.0).numpy())
np.savez(sys.argv[1], times=times, positions=frames)
