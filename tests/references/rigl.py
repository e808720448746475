"""RigL (Evci et al. 2019, arXiv 1911.11134) and SET (Mocanu et al. 2017, arXiv 1707.04780).

The toy is sparse from the start, by a random mask of half of each matrix. At the steps t = 3, 6, ...
below T_end = 24 the mask of each matrix changes; with n kept weights now:

    f(t)  = alpha / 2 * (1 + cos(pi * t / T_end)),   alpha = 0.3
    count = floor(f(t) * n)
    drop the `count` kept weights with the smallest |w|
    grow `count` among all that are not kept any more: those that were pruned before, and those just
    dropped, which may come back at once
        RigL: with the largest |g|, g the dense gradient of this step at the masked weights
        SET: with the highest of uniform random numbers, one an entry, which are recorded
    every grown weight starts at 0, also one that was just dropped (the authors' released code lets such
a weight keep its value; the record names the places, so both can be tested)

A step that changes masks does only that: no weight or bias moves at it. At all other steps gradient
descent moves the kept weights and the biases. Steps count from 0, and step 0 changes no mask.

Seed 4 for both.
"""

import math

import torch

from common import *

ALPHA, INTERVAL, T_END, DENSITY = 0.3, 3, 24, 0.5


def share_at(step):
    return ALPHA / 2 * (1 + math.cos(math.pi * step / T_END))


def change(weight, current, growth, count):
    """The new mask, and where it dropped and grew (row-major places)."""
    drop_order = torch.where(current == 1, weight.abs(), -1.0)
    total = int(current.sum())
    (stays,) = keep_highest([drop_order], total - count)
    grow_order = torch.where(stays == 1, -1.0, growth)
    (grows,) = keep_highest([grow_order], count)
    dropped = ((current == 1) & (stays == 0)).flatten().nonzero().flatten()
    grown = grows.flatten().nonzero().flatten()
    return stays + grows, dropped, grown


def run(variant, seed):
    toy = Toy(seed)
    rng = np.random.default_rng([seed, 1])
    masks = {}
    for name in LAYERS:
        total = toy.weights[name].numel()
        flat = torch.zeros(total, dtype=torch.float64)
        flat[torch.from_numpy(rng.permutation(total)[: kept_at_start(total)])] = 1
        masks[name] = flat.reshape(toy.weights[name].shape)
    initial_masks = {n: mask(m) for n, m in masks.items()}
    weights = {n: (toy.weights[n] * masks[n]).requires_grad_() for n in LAYERS}
    biases = {n: toy.biases[n].clone().requires_grad_() for n in LAYERS}

    steps = []
    for step in range(STEPS):
        loss = toy.loss(weights, biases, step % len(toy.batches))
        for parameter in [*weights.values(), *biases.values()]:
            parameter.grad = None
        loss.backward()
        changes = step > 0 and step % INTERVAL == 0 and step < T_END
        entry = {"step": step, "batch": step % len(toy.batches), "loss": loss.item()}
        entry |= {"change": changes}
        if changes:
            entry["share"] = share_at(step)
        with torch.no_grad():
            for name in LAYERS:
                # The weights hold their mask, so this gradient is that of pruned ones too.
                weight, grad = weights[name].clone(), round32(weights[name].grad)
                record = {"weight": weight, "grad": grad}
                if changes:
                    growth = grad.abs()
                    if variant == "set":
                        growth = round32(torch.from_numpy(rng.random(tuple(grad.shape))))
                        record["uniform"] = growth
                    count = kept(share_at(step), int(masks[name].sum()))
                    masks[name], dropped, grown = change(weight, masks[name], growth, count)
                    after = weight * masks[name]
                    after.view(-1)[grown] = 0
                    record |= {"count": count, "dropped": dropped, "grown": grown}
                    record |= {"weight_after": after}
                else:
                    after = sgd(weight, grad * masks[name])
                    biases[name].copy_(sgd(biases[name], biases[name].grad))
                record["mask"] = mask(masks[name])
                weights[name].copy_(after)
                entry[name] = record
        steps.append(entry)

    settings = {
        "variant": variant,
        "seed": seed,
        "alpha": ALPHA,
        "interval": INTERVAL,
        "t_end": T_END,
        "density": DENSITY,
        "learning_rate": LEARNING_RATE,
        "budget": "per matrix",
    }
    final = {n: {"weight": weights[n].detach(), "bias": biases[n].detach()} for n in LAYERS}
    content = {"settings": settings, **toy.record(), "initial_masks": initial_masks}
    write(__file__, f"{variant}.json", {**content, "final": final, "steps": steps})


def kept_at_start(total):
    return int(DENSITY * total)


if __name__ == "__main__":
    run("rigl", seed=4)
    run("set", seed=4)
