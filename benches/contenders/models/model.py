"""What the models have in common."""

from torch import nn


class Model(nn.Module):
    """A model, whose parts say:

    - `name`
    - `inputs`: their names, in `forward`'s order
    - `dynamic`: which of the inputs' dimensions may have any size, and what they are called
    - `burn`: how `burn-seven-bench compiled` is asked for it
    - `sample(shape)`: random inputs
    """

    # How activations are quantized: as they come.
    quantization = "dynamic"

    def prunable(self):
        """The matrices of attention and feed-forward."""
        return [weight for weight in self.layers.parameters() if weight.dim() == 2]

    def shapes(self, shapes):
        """Which shapes there are for it, of `[batch, tokens]`."""
        return shapes

    def meaningful(self, inputs, output):
        """What of the output is compared."""
        return output
