"""Burn, in a process that answers lines: `burn-seven-bench compiled`."""

import json
import subprocess

from safetensors.numpy import load_file
from safetensors.torch import save_file

from . import machine
from .engines import Engine


class Process:
    """One number of threads, and one model with its inputs at a time."""

    def __init__(self, command, threads, folder):
        self.folder = folder
        self.child = subprocess.Popen(
            [*command, "compiled", "--threads", str(threads)], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **what):
        try:
            self.child.stdin.write(json.dumps(what) + "\n")
            answer = self.child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"burn-seven-bench ended with {self.child.wait()}; it was asked {what}")
        return json.loads(answer)

    def load(self, model, weights, inputs):
        """Seconds that it took to compile."""
        path = self.folder / "inputs.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, path)
        return self.ask(case={"model": model.burn, "weights": str(weights), "inputs": str(path)})["compiled"]

    def report(self):
        """To the standard error."""
        self.ask(report={})

    def close(self):
        self.child.stdin.close()
        self.child.wait()


class Burn(Engine):
    """`eager` or `compiled` of what the process has loaded."""

    def __init__(self, process, way):
        self.process = process
        self.way = way

    def seconds(self, runs):
        return self.process.ask(run={"way": self.way, "times": runs})["seconds"]

    def processor(self):
        return machine.processor_seconds(self.process.child.pid)

    def output(self):
        path = self.process.folder / "output.safetensors"
        self.process.ask(output={"way": self.way, "path": str(path)})
        return load_file(path)["output"]


def save_weights(model, path):
    """In PyTorch's orientation, which burn-seven's loader turns."""
    state = model.state_dict().items()
    save_file({name: tensor.contiguous() for name, tensor in state if not name.endswith("num_batches_tracked")}, path)
