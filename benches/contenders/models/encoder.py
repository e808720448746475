"""Burn's TransformerEncoder: the norm after each part, exact GELU."""

import torch
from torch import nn
from torch.nn import functional as F

from .model import Model


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens, mask=None):
        batch, length, width = tokens.shape

        def split(rows):
            return rows.reshape(batch, length, self.heads, width // self.heads).transpose(1, 2)

        context = F.scaled_dot_product_attention(
            split(self.query(tokens)), split(self.key(tokens)), split(self.value(tokens)), mask)
        return self.output(context.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.linear_inner = nn.Linear(width, inner)
        self.linear_outer = nn.Linear(inner, width)

    def forward(self, tokens):
        return self.linear_outer(F.gelu(self.linear_inner(tokens)))


class Layer(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.mha = Attention(width, heads)
        self.norm_1 = nn.LayerNorm(width)
        self.pwff = FeedForward(width, inner)
        self.norm_2 = nn.LayerNorm(width)

    def forward(self, tokens):
        tokens = self.norm_1(tokens + self.mha(tokens))
        return self.norm_2(tokens + self.pwff(tokens))


class Encoder(Model):
    """Random weights; it reads vectors."""

    name = "encoder"
    inputs = ["tokens"]
    dynamic = {"tokens": ["batch", "length"]}

    def __init__(self, width=384, inner=1536, heads=12, layers=6):
        super().__init__()
        self.width = width
        self.layers = nn.ModuleList(Layer(width, inner, heads) for _ in range(layers))
        self.burn = {"encoder": {"width": width, "inner": inner, "heads": heads, "layers": layers}}

    def forward(self, tokens):
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens

    def sample(self, shape):
        batch, length = shape
        return {"tokens": torch.randn(batch, length, self.width)}
