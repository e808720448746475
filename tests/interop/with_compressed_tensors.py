#!/usr/bin/env python3
"""Sparse files between burn-seven and the Python package compressed-tensors, both ways.

Checks that the package reads what `sparse_interop` wrote, for every type of floats; that the lines
of the guide read the same without any package, and convolutions too; that the package reads a file
beside the description of another; and that `sparse_interop` reads what the package writes.
Everything is compared exactly. Needs compressed-tensors 0.14.0, torch and numpy.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import compressed_tensors
import numpy as np
import torch
from compressed_tensors import ModelCompressor
from compressed_tensors.compressors import BitmaskCompressor
from compressed_tensors.config import BitmaskConfig
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent.parent
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Model(torch.nn.Module):
    """The twin of the model in `tests/src/bin/sparse_interop.rs`."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(12, 20)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(20, 33), torch.nn.Linear(33, 16)])
        self.norm = torch.nn.LayerNorm(16)
        self.out = torch.nn.Linear(16, 4)


class Convolutions(torch.nn.Module):
    """The twin of the other model there."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Conv1d(6, 8, 5, bias=False)
        self.two = torch.nn.Conv2d(4, 6, 3, bias=False)
        self.three = torch.nn.Conv3d(2, 4, 3, bias=False)
        self.up = torch.nn.ConvTranspose2d(4, 6, 3, bias=False)
        self.out = torch.nn.Linear(33, 16, bias=False)

    def filled(self):
        with torch.no_grad():
            for parameter in self.parameters():
                rows = parameter.flatten(1)
                parameter.copy_(entries(rows.shape, 1, 5).reshape(parameter.shape))
        return self


def entries(shape, column, kept):
    """The values of a parameter: one of every `kept` entries is not 0."""
    rows = torch.arange(shape[0]).reshape(-1, 1)
    columns = torch.arange(shape[1]).reshape(1, -1) if len(shape) == 2 else torch.tensor([[column]])
    values = ((7 * rows + 13 * columns) % 16) / 4 - 2.125
    values = torch.where((rows + 2 * columns) % kept == 0, values, 0.0)
    return values if len(shape) == 2 else values[:, 0]


def filled(full=False):
    model = Model()
    columns = {"norm.weight": 2, "norm.bias": 3}
    kept = {"embedding.weight": 3, "layers.0.weight": 5, "layers.1.weight": 5}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            every = 1 if full else kept.get(name, 1)
            parameter.copy_(entries(parameter.shape, columns.get(name, 1), every))
    return model


def same(found, expected, what):
    """Fails unless two sets of tensors are equal: names, types, shapes and every bit."""
    assert found.keys() == expected.keys(), f"{what}: {sorted(found)} are not {sorted(expected)}"
    for name, tensor in expected.items():
        other = found[name]
        assert other.dtype == tensor.dtype, f"{what}: {name} is {other.dtype}, not {tensor.dtype}"
        assert other.shape == tensor.shape, f"{what}: {name} is {other.shape}, not {tensor.shape}"
        assert torch.equal(other, tensor), f"{what}: {name} has other values"
    print(f"{what}: {len(found)} tensors are the same")


def by_the_package(folder, model=Model):
    """The model that the package makes of a folder with a file and its description."""
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    compressor = ModelCompressor.from_compression_config(config)
    model = model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(torch.nan)
    compressor.decompress(str(folder), model)
    return model


def by_the_guide(path):
    """The tensors that the lines of the guide read, as torch's."""
    guide = (ROOT / "docs/src/sparse.md").read_text()
    [lines] = re.findall(r"```python\n(.*?)```", guide, re.S)
    names = {}
    exec(lines, names)  # noqa: S102, the lines are ours
    tensors = {}
    for name, array in names["read"](path).items():
        tensor = torch.from_numpy(np.array(array))
        tensors[name] = tensor.view(torch.bfloat16) if array.dtype == np.uint16 else tensor
    return tensors


def convolutions(folder, program):
    """Files with compressed convolutions: the guide's lines read ours, and the package and
    `sparse_interop` refuse each other's."""
    for name, dtype in TYPES.items():
        place = folder / f"convolutions-{name}"
        stored = load_file(place / "model.safetensors")
        layers = ["one", "two", "three", "up", "out"]
        if dtype == torch.float32:
            assert stored.keys() >= {f"{layer}.bitmask" for layer in layers}, sorted(stored)
        assert {"one.bitmask", "three.bitmask"} <= stored.keys(), sorted(stored)
        expected = Convolutions().filled().to(dtype).state_dict()
        same(by_the_guide(place / "model.safetensors"), expected, f"convolutions in {name}, the guide")
        try:
            by_the_package(place, Convolutions)
            raise AssertionError("the package reads convolutions, which the guide denies")
        except ValueError as error:
            assert "cannot reshape array" in str(error), error
    config = BitmaskConfig(targets=["Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d"])
    model = Convolutions().filled()
    compressor = ModelCompressor.from_pretrained_model(model, sparsity_config_or_format=config)
    place = folder / "python-convolutions"
    place.mkdir()
    save_file(compressor.compress(model), place / "model.safetensors", metadata={"format": "pt"})
    done = subprocess.run([program, "read", folder, place.name], capture_output=True, text=True)
    assert done.returncode == 1 and "row_offsets" in done.stderr, done.stderr
    place = folder / "dense-convolutions"
    stored = load_file(place / "model.safetensors")
    assert {"two.weight", "out.bitmask"} <= stored.keys(), sorted(stored)
    expected = Convolutions().filled().state_dict()
    same(by_the_package(place, Convolutions).state_dict(), expected, "dense convolutions")


def killed(folder):
    """A file beside the description of another, as a killed process may leave them."""
    for old, new in [("F32", "nothing"), ("dense", "F32"), ("BF16", "convolutions-F32")]:
        place = folder / f"killed-{old}"
        place.mkdir()
        shutil.copy(folder / old / "model.safetensors", place)
        shutil.copy(folder / new / "config.json", place)
        expected = filled().to(TYPES.get(old, torch.float32)).state_dict()
        same(by_the_package(place).state_dict(), expected, f"{old}, described as {new}")


def written_by_the_package(folder, dtype):
    """Writes the model as the package does."""
    folder.mkdir()
    model = filled().to(dtype)
    config = BitmaskConfig(targets=["Linear", "Embedding"], ignore=["out"])
    compressor = ModelCompressor.from_pretrained_model(model, sparsity_config_or_format=config)
    state = compressor.compress(model)
    assert "layers.0.bitmask" in state and "out.weight" in state, sorted(state)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, help="sparse_interop, built")
    program = parser.parse_args().program.resolve()
    assert compressed_tensors.__version__ == "0.14.0", compressed_tensors.__version__
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run([program, "write", folder], check=True)
        for name, dtype in TYPES.items():
            expected = filled().to(dtype).state_dict()
            path = folder / name / "model.safetensors"
            stored = load_file(path)
            assert {"layers.0.bitmask", "embedding.bitmask", "out.weight"} <= stored.keys()
            same(by_the_package(folder / name).state_dict(), expected, f"{name}, ModelCompressor")
            compressor = BitmaskCompressor(config=BitmaskConfig())
            alone = dict(compressor.decompress_from_state_dict(stored))
            same(alone, expected, f"{name}, BitmaskCompressor")
            same(by_the_guide(path), expected, f"{name}, the guide")
        same(load_file(folder / "dense/model.safetensors"), filled().state_dict(), "dense")
        full = by_the_package(folder / "nothing").state_dict()
        same(full, filled(full=True).state_dict(), "nothing compressed")
        convolutions(folder, program)
        killed(folder)

        for name, dtype in TYPES.items():
            written_by_the_package(folder / f"python-{name}", dtype)
        names = [f"python-{name}" for name in TYPES]
        subprocess.run([program, "read", folder, *names], check=True)
        # The comparison can fail: a value that is changed is found.
        path = folder / "python-F32/model.safetensors"
        state = load_file(path)
        state["layers.0.compressed"][0] += 1
        save_file(state, path, metadata={"format": "pt"})
        done = subprocess.run([program, "read", folder, "python-F32"], capture_output=True)
        assert done.returncode == 1, "a changed value was not found"
    print("all the same")


if __name__ == "__main__":
    sys.exit(main())
