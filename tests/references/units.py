"""Scores of structures: units of many entries, scored by what their entries' scores are together.

Weights and their units, numbered from 0; linear weights are [inputs, outputs], convolutions
[outputs, inputs, height, width]:

    matrix       6x8: `blocks` of 2x4, row by row of blocks; `rows`; `columns`
    convolution  4x3x2x2: `channels`, one an output
    feed_forward `first` 4x6 and `second` 6x4: `neurons`; neuron j is column j of the first and row j
                 of the second
    attention    `query`, `key`, `value`, `output` 6x6, 3 heads of 2: `heads`; head h is the columns
                 2h and 2h+1 of query, key and value, and the rows 2h and 2h+1 of output

A unit's score is the `sum` of its entries' scores, their `mean` over all entries of the unit, or
their `l2` norm (the root of the sum of squares).

Which units stay, in one pool of units that may differ in size, with N entries in all:

    units stay in the order of their score, the highest first (ties: the earlier weight, then the
    lower index), as long as the entries that they hold fit into floor(density * N) together; the
    first unit that does not fit ends it, also where a later, smaller one would still fit

"Earlier weight" is the earlier structure in the pool's list. Numpy only, seed 19, in which the rule's
end decides; the entries are float32 values, sums are float64.
"""

import numpy as np

from record import write

POOLINGS = {
    "sum": lambda entries: entries.sum(),
    "mean": lambda entries: entries.mean(),
    "l2": lambda entries: np.sqrt((entries**2).sum()),
}


def places(weights, name, *index):
    """The row-major places of a part of a weight, as (weight, place) pairs."""
    shape = weights[name].shape
    flat = np.arange(np.prod(shape)).reshape(shape)[index]
    return [(name, int(place)) for place in np.sort(flat.ravel())]


def structures(weights):
    """The units of each structure: lists of (weight, place) pairs."""
    part = lambda *where: places(weights, *where)
    every = slice(None)
    heads = []
    for head in range(3):
        own = slice(2 * head, 2 * head + 2)
        unit = part("output", own)
        for name in ["value", "key", "query"]:
            unit = part(name, every, own) + unit
        heads.append(unit)
    return {
        "blocks": [
            part("matrix", slice(row, row + 2), slice(column, column + 4))
            for row in range(0, 6, 2)
            for column in range(0, 8, 4)
        ],
        "rows": [part("matrix", row) for row in range(6)],
        "columns": [part("matrix", every, column) for column in range(8)],
        "channels": [part("convolution", channel) for channel in range(4)],
        "neurons": [part("first", every, j) + part("second", j) for j in range(6)],
        "heads": heads,
    }


def scores_of(weights, units, pooling):
    values = lambda unit: np.array([weights[name].flat[place] for name, place in unit])
    return np.array([POOLINGS[pooling](values(unit)) for unit in units])


def choose(sizes, scores, density):
    """Which units of a pool stay, by the rule above: their places in the pool, in order."""
    exact = density * sum(sizes)
    budget = int(exact)
    assert exact == budget or exact - budget > 1e-6
    order = sorted(range(len(sizes)), key=lambda unit: (-scores[unit], unit))
    used, stays = 0, []
    for unit in order:
        if used + sizes[unit] > budget:
            break
        used += sizes[unit]
        stays.append(unit)
    return sorted(stays), budget, used


def pool(weights, all_units, names, pooling, density, ties=False):
    """One choice among all units of some structures."""
    members = [(name, index) for name in names for index in range(len(all_units[name]))]
    units = [all_units[name][index] for name, index in members]
    sizes = [len(unit) for unit in units]
    scores = np.concatenate([scores_of(weights, all_units[name], pooling) for name in names])
    if not ties:
        ordered = np.sort(scores)
        assert (np.diff(ordered) > 1e-4 * ordered[1:]).all(), "scores are too close"
    stays, budget, used = choose(sizes, scores, density)
    kept = {name: [] for name in names}
    touched = {place[0] for unit in units for place in unit}
    masks = {n: np.zeros(w.shape, dtype=int) for n, w in weights.items() if n in touched}
    for unit in stays:
        name, index = members[unit]
        kept[name].append(index)
        for weight, place in units[unit]:
            masks[weight].flat[place] = 1
    return {
        "structures": names,
        "pooling": pooling,
        "density": density,
        "entries": sum(sizes),
        "budget": budget,
        "used": used,
        "kept": kept,
        "masks": masks,
    }


def main(seed):
    rng = np.random.default_rng(seed)
    # Scores of sensitivities are about log-normal. Each weight has its own level.
    shapes = {"matrix": (6, 8), "convolution": (4, 3, 2, 2), "first": (4, 6), "second": (6, 4)}
    shapes |= {name: (6, 6) for name in ["query", "key", "value", "output"]}
    weights = {}
    for name, shape in shapes.items():
        level = rng.uniform(0.8, 1.25)
        drawn = level * np.exp(0.7 * rng.standard_normal(shape))
        weights[name] = drawn.astype(np.float32).astype(np.float64)
    units = structures(weights)
    unit_scores = [
        {
            "structure": name,
            "sizes": [len(unit) for unit in own],
            **{pooling: scores_of(weights, own, pooling) for pooling in POOLINGS},
        }
        for name, own in units.items()
    ]
    pools = [
        pool(weights, units, [name], pooling, 0.5) for name in units for pooling in POOLINGS
    ]
    for of_matrix in ["blocks", "rows", "columns"]:
        for pooling in POOLINGS:
            names = [of_matrix, "channels", "neurons", "heads"]
            pools.append(pool(weights, units, names, pooling, 0.5))

    # Whole numbers, so that sums tie exactly: rows of `a` are 10, 12, 12, 7, of `b` 12, 10.
    tied = {
        "a": np.array([[1, 2, 3, 4], [3, 3, 3, 3], [6, 1, 1, 4], [1, 1, 1, 4]], dtype=float),
        "b": np.array([[2, 2, 4, 4], [7, 1, 1, 1]], dtype=float),
    }
    tied_units = {
        "rows of a": [places(tied, "a", row) for row in range(4)],
        "rows of b": [places(tied, "b", row) for row in range(2)],
    }
    ties = [
        pool(tied, tied_units, list(tied_units), "sum", density, ties=True)
        for density in [0.2, 0.4, 0.5, 0.7, 0.9, 1.0]
    ]
    content = {
        "settings": {"seed": seed, "block": [2, 4], "heads": 3, "head_size": 2},
        "weights": weights,
        "units": unit_scores,
        "pools": pools,
        "tied_weights": tied,
        "tied_pools": ties,
    }
    write(__file__, "units.json", content)


if __name__ == "__main__":
    main(seed=19)
