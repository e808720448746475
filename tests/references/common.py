"""What the scripts that train share: a toy, its ramp, and choosing masks.

Numbers: everything is computed in float64, but whatever is recorded as an input of a score (weights,
gradients, batches) is rounded to float32 before it is used. So a record holds exactly what the score
read, and a score in it is right to float32's last digit.

Layout: a weight is [inputs, outputs], as Burn's Linear holds it; a layer computes x @ weight + bias.
"""

import math

import numpy as np
import torch

from record import write  # noqa: F401

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

LAYERS = ["first", "second"]
SIZES = [6, 8, 3]
STEPS = 30
LEARNING_RATE = 0.05
# The ramp: the share that is pruned rises from 0 over the steps START..END, END not included.
START, END, SPARSITY = 5, 20, 0.6


def round32(tensor):
    """The same values as float32 holds them, still in float64."""
    return tensor.to(torch.float32).to(torch.float64)


def random32(rng, *shape, scale=1.0):
    return round32(torch.from_numpy(scale * rng.standard_normal(shape)))


class Toy:
    """A regression with two layers of 6-8-3 and a few fixed batches of a random teacher."""

    def __init__(self, seed, activation=torch.relu, batches=4, rows=8):
        rng = np.random.default_rng(seed)
        self.seed, self.activation = seed, activation
        self.weights, self.biases = {}, {}
        for name, inputs, outputs in zip(LAYERS, SIZES, SIZES[1:]):
            self.weights[name] = random32(rng, inputs, outputs, scale=1 / math.sqrt(inputs))
            self.biases[name] = random32(rng, outputs, scale=0.2)
        hidden = torch.from_numpy(rng.standard_normal((6, 5)))
        teacher = torch.from_numpy(rng.standard_normal((5, 3)))
        self.batches = []
        for _ in range(batches):
            x = random32(rng, rows, SIZES[0])
            noise = torch.from_numpy(0.1 * rng.standard_normal((rows, SIZES[-1])))
            self.batches.append((x, round32(torch.tanh(x @ hidden) @ teacher + noise)))

    def loss(self, weights, biases, batch):
        """The mean squared error over all entries of a batch's output."""
        x, y = self.batches[batch]
        hidden = self.activation(x @ weights["first"] + biases["first"])
        return ((hidden @ weights["second"] + biases["second"] - y) ** 2).mean()

    def record(self):
        """How training starts, for the JSON."""
        return {
            "layers": [{"name": n, "shape": list(w.shape)} for n, w in self.weights.items()],
            "initial": {n: {"weight": self.weights[n], "bias": self.biases[n]} for n in LAYERS},
            "batches": [{"x": x, "y": y} for x, y in self.batches],
        }


def sgd(value, grad, rate=LEARNING_RATE):
    """One step of gradient descent; the result is rounded to float32."""
    return round32(value - rate * grad)


def density_at(step):
    """The share that is kept at a step of the cubic ramp, which ends exactly at its last step."""
    progress = min(max(step - START + 1, 0) / (END - START), 1.0)
    return 1 - SPARSITY * (1 - (1 - progress) ** 3)


def kept(density, total):
    """floor(density * total), refused where rounding could decide it."""
    exact = density * total
    assert density == 1 or abs(exact - round(exact)) > 1e-6, exact
    return math.floor(exact)


def keep_highest(scores, count):
    """Masks of the `count` highest of all scores together, one mask a tensor.

    The seeds are chosen so that no two scores at the threshold are close: a float32
    implementation must come to the same masks.
    """
    flat = torch.cat([score.flatten() for score in scores])
    order = torch.argsort(flat, descending=True, stable=True)
    if 0 < count < len(flat):
        last, next_ = flat[order[count - 1]].item(), flat[order[count]].item()
        gap, size = last - next_, max(abs(last), abs(next_))
        assert gap > 1e-4 * size, f"scores {last} and {next_} at the threshold are too close"
        # Signed scores are sums in which terms cancel: their error is of the size of the terms.
        assert flat.min() >= 0 or gap > 1e-5 * flat.abs().max(), f"{last} and {next_} too close"
    mask = torch.zeros_like(flat)
    mask[order[:count]] = 1
    parts = mask.split([score.numel() for score in scores])
    return [part.reshape(score.shape) for part, score in zip(parts, scores)]


def mask(tensor):
    """A mask as integers, for the JSON."""
    return tensor.to(torch.int64)
