"""The two layers of a Vision Transformer that scale the features of a token: LayerNorm and LayerScale."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("how_a_vit_sees")
class LayerNorm(keras.layers.LayerNormalization):
    """Keras' layer norm in an order of steps that trains quicker on TensorFlow (benchmarks/train.md).

    gamma · (x − mean) / √(variance + epsilon) + beta, each token by itself (Ba et al. 2016), in float32 at
    least. The other backends have one kernel for it, or fuse the steps.
    """

    def call(self, tokens):
        """Map tokens (batch, num_tokens, hidden_dim) to the same shape."""
        if keras.backend.backend() != "tensorflow":
            return super().call(tokens)
        x = ops.cast(tokens, keras.backend.result_type(tokens.dtype, "float32"))
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        normed = centred * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta
        return ops.cast(normed, self.compute_dtype)


@keras.saving.register_keras_serializable("how_a_vit_sees")
class LayerScale(keras.layers.Layer):
    """Multiply each feature by a learned number that starts small (Touvron et al. 2021, CaiT)."""

    def __init__(self, hidden_dim, start, **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim, self.start = hidden_dim, start

    def build(self, tokens_shape):
        self.scale = self.add_weight(
            name="scale", shape=(self.hidden_dim,), initializer=keras.initializers.Constant(self.start)
        )

    def call(self, tokens):
        return tokens * ops.cast(self.scale, tokens.dtype)

    def get_config(self):
        return super().get_config() | {"hidden_dim": self.hidden_dim, "start": self.start}
