"""Groups of toy models by Torch-Pruning: which weights' axes are cut together.

Written down as Burn holds weights: linear weights are [inputs, outputs], convolutions [outputs, inputs, ..]. Each
group is a list of [weight, axis], sorted; depthwise weights have axis 0 alone. Groups of the head's outputs are
left out. The models are those of `crates/burn-seven-shrink/tests/common/mod.rs`.

    pip install torch==2.9.0 && pip install --no-deps torch-pruning==1.6.0
    python tests/references/groups.py
"""

import json
from pathlib import Path

import torch
import torch_pruning as tp
from torch import nn
from torch.nn.functional import gelu, relu, silu


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 16), nn.Linear(16, 12), nn.Linear(12, 3)

    def forward(self, x):
        return self.head(gelu(self.second(relu(self.first(x)))))


def conv(inputs, outputs, size, groups=1):
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=False)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = conv(1, 8, 3), nn.BatchNorm2d(8)
        self.conv_1, self.norm_1 = conv(8, 6, 3), nn.BatchNorm2d(6)
        self.conv_2, self.norm_2 = conv(6, 8, 3), nn.BatchNorm2d(8)
        self.conv_3, self.norm_3 = conv(8, 12, 3), nn.BatchNorm2d(12)
        self.conv_4, self.norm_4 = conv(12, 10, 3), nn.BatchNorm2d(10)
        self.shortcut, self.head = conv(8, 10, 1), nn.Linear(10, 3)

    def forward(self, x):
        x = relu(self.norm(self.stem(x)))
        y = relu(self.norm_1(self.conv_1(x)))
        x = relu(x + self.norm_2(self.conv_2(y)))
        y = relu(self.norm_3(self.conv_3(x)))
        x = relu(self.norm_4(self.conv_4(y)) + self.shortcut(x))
        return self.head(x.mean(dim=(2, 3)))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.expand, self.norm = conv(1, 4, 3), conv(4, 12, 1), nn.BatchNorm2d(12)
        self.depthwise, self.project = conv(12, 12, 3, groups=12), conv(12, 4, 1)
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        x = self.stem(x)
        y = relu(self.depthwise(relu(self.norm(self.expand(x)))))
        return self.head((x + self.project(y)).flatten(1))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.glu = nn.ModuleDict(
            {"linear_inner": nn.Linear(6, 10, bias=False), "linear_outer": nn.Linear(6, 10, bias=False)}
        )
        self.left, self.right, self.head = nn.Linear(10, 8), nn.Linear(10, 4), nn.Linear(12, 3)

    def forward(self, x):
        x = silu(self.glu["linear_inner"](x)) * self.glu["linear_outer"](x)
        return self.head(torch.cat([relu(self.left(x)), relu(self.right(x))], dim=1))


def groups(model, example):
    names = {module: name for name, module in model.named_modules()}
    graph = tp.DependencyGraph().build_dependency(model, example_inputs=example)
    found = []
    for group in graph.get_all_groups(ignored_layers=[model.head], root_module_types=[nn.Conv2d, nn.Linear]):
        members = set()
        for item in group.items:
            module = item.dep.target.module
            depthwise = isinstance(module, nn.Conv2d) and module.groups > 1
            if isinstance(module, nn.Linear):
                axis = int(graph.is_out_channel_pruning_fn(item.dep.handler))
            elif isinstance(module, nn.Conv2d):
                axis = int(not depthwise and not graph.is_out_channel_pruning_fn(item.dep.handler))
            else:
                continue
            members.add((names[module] + ".weight", axis))
        found.append(sorted(members))
    return sorted(found)


def main():
    torch.manual_seed(0)
    table = {
        "perceptron": groups(Mlp(), torch.randn(2, 6)),
        "resnet": groups(ResNet(), torch.randn(2, 1, 6, 6)),
        "mobilenet": groups(MobileNet(), torch.randn(2, 1, 4, 4)),
        "gated": groups(Gated(), torch.randn(2, 6)),
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
