"""A ReLU network trained in PyTorch in the ordinary way, beside the loss of the limit that gridflow computes first.

Usage:
python train_torch.py prepare FOLDER    with gridflow: a student, a teacher, and the limit of infinite width
python train_torch.py train FOLDER      with torch and numpy alone: training by SGD, into training.npz
python train_torch.py compare FOLDER    with gridflow: losses beside the limit; exit code 1 if one is off

gridflow's networks are f(x) = (1/m) Σ a_j relu(w_j·x). PyTorch is given the factor 1/m in both layers alike, W = w / √m
and A = a / √m. For the loss L = ½ mean (f(x) − y)², half of nn.MSELoss, a step of SGD, W − lr ∂L/∂W, then is
w − lr m ∂L/∂w, and alike for a: one of length lr in gridflow's time, so t = lr · steps. With nn.MSELoss itself it is
t = 2 lr · steps; with the weights w, a themselves and the factor 1/m after the last layer, t = lr · steps / m.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

UNTIL = {2: 10.0, 3: 8.0}
"""Time to train, by number of inputs: until the loss has fallen about a thousandfold."""
LOGS = 20
TEACHER = 4000
"""Neurons of the teacher."""
TOLERANCE = 0.05
"""By which a loss may differ from that of the limit, while the latter is above a thousandth of the first."""
CHUNK = 1000
"""Samples that go through a network at once."""


def problem(inputs):
    """The flow to the teacher's density of directions, and the student's, the same in every direction."""
    import gridflow as gf

    if inputs == 2:
        grid = gf.Circle(512)
        angle = grid.centers(0)
        teacher = 1 + 0.6 * np.cos(2 * angle) + 0.3 * np.cos(angle)
        return gf.Flow(grid, gf.ReLU(), teacher, growth=2.0), gf.uniform(grid, 2 * math.pi)
    grid = gf.SphereGrid((48, 96))
    x, y, z = np.moveaxis(grid.points, -1, 0)
    teacher = 1 + 0.6 * (x**2 - y**2) + 0.3 * z
    return gf.SphereFlow(grid, gf.ReLU(), teacher, growth=2.0), gf.uniform(grid, 4 * math.pi)


def prepare(folder, options):
    """Write the weights of a student and a teacher, and the loss of the limit."""
    import gridflow as gf
    from solvers import FiniteVolume, SphereFiniteVolume

    flow, start = problem(options.inputs)
    student = gf.network_from_measure(flow.grid, start, options.neurons)
    gf.networks.save_weights(folder / "student.npz", student)
    gf.networks.save_weights(folder / "teacher.npz", gf.network_from_measure(flow.grid, flow.target, TEACHER))
    solver = FiniteVolume(flow) if options.inputs == 2 else SphereFiniteVolume(flow)
    until = UNTIL[options.inputs]
    times = gf.AtTimes(tuple(np.linspace(0, until, 201)))
    limit = gf.run(solver, start, until, series=times, progress=False).series
    np.savez(folder / "limit.npz", times=limit["time"], losses=limit["energy"])
    print(f"the limit's loss falls {limit['energy'][0] / limit['energy'][-1]:.0f}-fold until t = {until:g}")


def train(folder, options):
    """Train the student on samples that the teacher has labelled."""
    try:
        import torch
        from torch import nn
    except ImportError:
        sys.exit("this example needs PyTorch: pip install torch")
    torch.manual_seed(options.seed)
    torch.set_default_dtype(torch.float64)

    def network(path):
        with np.load(path) as held:
            inner, outer = held["inner"], held["outer"]
        m, inputs = inner.shape
        made = nn.Sequential(nn.Linear(inputs, m, bias=False), nn.ReLU(), nn.Linear(m, 1, bias=False))
        made.load_state_dict(
            {"0.weight": torch.tensor(inner / math.sqrt(m)), "2.weight": torch.tensor(outer[None] / math.sqrt(m))}
        )
        return made

    def drawn(count):
        x = nn.functional.normalize(torch.randn(count, teacher[0].in_features))  # uniform on the sphere
        with torch.no_grad():
            return x, torch.cat([teacher(part) for part in x.split(CHUNK)])

    def loss(x, y):
        return loss_function(model(x), y) / 2

    @torch.no_grad()
    def test_loss():
        parts = zip(x_test.split(CHUNK), y_test.split(CHUNK), strict=True)
        return float(sum(loss(x, y) * len(y) for x, y in parts)) / len(y_test)

    model, teacher = network(folder / "student.npz"), network(folder / "teacher.npz")
    (x_train, y_train), (x_test, y_test) = drawn(options.samples), drawn(options.samples)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr)
    loss_function = nn.MSELoss()

    steps = round(UNTIL[teacher[0].in_features] / options.lr)
    logged = {round(steps * i / LOGS) for i in range(LOGS + 1)}
    times, losses, first, second = [], [], [], []
    order, at = torch.randperm(options.samples), 0
    for step in range(steps + 1):
        if step in logged:
            times.append(step * options.lr)
            losses.append(test_loss())
            first.append(model[0].weight.detach().numpy().copy())
            second.append(model[2].weight.detach().numpy().copy())
            print(f"step {step:6d}  t = {times[-1]:6.3f}  test loss {losses[-1]:.4e}", flush=True)
        if at + options.batch > options.samples:  # the next epoch
            order, at = torch.randperm(options.samples), 0
        chosen = order[at : at + options.batch]
        at += options.batch
        optimizer.zero_grad()
        for part in chosen.split(CHUNK):  # gradients add up
            (loss(x_train[part], y_train[part]) * (len(part) / len(chosen))).backward()
        optimizer.step()
    save_training(folder, times, losses, first, second)


def save_training(folder, times, losses, first, second):
    """Times, test losses and the weights of both layers at those times; the last ones are those of the trained net."""
    np.savez(folder / "training.npz", times=times, losses=losses, first=first, second=second)


def compare(folder, options):
    """Print test losses and the exact ones over all inputs beside the limit; exit code 1 if these are off."""
    from gridflow.networks.measures import from_state_dict
    from solvers import Network

    with np.load(folder / "limit.npz") as held:
        times, limit = held["times"], held["losses"]
    with np.load(folder / "training.npz") as held:
        found = dict(held)
    flow, _ = problem(found["first"].shape[2])
    print("     t      limit    network  off by   test loss  off by")
    largest, fall = 0.0, 1.0
    for t, tested, first, second in zip(*(found[k] for k in ("times", "losses", "first", "second")), strict=True):
        expected = math.exp(np.interp(t, times, np.log(limit)))
        network = Network(flow, from_state_dict({"0.weight": first, "2.weight": second}))
        exact = network.diagnose(network.initialize())["energy"]
        print(f"{t:6.2f} {expected:10.3e} {exact:10.3e} {exact / expected - 1:+7.2%}  {tested:10.3e}", end="")
        print(f" {tested / expected - 1:+7.2%}")
        if expected > limit[0] / 1000:
            largest, fall = max(largest, abs(exact / expected - 1)), limit[0] / expected
    print(f"within {largest:.2%} of the limit while the loss falls {fall:.0f}-fold")
    if largest > options.tolerance:
        sys.exit(1)


def main():
    """Read the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for does in (prepare, train, compare):
        command = commands.add_parser(does.__name__, help=does.__doc__)
        command.set_defaults(does=does)
        command.add_argument("folder", type=Path)
        if does is prepare:
            command.add_argument("--inputs", type=int, choices=(2, 3), default=2)
            command.add_argument("--neurons", type=int, default=1000)
        if does is train:
            command.add_argument("--samples", type=int, default=100_000)
            command.add_argument("--batch", type=int, default=1000)
            command.add_argument("--lr", type=float, default=0.02)
            command.add_argument("--seed", type=int, default=0)
        if does is compare:
            command.add_argument("--tolerance", type=float, default=TOLERANCE)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.does(options.folder, options)


if __name__ == "__main__":
    main()
