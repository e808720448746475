"""Layers pruned by Wanda, SparseGPT and the exact refit, written from the papers' formulas with numpy.

No Cholesky factor is used here: SparseGPT inverts the second moments of the inputs that are left at
each input, and the refit is a least-squares problem in the inputs themselves.

    python crates/burn-seven-after/tests/solvers.py > crates/burn-seven-after/tests/solvers.json
"""

import json

import numpy as np

INPUTS, OUTPUTS, SAMPLES, BLOCK, DAMPING = 24, 6, 60, 8, 0.01


def keep(scores, share):
    """True for all but the `1 - share` lowest of a flat array."""
    goes = scores.size - int(share * scores.size)
    kept = np.ones(scores.size, dtype=bool)
    kept[np.argsort(scores, kind="stable")[:goes]] = False
    return kept


def masks(scores, pattern):
    """Scores of shape [outputs, inputs]."""
    if pattern == "layer":
        return keep(scores.ravel(), 0.5).reshape(scores.shape)
    if pattern == "output":
        return np.stack([keep(row, 0.5) for row in scores])
    groups = scores.reshape(len(scores), -1, 4)
    return np.stack([[keep(group, 0.5) for group in row] for row in groups]).reshape(scores.shape)


def damped(x):
    h = x.T @ x
    return h + DAMPING * np.mean(np.diag(h)) * np.eye(len(h))


def sparse_gpt(w, x, pattern):
    h, w = damped(x), w.copy()
    mask = np.ones(w.shape, dtype=bool)
    # What is left of the inverse's first entry when all inputs before have gone.
    first = np.array([np.linalg.inv(h[j:, j:])[0, 0] for j in range(INPUTS)])
    for start in range(0, INPUTS, BLOCK):
        end = start + BLOCK
        if pattern != "2:4":
            mask[:, start:end] = masks(w[:, start:end] ** 2 / first[start:end], pattern)
        for j in range(start, end):
            if pattern == "2:4" and j % 4 == 0:
                mask[:, j : j + 4] = masks(w[:, j : j + 4] ** 2 / first[j : j + 4], pattern)
            inverse = np.linalg.inv(h[j:, j:])
            gone = ~mask[:, j]
            w[gone, j:] -= np.outer(w[gone, j] / inverse[0, 0], inverse[0])
            w[gone, j] = 0.0
    return w, mask


def refit(w, x, mask):
    h = x.T @ x
    root = np.sqrt(DAMPING * np.mean(np.diag(h)))
    rows = np.vstack([x, root * np.eye(INPUTS)])
    fitted = np.zeros_like(w)
    for output, kept in enumerate(mask):
        fit = np.linalg.lstsq(rows[:, kept], rows @ w[output], rcond=None)[0]
        fitted[output, kept] = fit
    return fitted


def main():
    rng = np.random.default_rng(7)
    mixing = rng.normal(size=(INPUTS, INPUTS)) * 0.3 + np.eye(INPUTS)
    x = rng.normal(size=(SAMPLES, INPUTS)) @ mixing * rng.uniform(0.2, 2.0, INPUTS)
    x = x.astype(np.float32).astype(np.float64)
    w = rng.normal(size=(OUTPUTS, INPUTS)).astype(np.float32).astype(np.float64)
    wanda = np.abs(w) * np.linalg.norm(x, axis=0)
    cases = []

    def case(solver, pattern, refitted, weight, mask):
        error = np.linalg.norm(x @ (weight - w).T) / np.linalg.norm(x @ w.T)
        cases.append(
            {
                "solver": solver,
                "pattern": pattern,
                "refit": refitted,
                "weight": weight.ravel().tolist(),
                "kept": mask.ravel().tolist(),
                "error": error,
            }
        )

    for pattern in ("layer", "output", "2:4"):
        for solver, scores in (("magnitude", np.abs(w)), ("wanda", wanda)):
            mask = masks(scores, pattern)
            case(solver, pattern, False, w * mask, mask)
            case(solver, pattern, True, refit(w, x, mask), mask)
        pruned, mask = sparse_gpt(w, x, pattern)
        case("sparsegpt", pattern, False, pruned, mask)
        case("sparsegpt", pattern, True, refit(w, x, mask), mask)
    print(json.dumps({"x": x.ravel().tolist(), "w": w.ravel().tolist(), "cases": cases}))


main()
