"""Movement pruning (Sanh, Wolf, Rush 2020, arXiv 2005.07683) on the toy.

Each weight W has a score S, which is a parameter. The model computes with W' = W * mask, where the
mask keeps the highest scores of each matrix. With g = dL/dW' (the dense gradient):

    the gradient of S is g * W, as if the mask were S itself (straight-through),
    the gradient of W is g * mask: a pruned weight stands still, and returns with its old value.

`learned`: S is trained by Adam (lr 0.01, betas 0.9 and 0.999, eps 1e-8, no weight decay).
`sum`: S is trained by gradient descent with lr 1, so S = -sum of W * g.

S starts at 0, learns at every step and the mask is chosen anew after every step, to the end.
W and the biases are trained by gradient descent.

Seed 13 for both, in which weights return.
"""

import torch

from common import *


class MaskedWeight(torch.autograd.Function):
    """W * mask, whose gradient reaches S as if S stood where the mask stands."""

    @staticmethod
    def forward(ctx, weight, score, mask):
        ctx.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(ctx, dense):
        weight, mask = ctx.saved_tensors
        return dense * mask, dense * weight, None


def run(variant, seed):
    toy = Toy(seed)
    weights = {n: toy.weights[n].clone().requires_grad_() for n in LAYERS}
    biases = {n: toy.biases[n].clone().requires_grad_() for n in LAYERS}
    scores = {n: torch.zeros_like(toy.weights[n], requires_grad=True) for n in LAYERS}
    masks = {n: torch.ones_like(toy.weights[n]) for n in LAYERS}
    if variant == "learned":
        optimizer = torch.optim.Adam(
            scores.values(), lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0
        )
    else:
        optimizer = torch.optim.SGD(scores.values(), lr=1.0)

    steps = []
    for step in range(STEPS):
        masked = {n: MaskedWeight.apply(weights[n], scores[n], masks[n]) for n in LAYERS}
        for value in masked.values():
            value.register_hook(round32)
            value.retain_grad()
        loss = toy.loss(masked, biases, step % len(toy.batches))
        for parameter in [*weights.values(), *biases.values(), *scores.values()]:
            parameter.grad = None
        loss.backward()
        optimizer.step()

        density = density_at(step)
        entry = {"step": step, "batch": step % len(toy.batches), "loss": loss.item()}
        entry |= {"density": density, "choose": START <= step}
        for name in LAYERS:
            count = kept(density, weights[name].numel())
            record = {"weight": weights[name].detach().clone(), "grad": masked[name].grad}
            (masks[name],) = keep_highest([scores[name].detach()], count)
            record |= {"score": scores[name].detach().clone(), "kept": count}
            record |= {"mask": mask(masks[name])}
            entry[name] = record
            with torch.no_grad():
                weights[name].copy_(sgd(weights[name], weights[name].grad))
                biases[name].copy_(sgd(biases[name], biases[name].grad))
        steps.append(entry)

    settings = {
        "variant": variant,
        "seed": seed,
        "learning_rate": LEARNING_RATE,
        "ramp": [START, END],
        "sparsity": SPARSITY,
        "budget": "per matrix",
    }
    if variant == "learned":
        settings |= {"score_learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    final = {n: {"weight": weights[n].detach(), "bias": biases[n].detach()} for n in LAYERS}
    content = {"settings": settings, **toy.record(), "final": final, "steps": steps}
    write(__file__, f"movement_{variant}.json", content)


if __name__ == "__main__":
    run("learned", seed=13)
    run("sum", seed=13)
