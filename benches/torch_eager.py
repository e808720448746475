#!/usr/bin/env python3
"""One SEVEN pruning step in eager PyTorch: what the library's own step is compared with.

It is the formula written down as tensor expressions, as one writes it without a kernel of one's own:

    a = |g|
    m <- α1 m + (1 - α1) a          m̂ = m / (1 - α1^(t+1))
    v <- α2 v + (1 - α2) a²         v̂ = v / (1 - α2^(t+1))
    S <- S + | w · a · m̂ / (√v̂ + ε) |,   0 where pruned

then one threshold over the scores of all matrices together, a mask for each matrix, and the weights
times their masks. The sparsity rises by a cubic schedule.

`update`, `threshold`, `masks`, `total` and `extra_bytes` in the JSON mean what they mean in
`burn-seven-bench step`. Multiplying the weights by their masks is measured too, as `multiply`, but is
no part of `total`: in the library it belongs to the forward pass. There is no check for NaN and
infinite values here, which the library's update has.
"""

import argparse
import json
import platform
import sys
import time
from itertools import cycle
from pathlib import Path

import torch

ALPHA_1, ALPHA_2, EPSILON = 0.8, 0.9, 1e-9
FINAL_SPARSITY = 0.9

# The matrices of one encoder layer: query, key, value, output, and the two of the feed-forward.
LAYER = [(768, 768)] * 4 + [(768, 3072), (3072, 768)]

# Bytes of the block that is copied: far more than any cache holds.
BLOCK = 256 << 20


def shapes(total):
    """Layers one after the other, the last matrix cut short."""
    result = []
    for rows, columns in cycle(LAYER):
        if total <= rows * columns:
            return result + [(1, total)]
        result.append((rows, columns))
        total -= rows * columns


def kept_share(step, steps):
    """The cubic schedule: all of the weights at first, what the sparsity leaves at the end."""
    last = 1 - FINAL_SPARSITY
    return last + (1 - last) * (1 - (step + 1) / steps) ** 3


class Seven:
    """The statistics and masks of all matrices, and the step on them."""

    def __init__(self, weights, select):
        self.select = select
        self.m = [torch.zeros_like(w) for w in weights]
        self.v = [torch.zeros_like(w) for w in weights]
        self.score = [torch.zeros_like(w) for w in weights]
        self.mask = [torch.ones_like(w, dtype=torch.bool) for w in weights]
        self.t = 0

    def update(self, weights, grads):
        correction_1 = 1 - ALPHA_1 ** (self.t + 1)
        correction_2 = 1 - ALPHA_2 ** (self.t + 1)
        for i, (w, g) in enumerate(zip(weights, grads)):
            a = g.abs()
            self.m[i] = ALPHA_1 * self.m[i] + (1 - ALPHA_1) * a
            self.v[i] = ALPHA_2 * self.v[i] + (1 - ALPHA_2) * a**2
            m_hat = self.m[i] / correction_1
            v_hat = self.v[i] / correction_2
            sensitivity = (w * a * m_hat / (v_hat.sqrt() + EPSILON)).abs()
            self.score[i] = (self.score[i] + sensitivity) * self.mask[i]
        self.t += 1

    def threshold(self, kept):
        """The highest score that does not stay."""
        scores = torch.cat([s.flatten() for s in self.score])
        if kept >= scores.numel():
            return scores.new_tensor(-1.0)  # below every score
        if self.select == "kthvalue":
            return torch.kthvalue(scores, scores.numel() - kept).values
        if self.select == "topk":
            return torch.topk(scores, kept + 1).values[-1]
        return torch.sort(scores, descending=True).values[kept]

    def choose(self, threshold):
        self.mask = [s > threshold for s in self.score]

    def multiply(self, weights):
        for i, mask in enumerate(self.mask):
            weights[i] = weights[i] * mask


class HostMemory:
    """The process's resident set, as Linux tells it; knows nothing elsewhere."""

    @staticmethod
    def _status(name):
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return None
        found = [line for line in lines if line.startswith(name)]
        return int(found[0].split()[1]) * 1024 if found else None

    def reset(self):
        """Forgets the peak so far and gives what is in use now."""
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return None
        return self._status("VmRSS")

    def peak(self):
        return self._status("VmHWM")


class CardMemory:
    """What PyTorch has allocated on the card."""

    def reset(self):
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()

    def peak(self):
        return torch.cuda.max_memory_allocated()


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def copy_time(device):
    """Nanoseconds to copy 16 bytes: 16 read and 16 written, 32 moved in total."""
    source = torch.ones(BLOCK, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    times = []
    for _ in range(9):
        wait(device)
        start = time.perf_counter()
        target.copy_(source)
        wait(device)
        times.append(time.perf_counter() - start)
    return spread(times)["median"] * 1e9 / (BLOCK / 16)


def device_name(device):
    if device.type == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def spread(values):
    values = sorted(values)
    return {"median": values[len(values) // 2], "min": values[0], "max": values[-1]}


def measure(count, repeat, device, select):
    """Times in nanoseconds a weight, each a list with one entry a step, and extra bytes a weight."""
    weights = [torch.randn(shape, device=device) * 0.02 for shape in shapes(count)]
    grads = [torch.randn(shape, device=device) * 0.001 for shape in shapes(count)]
    wait(device)
    memory = CardMemory() if device.type == "cuda" else HostMemory()
    before = memory.reset()
    seven = Seven(weights, select)
    seven.update(weights, grads)  # the first one is not measured
    times = {"update": [], "threshold": [], "masks": [], "multiply": []}
    for step in range(repeat):
        kept = int(kept_share(step, repeat) * count)
        wait(device)
        marks = [time.perf_counter()]

        def mark():
            wait(device)
            marks.append(time.perf_counter())

        seven.update(weights, grads)
        mark()
        threshold = seven.threshold(kept)
        mark()
        seven.choose(threshold)
        mark()
        seven.multiply(weights)
        mark()
        for part, start, end in zip(times, marks, marks[1:]):
            times[part].append((end - start) * 1e9 / count)
    peak = memory.peak()
    extra = None if before is None or peak is None else (peak - before) / count
    parts = zip(times["update"], times["threshold"], times["masks"])
    times["total"] = [sum(part) for part in parts]
    return times, extra


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be at least 1")
    return number


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=positive, default=85_500_000,
                        help="how many weights, split into matrices as in BERT-base")
    parser.add_argument("--repeat", type=positive, default=5, help="how many steps are measured")
    parser.add_argument("--select", choices=["kthvalue", "topk", "sort"], default="kthvalue",
                        help="what finds the threshold; default: kthvalue, which is the fastest on a CPU")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=positive, help="CPU threads; default: PyTorch's choice")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser.parse_args()


@torch.no_grad()
def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch_eager.py: this PyTorch finds no CUDA device")
    device = torch.device(args.device)
    torch.manual_seed(0)
    times, extra = measure(args.weights, args.repeat, device, args.select)
    # After the steps, so that its blocks are not in their memory.
    copy = copy_time(device)
    figures = {part: spread(values) for part, values in times.items()}
    run = {
        "device": args.device,
        "device_name": device_name(device),
        "kernels": "torch eager",
        "torch": torch.__version__,
        "weights": args.weights,
        "repeat": args.repeat,
        "select": args.select,
        "threads": torch.get_num_threads(),
        "copy": copy,
        "scorers": [
            {
                "scorer": "seven",
                **figures,
                "over_copy": figures["total"]["median"] / copy,
                "extra_bytes": extra,
            }
        ],
    }
    print(f"{args.weights} weights on {run['device_name']} ({args.device}), {run['threads']} threads, "
          f"torch {run['torch']}; copying 16 bytes: {copy:.3f} ns")
    print("ns a weight  median (least to most)")
    for part, figure in figures.items():
        print(f"{part:11}  {figure['median']:7.2f} ({figure['min']:.2f} to {figure['max']:.2f})")
    print(f"{'x copy':11}  {run['scorers'][0]['over_copy']:7.1f}")
    print(f"{'extra bytes':11}  " + ("      -" if extra is None else f"{extra:7.1f}"))
    if args.json:
        args.json.write_text(json.dumps(run, indent=2) + "\n")


if __name__ == "__main__":
    main()
