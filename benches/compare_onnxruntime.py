#!/usr/bin/env python3
"""Compiled models against ONNX Runtime, PyTorch and Burn's own eager runs, in turn on the same machine.

Each model is built in PyTorch, pruned by magnitude, each weight by itself, and then run with the same
weights and inputs by five engines: PyTorch eager, ONNX Runtime in f32 and quantized to 8 bits
(dynamically; the CNN statically, as its dynamic form is slower than f32), Burn eager on flex, and
compiled by burn-seven. They take turns within each round. Times are medians of the rounds, ratios
medians of the rounds' ratios: below 1, the compiled model takes less.

With one thread all of them keep to one core. On a machine that is busy otherwise a short run is rarely
interrupted and a long one often, so that ratios by the clock favour the faster engine: `--cpu-time`
counts what the processor worked instead. Outputs in f32 may differ from PyTorch's by 1e-4 of the
largest value; if one differs by more, the exit status is 1. Of int8 it is only said how far it is off:
the largest difference over the largest value, and both by root mean square. Padding is not compared.

Needs torch 2.9, onnx, onnxruntime and safetensors. Weights of MiniLM are in the folder that
`--minilm` or BURN_SEVEN_MINILM names; without one it is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

# Before torch is loaded: its threads should not wait on a core that the next engine needs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy
import onnxruntime
import torch

from contenders import machine, onnx_files, table
from contenders.burn import Burn, Process, save_weights
from contenders.engines import OnnxRuntime, Torch
from contenders.models import Cnn, Encoder, MiniLm
from contenders.pruning import pruned
from contenders.turns import in_turn, ratio

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4
MODELS = ["encoder", "minilm", "cnn"]
TINY = {"shapes": [(2, 8)], "sparsities": [0.0, 0.9], "rounds": 1, "milliseconds": 0}


def listed(one):
    return lambda text: [one(part) for part in text.split(",")]


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be at least 1")
    return number


def shape(text):
    batch, _, tokens = text.partition("x")
    return positive(batch), positive(tokens)


def share(text):
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{number} should be in [0, 1)")
    return number


def model_name(text):
    if text not in MODELS:
        raise argparse.ArgumentTypeError(f"{text} should be one of {', '.join(MODELS)}")
    return text


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=listed(positive), help="default: 1 and all cores")
    parser.add_argument("--shapes", type=listed(shape), default=[(32, 64), (8, 128), (1, 64), (1, 16)],
                        help="batch x tokens, such as 32x64,1x16; of the CNN only the batches count")
    parser.add_argument("--sparsities", type=listed(share), default=[0.0, 0.5, 0.7, 0.8, 0.9, 0.95])
    parser.add_argument("--rounds", type=positive, default=11)
    parser.add_argument("--milliseconds", type=int, default=50, help="about how long a turn is, at least one run")
    parser.add_argument("--cpu-time", action="store_true",
                        help="the processor's time with one thread: for a machine that does other things as well")
    parser.add_argument("--models", type=listed(model_name), help="of encoder, minilm and cnn; default: all there are")
    parser.add_argument("--minilm", type=Path, default=os.environ.get("BURN_SEVEN_MINILM") or None,
                        help="a folder with MiniLM's config.json and model.safetensors")
    parser.add_argument("--per-tensor", dest="per_channel", action="store_false",
                        help="one scale for a quantized weight, rather than one for each of its outputs")
    parser.add_argument("--bench", type=Path, help="a burn-seven-bench that is already built")
    parser.add_argument("--report", action="store_true", help="show what was compiled of each case")
    parser.add_argument("--tiny", action="store_true", help="one layer and one short round, to see that all of it works")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    if parser.parse_args().tiny:
        parser.set_defaults(**TINY)
    args = parser.parse_args()
    if args.threads is None:
        args.threads = [1] if args.cpu_time else sorted({1, len(machine.usable_cores())})
    if args.cpu_time and (args.threads != [1] or not machine.counts_processor_time()):
        parser.error("--cpu-time needs Linux, and one thread")
    if args.models is None:
        args.models = [name for name in MODELS if name != "minilm" or args.minilm]
    elif "minilm" in args.models and not args.minilm:
        parser.error("minilm needs a folder: --minilm")
    return args


def bench_command(args):
    if args.bench:
        return [str(args.bench.resolve())]
    # Built before anything is timed.
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return ["cargo", "run", "--quiet", "--release", "--bin", "burn-seven-bench", "--"]


def models(args):
    layers = {"layers": 1} if args.tiny else {}
    for name in args.models:
        torch.manual_seed(0)
        if name == "encoder":
            yield Encoder(**layers).eval()
        elif name == "cnn":
            yield Cnn().eval()
        else:
            yield MiniLm(args.minilm, **layers).eval()


def difference(found, expected):
    """The largest, over the largest expected value; infinite for NaN."""
    largest = numpy.abs(found - expected).max() / numpy.abs(expected).max()
    return float(largest) if numpy.isfinite(largest) else float("inf")


def root_mean_square(found, expected):
    """The differences' over that of the expected values."""
    return float(numpy.sqrt(numpy.square(found - expected).mean() / numpy.square(expected).mean()))


def compare(args, engines, model, inputs):
    """The outputs' differences from PyTorch's, and the engines' times."""
    outputs = {name: model.meaningful(inputs, engine.output()) for name, engine in engines.items()}
    taken = in_turn(engines, args.rounds, args.milliseconds, args.cpu_time)
    return {
        "differs": {name: difference(output, outputs["torch"]) for name, output in outputs.items()},
        "int8_rms": root_mean_square(outputs["onnx_int8"], outputs["torch"]),
        "median": {name: median(times) for name, times in taken.items()},
        "over_int8": ratio(taken, "compiled", "onnx_int8"),
        "over_f32": ratio(taken, "compiled", "onnx"),
        "rounds": taken,
    }


def cases(args, processes, folder):
    """Figures of each model, sparsity, number of threads and shape."""
    all_cores = machine.usable_cores()
    plain, quantized, weights = (folder / name for name in ("plain.onnx", "int8.onnx", "weights.safetensors"))
    for dense in models(args):
        shapes = dense.shapes(args.shapes)
        for sparsity in args.sparsities:
            model = pruned(dense, sparsity)
            onnx_files.export(model, shapes[0], plain)
            onnx_files.quantize(model, shapes[0], plain, quantized, args.per_channel)
            save_weights(model, weights)
            for threads, process in processes.items():
                machine.keep_to(all_cores[-1:] if threads == 1 else all_cores)
                torch.set_num_threads(threads)
                for shape in shapes:
                    torch.manual_seed(1)
                    inputs = model.sample(shape)
                    compiled = process.load(model, weights, inputs)
                    engines = {
                        "torch": Torch(model, inputs),
                        "onnx": OnnxRuntime(plain, inputs, threads),
                        "onnx_int8": OnnxRuntime(quantized, inputs, threads),
                        "eager": Burn(process, "eager"),
                        "compiled": Burn(process, "compiled"),
                    }
                    case = {"model": model.name, "shape": shape, "threads": threads, "sparsity": sparsity}
                    yield {**case, "seconds_to_compile": compiled, **compare(args, engines, model, inputs)}
                    if args.report:
                        process.report()
                machine.keep_to(all_cores)


def wrong(figures):
    """Engines in f32 whose outputs differ from PyTorch's."""
    off = {name: off for name, off in figures["differs"].items() if name != "onnx_int8" and off > TOLERANCE}
    case = [figures[key] for key in ("model", "shape", "threads", "sparsity")]
    return [f"{name} differs by {off:.1e} from PyTorch: {case}" for name, off in off.items()]


def main():
    args = arguments()
    command = bench_command(args)
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    scales = "channel" if args.per_channel else "tensor"
    load = machine.load()
    print(f"{machine.cpu()}, load {load:.1f}; PyTorch {versions['torch']}, ONNX Runtime {versions['onnxruntime']}, "
          f"int8 per {scales}; medians of {args.rounds}; milliseconds{' of the processor' * args.cpu_time}\n")
    print(table.head(), flush=True)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        processes = {threads: Process(command, threads, Path(folder)) for threads in args.threads}
        for case in cases(args, processes, Path(folder)):
            figures.append(case)
            print(table.line(case), flush=True)
        for process in processes.values():
            process.close()
    if args.json:
        options = {"per_channel": args.per_channel, "cpu_time": args.cpu_time}
        result = {"cpu": machine.cpu(), "load": load, **versions, **options, "cases": figures}
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    failures = [failure for case in figures for failure in wrong(case)]
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
