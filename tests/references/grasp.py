"""GraSP (Wang, Zhang, Grosse 2020, arXiv 2002.07376) on the toy with tanh, before training.

L is the mean loss of the whole set (all batches have the same size, so it is the mean of theirs),
g its gradient, H its Hessian, both of the two weight matrices only; biases are held fixed. First g
of the whole set, then one product H g, by differentiating twice:

    H g = d/dw of (g(w) . v), at v = g held fixed

The paper's score is -w * (H g), and the highest are removed. So what stays are the highest of
w * (H g), with its sign; that is `score` here. `absolute` is |w * (H g)|, of which the highest stay.
The loss is a mean squared error: there are no logits to divide by a temperature.

Seed 3. No rounding but of what is read (weights and batches) and of what is written.
"""

import torch

from common import *


def main(seed):
    toy = Toy(seed, activation=torch.tanh)
    weights = {n: toy.weights[n].clone().requires_grad_() for n in LAYERS}
    count = len(toy.batches)

    def gradients(values, batches, **options):
        loss = sum(toy.loss(values, toy.biases, batch) for batch in batches) / len(batches)
        return torch.autograd.grad(loss, list(values.values()), **options)

    of_batches = [gradients(weights, [batch]) for batch in range(count)]
    grads = gradients(weights, range(count), create_graph=True)
    vector = [grad.detach() for grad in grads]
    inner = sum((grad * v).sum() for grad, v in zip(grads, vector))
    products = torch.autograd.grad(inner, list(weights.values()))
    products_of_batches = []
    for batch in range(count):
        own = gradients(weights, [batch], create_graph=True)
        inner = sum((grad * v).sum() for grad, v in zip(own, vector))
        products_of_batches.append(torch.autograd.grad(inner, list(weights.values())))

    # The same product by differences of gradients.
    delta = 1e-5
    shifted = []
    for sign in (1, -1):
        moved = {
            name: (weights[name].detach() + sign * delta * v).requires_grad_()
            for name, v in zip(LAYERS, vector)
        }
        shifted.append(gradients(moved, range(count)))
    for product, up, down in zip(products, *shifted):
        assert torch.allclose(product, (up - down) / (2 * delta), rtol=1e-6, atol=1e-8)

    scores = [weights[n].detach() * product for n, product in zip(LAYERS, products)]
    absolute = [score.abs() for score in scores]
    total = sum(score.numel() for score in scores)
    masks, absolute_masks = (keep_highest(values, total // 2) for values in (scores, absolute))
    result = {}
    for index, name in enumerate(LAYERS):
        result[name] = {
            "weight": toy.weights[name],
            "grad": vector[index],
            "product": products[index],
            "score": scores[index],
            "absolute": absolute[index],
            "mask": mask(masks[index]),
            "absolute_mask": mask(absolute_masks[index]),
        }
    of_batches = [
        {
            "batch": batch,
            **{
                name: {"grad": grad, "product": product}
                for name, grad, product in zip(
                    LAYERS, of_batches[batch], products_of_batches[batch]
                )
            },
        }
        for batch in range(count)
    ]
    settings = {
        "seed": seed,
        "activation": "tanh",
        "sparsity": 0.5,
        "kept": total // 2,
        "budget": "all weights together",
    }
    content = {"settings": settings, **toy.record(), "result": result, "of_batches": of_batches}
    write(__file__, "grasp.json", content)


if __name__ == "__main__":
    main(seed=3)
