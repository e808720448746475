"""Variants of SEVEN (arXiv 2403.12688) on recorded streams of weights and gradients.

Two tensors, `first` of 24 entries and `second` of 12 with gradients ten times as large, over 12
steps; nothing is pruned. w and g are those of a step, sums run over all steps so far:

    seven            a = |g|
                     m <- 0.8 m + 0.2 a      m^ = m / (1 - 0.8^(t+1))
                     v <- 0.9 v + 0.1 a^2    v^ = v / (1 - 0.9^(t+1))
                     S <- S + |w * a * m^ / (sqrt(v^) + 1e-9)|
    signed_moment    the same with m of g, not of |g|, and 0.95 for both rates; v and the factor a
                     stay as they are
    mean_gradient    S = |w * sum of g|, with the w of the last step (a sum, not divided by steps)
    hedge            S = |w| * (sum of |g|)^beta, with the w of the last step;
                     beta = 0, 1/4, 1/2, 1; beta = 0 is |w|
    layer_normalized S / (mean of S over all entries of the tensor)^gamma, S that of seven;
                     gamma = 0, 1/2, 1

Seed 5. Streams are float32 values, scores are computed in float64.
"""

import torch

from common import *

SHAPES = {"first": (4, 6), "second": (3, 4)}
SCALES = {"first": 1.0, "second": 10.0}
COUNT = 12
BETAS, GAMMAS = [0.0, 0.25, 0.5, 1.0], [0.0, 0.5, 1.0]


class Seven:
    def __init__(self, shape, alpha_1, alpha_2, signed):
        self.alpha_1, self.alpha_2, self.signed = alpha_1, alpha_2, signed
        self.m, self.v, self.score = (torch.zeros(shape, dtype=torch.float64) for _ in range(3))
        self.t = 0

    def update(self, w, g):
        a = g.abs()
        self.t += 1
        self.m = self.alpha_1 * self.m + (1 - self.alpha_1) * (g if self.signed else a)
        self.v = self.alpha_2 * self.v + (1 - self.alpha_2) * a**2
        m = self.m / (1 - self.alpha_1**self.t)
        v = self.v / (1 - self.alpha_2**self.t)
        self.score = self.score + (w * a * m / (v.sqrt() + 1e-9)).abs()
        return self.score


def main(seed):
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in SHAPES.items():
        zeros = torch.zeros(shape, dtype=torch.float64)
        state[name] = {
            "weight": random32(rng, *shape),
            "drift": random32(rng, *shape),
            "seven": Seven(shape, 0.8, 0.9, signed=False),
            "signed_moment": Seven(shape, 0.95, 0.95, signed=True),
            "sum": zeros,
            "sum_of_absolutes": zeros,
        }
    steps = []
    for step in range(COUNT):
        entry = {"step": step}
        for name, shape in SHAPES.items():
            own = state[name]
            w = own["weight"]
            g = round32(SCALES[name] * (0.4 * own["drift"] + random32(rng, *shape)))
            own["sum"] = own["sum"] + g
            own["sum_of_absolutes"] = own["sum_of_absolutes"] + g.abs()
            seven = own["seven"].update(w, g)
            entry[name] = {
                "weight": w,
                "grad": g,
                "seven": seven,
                "signed_moment": own["signed_moment"].update(w, g),
                "mean_gradient": (w * own["sum"]).abs(),
                "hedge": {str(b): w.abs() * own["sum_of_absolutes"] ** b for b in BETAS},
                "layer_normalized": {str(c): seven / seven.mean() ** c for c in GAMMAS},
            }
            own["weight"] = round32(w - 0.01 * g)
        steps.append(entry)
    settings = {
        "seed": seed,
        "seven": {"alpha_1": 0.8, "alpha_2": 0.9, "epsilon": 1e-9, "signed": False},
        "signed_moment": {"alpha_1": 0.95, "alpha_2": 0.95, "epsilon": 1e-9, "signed": True},
        "hedge_beta": BETAS,
        "layer_normalized_gamma": GAMMAS,
    }
    layers = [{"name": name, "shape": list(shape)} for name, shape in SHAPES.items()]
    content = {"settings": settings, "layers": layers, "steps": steps}
    write(__file__, "seven_variants.json", content)


if __name__ == "__main__":
    main(seed=5)
