"""What transformers' BertModel gives: the numbers that the example's encoder is tested against.

    python bert.py [FOLDER OF all-MiniLM-L6-v2] > ../data/bert_reference.json

Made with Python 3.11.7, torch 2.9.0 (CPU), transformers 5.24.0, safetensors 0.8.0.

`tiny` is a model whose weights are a formula, so that nobody has to download it: tensors are
numbered from 0 in the order of their names, and entry i (row-major, in PyTorch's orientation) of
tensor n is

    0.4 * sin(0.7 * i + 0.01 * i * i + 1.3 * n), with 1 added to the LayerNorms' weights,

computed in double precision and then rounded to single. `minilm` is a slice of what the pretrained
model gives, without the weights.
"""

import json
import math
import sys

import torch
from transformers import AutoTokenizer, BertConfig, BertModel

TINY = {
    "vocab_size": 29,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
SENTENCES = ["Pruning removes weights that do little.", "A cat sleeps."]


def formula(name, number, shape):
    index = torch.arange(math.prod(shape), dtype=torch.float64)
    values = 0.4 * torch.sin(0.7 * index + 0.01 * index * index + 1.3 * number)
    if name.endswith("LayerNorm.weight"):
        values += 1
    return values.reshape(shape).float()


def run(model, ids, types, mask):
    model.eval()
    with torch.no_grad():
        return model(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state


def pooled(hidden, mask):
    mask = mask.unsqueeze(-1).float()
    return (hidden * mask).sum(1) / mask.sum(1)


def tiny():
    config = BertConfig(**TINY, layer_norm_eps=1e-12)
    model = BertModel(config, add_pooling_layer=False)
    names = sorted(name for name, _ in model.named_parameters())
    state = dict(model.named_parameters())
    with torch.no_grad():
        for number, name in enumerate(names):
            state[name].copy_(formula(name, number, state[name].shape))
    ids = torch.tensor([[2, 17, 5, 28, 9, 3], [2, 11, 23, 3, 0, 0], [7, 1, 0, 14, 3, 0]])
    types = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]])
    hidden = run(model, ids, types, mask)
    return {
        "config": TINY,
        "tensors": [{"name": name, "shape": list(state[name].shape)} for name in names],
        "ids": ids.tolist(),
        "types": types.tolist(),
        "mask": mask.tolist(),
        "hidden": rounded(hidden),
        "pooled": rounded(pooled(hidden, mask)),
    }


def minilm(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    ids, types, mask = batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]
    model = BertModel.from_pretrained(folder, dtype=torch.float32)
    hidden = run(model, ids, types, mask)
    mean = pooled(hidden, mask)
    real = hidden * mask.unsqueeze(-1)
    return {
        "sentences": SENTENCES,
        "ids": ids.tolist(),
        "types": types.tolist(),
        "mask": mask.tolist(),
        "first_8_of_each_token": rounded(hidden[..., :8]),
        "norm_of_each_token": rounded(real.norm(dim=-1)),
        "first_8_of_pooled": rounded(mean[..., :8]),
        "norm_of_pooled": rounded(mean.norm(dim=-1)),
    }


def rounded(tensor):
    """Eight digits: more than single precision holds near 1."""
    if tensor.dim() == 0:
        return round(tensor.item(), 8)
    return [rounded(part) for part in tensor]


def main():
    result = {"tiny": tiny()}
    if len(sys.argv) > 1:
        result["minilm"] = minilm(sys.argv[1])
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
