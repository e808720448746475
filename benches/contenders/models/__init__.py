"""The models, in PyTorch. Their parameters are named as in Burn, so that one file has them for both."""

from .cnn import Cnn
from .encoder import Encoder
from .minilm import MiniLm

__all__ = ["Cnn", "Encoder", "MiniLm"]
