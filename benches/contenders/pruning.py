"""Pruning by magnitude, each weight by itself."""

import copy

import torch


def pruned(model, sparsity):
    """A copy of the model in which the smallest entries of each prunable weight are 0."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for weight in model.prunable():
            entries = weight.view(-1)
            entries[entries.abs().argsort()[: int(sparsity * len(entries))]] = 0
    return model
