"""A model as ONNX Runtime takes it: in f32, and quantized to 8 bits."""

import logging
import warnings

import torch
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

OPSET = 17
CALIBRATION_BATCHES = 4


def export(model, shape, path):
    """By the exporter whose files ONNX Runtime runs faster: with the newer one's it takes a tenth more."""
    inputs = model.sample(shape)
    axes = {name: dict(enumerate(names)) for name, names in model.dynamic.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, tuple(inputs.values()), path, dynamo=False, opset_version=OPSET,
                          input_names=model.inputs, output_names=["output"], dynamic_axes=axes)


def quantize(model, shape, path, to, per_channel):
    """Weights to int8; activations as they come, or by what they are in a few batches, whichever is
    faster for such a model."""
    logging.getLogger().setLevel(logging.ERROR)  # it asks for what does not matter here
    options = {"per_channel": per_channel, "weight_type": QuantType.QInt8}
    if model.quantization == "dynamic":
        quantize_dynamic(path, to, **options)
    else:
        quantize_static(path, to, Batches(model, shape), **options)


class Batches(CalibrationDataReader):
    def __init__(self, model, shape):
        samples = (model.sample(shape) for _ in range(CALIBRATION_BATCHES))
        self.batches = ({name: tensor.numpy() for name, tensor in sample.items()} for sample in samples)

    def get_next(self):
        return next(self.batches, None)
