"""A small CNN: convolutions with batch norm and ReLU, pooling, and a linear head."""

import torch
from torch import nn
from torch.nn import functional as F

from .model import Model


class Block(nn.Module):
    """A convolution that keeps the picture's size, batch norm and ReLU."""

    def __init__(self, inputs, outputs, size):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, pictures):
        return F.relu(self.norm(self.conv(pictures)))


class Cnn(Model):
    """Random weights; it reads pictures of 32 times 32 points in three colours."""

    name = "cnn"
    # ONNX Runtime has no fast convolution for activations that are quantized as they come.
    quantization = "static"
    inputs = ["pictures"]
    dynamic = {"pictures": ["batch"]}

    def __init__(self, channels=32, classes=10):
        super().__init__()
        self.stem = Block(3, channels, 3)
        self.fine = Block(channels, channels, 3)
        self.wide = Block(channels, 2 * channels, 3)
        self.mixed = Block(2 * channels, 4 * channels, 1)
        self.coarse = Block(4 * channels, 4 * channels, 3)
        self.head = nn.Linear(4 * channels, classes)
        self.burn = {"cnn": {"channels": channels, "classes": classes}}
        for norm in (block.norm for block in self.children() if isinstance(block, Block)):
            # As after training: not the identity.
            nn.init.normal_(norm.running_mean, std=0.1)
            nn.init.uniform_(norm.running_var, 0.1, 0.5)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)

    def forward(self, pictures):
        points = F.max_pool2d(self.fine(self.stem(pictures)), 2)
        points = F.max_pool2d(self.mixed(self.wide(points)), 2)
        return self.head(self.coarse(points).mean((2, 3)))

    def prunable(self):
        """All convolutions and the head."""
        return [weight for weight in self.parameters() if weight.dim() >= 2]

    def shapes(self, shapes):
        """Only the batches."""
        return [(batch,) for batch in dict.fromkeys(batch for batch, *_ in shapes)]

    def sample(self, shape):
        return {"pictures": torch.randn(*shape, 3, 32, 32)}
