#!/usr/bin/env python3
"""burn-seven's pruning step against eager PyTorch's, run in turn on the same machine.

Each pair is one run of `burn-seven-bench step --scorer seven` and then one of `torch_eager.py`, each
in a process of its own, so that a machine that gets slower or faster meanwhile does so for both. The
ratio is PyTorch's figure over burn-seven's: above 1, burn-seven takes less.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PARTS = ["update", "threshold", "masks", "total", "extra_bytes"]


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be at least 1")
    return number


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=positive, default=85_500_000)
    parser.add_argument("--repeat", type=positive, default=5, help="steps in each run")
    parser.add_argument("--pairs", type=positive, default=3, help="runs of each")
    parser.add_argument("--python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--select", choices=["kthvalue", "topk", "sort"], default="kthvalue",
                        help="what finds PyTorch's threshold")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="PyTorch's device")
    parser.add_argument("--threads", type=positive, default=usable_cores(),
                        help="PyTorch's CPU threads; default: all cores, as burn-seven takes")
    parser.add_argument("--bench", type=Path, help="a burn-seven-bench that is already built")
    parser.add_argument("--features", default="",
                        help="features to build burn-seven-bench with, beside ndarray")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser.parse_args()


def usable_cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def bench_command(args):
    if args.bench:
        return [str(args.bench.resolve())]
    features = ",".join(["ndarray"] + [one for one in args.features.split(",") if one])
    package = ["--release", "-p", "burn-seven-bench", "--features", features]
    # Built before anything is timed.
    subprocess.run(["cargo", "build", *package], cwd=ROOT, check=True)
    return ["cargo", "run", "--quiet", *package, "--"]


def run(command, args, folder):
    """One run's figures: of the run, and of its only scorer."""
    path = Path(folder) / "figures.json"
    sizes = ["--weights", str(args.weights), "--repeat", str(args.repeat), "--json", str(path)]
    subprocess.run(command + sizes, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    result = json.loads(path.read_text())
    path.unlink()
    (figures,) = result["scorers"]
    return result, figures


def value(figures, part):
    """A part's median, or the figure itself where there is but one."""
    found = figures.get(part)
    return found["median"] if isinstance(found, dict) else found


def ratio(pair, part):
    ours, theirs = (value(pair[side], part) for side in ("burn_seven", "torch"))
    return theirs / ours if ours and theirs is not None else None


def middle(values):
    known = [one for one in values if one is not None]
    return median(known) if known else None


def text(number):
    return "-" if number is None else f"{number:.2f}"


def main():
    args = arguments()
    ours = bench_command(args) + ["step", "--scorer", "seven"]
    theirs = [args.python, str(ROOT / "benches" / "torch_eager.py"),
              "--device", args.device, "--threads", str(args.threads), "--select", args.select]
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(args.pairs):
            our_run, our_figures = run(ours, args, folder)
            their_run, their_figures = run(theirs, args, folder)
            pair = {"burn_seven": our_figures, "torch": their_figures}
            pair["ratio"] = {part: ratio(pair, part) for part in PARTS}
            pairs.append(pair)
            print(f"pair {index + 1}: " + ", ".join(
                f"{part} {text(value(our_figures, part))} and {text(value(their_figures, part))}"
                f" (x {text(pair['ratio'][part])})" for part in PARTS), flush=True)
    medians = {
        "burn_seven": {part: middle(value(pair["burn_seven"], part) for pair in pairs) for part in PARTS},
        "torch": {part: middle(value(pair["torch"], part) for pair in pairs) for part in PARTS},
        "ratio": {part: middle(pair["ratio"][part] for pair in pairs) for part in PARTS},
    }
    machine = {key: their_run[key] for key in ("device_name", "torch", "threads")}
    machine["burn_seven"] = {key: our_run[key] for key in ("device", "kernels", "threads")}
    print(f"\n{args.weights} weights, {args.pairs} pairs of {args.repeat} steps; "
          f"burn-seven: {our_run['kernels']} on {our_run['device']}; "
          f"PyTorch {their_run['torch']} on {their_run['device_name']} ({args.device}), "
          f"threshold by {args.select}")
    print("medians, ns a weight (extra_bytes: bytes a weight)")
    print(f"{'':12} {'burn-seven':>11} {'PyTorch':>9} {'ratio':>7}  ratios pair by pair")
    for part in PARTS:
        each = " ".join(text(pair["ratio"][part]) for pair in pairs)
        print(f"{part:12} {text(medians['burn_seven'][part]):>11} {text(medians['torch'][part]):>9} "
              f"{text(medians['ratio'][part]):>7}  {each}")
    if args.json:
        result = {"weights": args.weights, "repeat": args.repeat, "select": args.select, "machine": machine,
                  "median": medians, "pairs": pairs}
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
