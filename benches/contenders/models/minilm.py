"""all-MiniLM-L6-v2, with its weights: BERT without a pooler, as the examples have it."""

import json

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from .encoder import Attention
from .model import Model

# Hugging Face's name of a module and ours.
OUTER = {
    "embeddings.word_embeddings": "embeddings.word",
    "embeddings.position_embeddings": "embeddings.position",
    "embeddings.token_type_embeddings": "embeddings.token_type",
    "embeddings.LayerNorm": "embeddings.norm",
}
INNER = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.self.value": "attention.value",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up",
    "output.dense": "down",
    "output.LayerNorm": "output_norm",
}


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.word = nn.Embedding(config["vocab_size"], width)
        self.position = nn.Embedding(config["max_position_embeddings"], width)
        self.token_type = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])

    def forward(self, ids, types):
        positions = self.position.weight[: ids.shape[1]]
        return self.norm(self.word(ids) + self.token_type(types) + positions)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.attention = Attention(width, config["num_attention_heads"])
        self.attention_norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.output_norm = nn.LayerNorm(width, config["layer_norm_eps"])

    def forward(self, tokens, mask):
        tokens = self.attention_norm(tokens + self.attention(tokens, mask))
        return self.output_norm(tokens + self.down(F.gelu(self.up(tokens))))


class MiniLm(Model):
    """Pretrained weights; it reads tokens' numbers, texts of different lengths padded at the end."""

    name = "minilm"
    inputs = ["ids", "types", "mask"]
    dynamic = {name: ["batch", "length"] for name in inputs}

    def __init__(self, folder, layers=None):
        super().__init__()
        config = json.loads((folder / "config.json").read_text())
        config["num_hidden_layers"] = layers or config["num_hidden_layers"]
        self.vocabulary = config["vocab_size"]
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.burn = {"minilm": config}
        theirs = load_file(folder / "model.safetensors")
        self.load_state_dict({name: theirs[hugging_face(name)] for name in self.state_dict()})

    def forward(self, ids, types, mask):
        tokens = self.embeddings(ids, types)
        mask = mask[:, None, None, :]
        for layer in self.layers:
            tokens = layer(tokens, mask)
        return tokens

    def sample(self, shape):
        """The first text has all the tokens, the others from a quarter of them on."""
        batch, length = shape
        lengths = torch.randint(max(1, length // 4), length + 1, (batch,))
        lengths[0] = length
        mask = torch.arange(length) < lengths[:, None]
        ids = torch.randint(1, self.vocabulary, (batch, length)) * mask
        return {"ids": ids, "types": torch.zeros_like(ids), "mask": mask}

    def meaningful(self, inputs, output):
        """All but padding, which means nothing."""
        return output[inputs["mask"].numpy()]


def hugging_face(ours):
    module, field = ours.rsplit(".", 1)
    prefix, names = "", OUTER
    if module.startswith("layers."):
        _, number, module = module.split(".", 2)
        prefix, names = f"encoder.layer.{number}.", INNER
    (theirs,) = (theirs for theirs, name in names.items() if name == module)
    return f"{prefix}{theirs}.{field}"
