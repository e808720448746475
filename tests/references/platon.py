"""PLATON (Zhang et al. 2022, arXiv 2206.12562) on the toy.

With I = |w * g| of a step, or its mean over a window of steps, at the end of each window:

    Ibar <- beta1 * Ibar + (1 - beta1) * I          smoothed importance
    U     = |I - Ibar|                              with the Ibar of the line above
    Ubar <- beta2 * Ubar + (1 - beta2) * U          smoothed uncertainty
    score = Ibar * Ubar

Ibar and Ubar start at 0, without a correction for it. Scores start at step 0 of training; in the
ramp masks are chosen every 3 steps, after it at every step, to the last one. All weights compete.

There is no mask in the model. A step is: w and g of the same point give the score; gradient descent
moves all weights, with their full gradient; then, if a mask is chosen at this step, weights outside
of it are set to 0. Between two choices such a weight moves on from 0.

`every_step` has windows of one step, `windows` of three. Until the first window has ended, scores
are 0 (no mask is chosen before). `after_step` has windows of one step too, but the score reads the
weight that gradient descent has just moved, with the gradient of before, as the authors' released
code does: only so has a weight that is set to 0 at every step a sensitivity, of learning rate * g^2.

Seed 18 for all. The learning rate is 0.1, twice that of the other scripts: so some weights return in
each variant.
"""

import torch

from common import *

BETA_1, BETA_2, INTERVAL, RATE = 0.85, 0.95, 3, 0.1


def chooses_at(step):
    """Every INTERVAL steps of the ramp, counted from its start, and at its last; then always."""
    if step >= END - 1:
        return True
    return step >= START and (step - START + 1) % INTERVAL == 0


def run(variant, seed, window=1, after_step=False):
    toy = Toy(seed)
    weights = {n: toy.weights[n].clone().requires_grad_() for n in LAYERS}
    biases = {n: toy.biases[n].clone().requires_grad_() for n in LAYERS}
    zeros = lambda: {n: torch.zeros_like(toy.weights[n]) for n in LAYERS}
    total, importance, uncertainty = zeros(), zeros(), zeros()

    steps = []
    for step in range(STEPS):
        loss = toy.loss(weights, biases, step % len(toy.batches))
        for parameter in [*weights.values(), *biases.values()]:
            parameter.grad = None
        loss.backward()
        entry = {"step": step, "batch": step % len(toy.batches), "loss": loss.item()}
        entry |= {"choose": chooses_at(step)}
        scores, moved = {}, {}
        with torch.no_grad():
            for name in LAYERS:
                weight, grad = weights[name].clone(), round32(weights[name].grad)
                moved[name] = sgd(weight, grad, RATE)
                read = moved[name] if after_step else weight
                total[name] += (read * grad).abs()
                if (step + 1) % window == 0:
                    now = total[name] / window
                    importance[name] = BETA_1 * importance[name] + (1 - BETA_1) * now
                    distance = (now - importance[name]).abs()
                    uncertainty[name] = BETA_2 * uncertainty[name] + (1 - BETA_2) * distance
                    total[name] = torch.zeros_like(total[name])
                scores[name] = importance[name] * uncertainty[name]
                entry[name] = {"weight": read, "grad": grad, "score": scores[name]}
                biases[name].copy_(sgd(biases[name], biases[name].grad, RATE))
            if chooses_at(step):
                count = kept(density_at(step), sum(w.numel() for w in weights.values()))
                entry |= {"density": density_at(step), "kept": count}
                masks = keep_highest([scores[n] for n in LAYERS], count)
                for name, chosen in zip(LAYERS, masks):
                    moved[name] = moved[name] * chosen
                    entry[name] |= {"mask": mask(chosen), "weight_after": moved[name]}
            for name in LAYERS:
                weights[name].copy_(moved[name])
        steps.append(entry)

    settings = {
        "variant": variant,
        "seed": seed,
        "beta_1": BETA_1,
        "beta_2": BETA_2,
        "window": window,
        "score_reads": "moved weights" if after_step else "weights of the gradient",
        "learning_rate": RATE,
        "ramp": [START, END],
        "interval": INTERVAL,
        "sparsity": SPARSITY,
        "budget": "all weights together",
    }
    write(__file__, f"platon_{variant}.json", {"settings": settings, **toy.record(), "steps": steps})


if __name__ == "__main__":
    run("every_step", seed=18)
    run("windows", seed=18, window=3)
    run("after_step", seed=18, after_step=True)
