"""A Vision Transformer in one file, its classes in the order in which an image meets them.

    images → PatchEmbedding → ClassTokenAndPosition → EncoderBlock × depth → LayerNorm → head → logits

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", https://arxiv.org/abs/2010.11929. The blocks
normalise before each branch ("pre-norm"). The same class is the course's CIFAR-10 model, ViT-B/16 and DINOv2.
Beside it: its sizes in `vit_config.py`, what it refuses in `image_checks.py`, other grids in `positions.py`.
"""

import keras
from keras import ops

# Not all of them are used below: these names may be imported from here too.
from helpers.model.image_checks import check_images, is_concrete, looks_at_images  # noqa: F401
from helpers.model.portable import portable
from helpers.model.positions import interpolate_positions  # noqa: F401
from helpers.model.scaling import LayerNorm, LayerScale
from helpers.model.stopping import keeps_weights_when_stopped
from helpers.model.vit_config import (  # noqa: F401
    CIFAR10_MEAN,
    CIFAR10_STD,
    COURSE_SIZES,
    IMAGENET_MEAN,
    IMAGENET_STD,
    PUBLISHED_SIZES,
    ViTConfig,
)


@keras.saving.register_keras_serializable("how_a_vit_sees")
class PatchEmbedding(keras.layers.Layer):
    """Project each patch to a vector: one matrix for all, as a convolution that never overlaps."""

    def __init__(self, patch_size, hidden_dim, **kwargs):
        super().__init__(**kwargs)
        self.patch_size, self.hidden_dim = patch_size, hidden_dim
        self.projection = keras.layers.Conv2D(
            hidden_dim,
            patch_size,
            strides=patch_size,
            data_format="channels_last",
            kernel_initializer=init(),
            name="projection",
        )

    def build(self, images_shape):
        self.projection.build(images_shape)

    def call(self, images):
        """Map (batch, height, width, channels) to patch embeddings (batch, num_patches, hidden_dim)."""
        grid = self.projection(images)  # (batch, rows, columns, hidden_dim)
        return ops.reshape(grid, (-1, grid.shape[1] * grid.shape[2], self.hidden_dim))

    def get_config(self):
        return super().get_config() | {"patch_size": self.patch_size, "hidden_dim": self.hidden_dim}


@keras.saving.register_keras_serializable("how_a_vit_sees")
class ClassTokenAndPosition(keras.layers.Layer):
    """Put a learned class token in front, then tell every token where it stands by a learned vector."""

    def __init__(self, num_patches, hidden_dim, has_class_token=True, **kwargs):
        super().__init__(**kwargs)
        self.num_patches, self.hidden_dim, self.has_class_token = num_patches, hidden_dim, has_class_token
        # add_weight, not tf.Variable: Keras trains only the weights that it was told of.
        if has_class_token:
            self.class_token = self.add_weight(
                name="class_token", shape=(1, 1, hidden_dim), initializer="zeros"
            )
        shape = (1, num_patches + has_class_token, hidden_dim)
        self.position_embedding = self.add_weight(name="position_embedding", shape=shape, initializer=init())

    def call(self, patch_embeddings):
        """Map (batch, num_patches, hidden_dim) to tokens (batch, num_tokens, hidden_dim)."""
        tokens = patch_embeddings
        if self.has_class_token:
            batch = ops.shape(tokens)[0]
            class_tokens = ops.broadcast_to(self.class_token, (batch, 1, self.hidden_dim))
            tokens = ops.concatenate([ops.cast(class_tokens, tokens.dtype), tokens], axis=1)
        return tokens + ops.cast(self.position_embedding, tokens.dtype)

    def get_config(self):
        names = ("num_patches", "hidden_dim", "has_class_token")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("how_a_vit_sees")
class MultiHeadSelfAttention(keras.layers.Layer):
    """Every token asks every token, in several heads: softmax(Q Kᵀ / √head_dim) V (Vaswani et al. 2017)."""

    def __init__(self, hidden_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim, self.num_heads = hidden_dim, num_heads
        self.head_dim = hidden_dim // num_heads
        self.qkv = keras.layers.Dense(3 * hidden_dim, kernel_initializer=init(), name="qkv")
        self.output_projection = keras.layers.Dense(
            hidden_dim, kernel_initializer=init(), name="output_projection"
        )

    def build(self, tokens_shape):
        self.qkv.build(tokens_shape)
        self.output_projection.build(tokens_shape)

    def call(self, tokens):
        """Map tokens (batch, num_tokens, hidden_dim) to the attention's output, the same shape."""
        return self.combine(*self.weights_and_values(tokens))

    def weights_and_values(self, tokens):
        """Say who looks at whom, and what each token offers.

        Returns:
            attention_weights: (batch, num_heads, queries, keys), rows sum to 1.
            values: (batch, num_heads, num_tokens, head_dim).
        """
        num_tokens = ops.shape(tokens)[1]  # not tokens.shape: a compiled walk may leave the number open
        qkv = ops.reshape(self.qkv(tokens), (-1, num_tokens, 3, self.num_heads, self.head_dim))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))  # (3, batch, num_heads, num_tokens, head_dim)
        queries, keys, values = ops.unstack(qkv, 3)  # its gradient is ten times quicker than that of qkv[0]
        attention_scores = ops.matmul(queries * self.head_dim**-0.5, ops.transpose(keys, (0, 1, 3, 2)))
        return ops.softmax(attention_scores, axis=-1), values

    def combine(self, attention_weights, values):
        """Average the values by the weights, put the heads side by side, and project."""
        num_tokens = ops.shape(attention_weights)[2]
        mixed = ops.matmul(attention_weights, values)  # (batch, num_heads, num_tokens, head_dim)
        mixed = ops.transpose(mixed, (0, 2, 1, 3))  # (batch, num_tokens, num_heads, head_dim)
        return self.output_projection(ops.reshape(mixed, (-1, num_tokens, self.hidden_dim)))

    def get_config(self):
        return super().get_config() | {"hidden_dim": self.hidden_dim, "num_heads": self.num_heads}


@keras.saving.register_keras_serializable("how_a_vit_sees")
class MLP(keras.layers.Layer):
    """Two dense layers with a GELU between them, applied to each token by itself."""

    def __init__(self, hidden_dim, mlp_dim, **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim, self.mlp_dim = hidden_dim, mlp_dim
        self.expand = keras.layers.Dense(mlp_dim, kernel_initializer=init(), name="expand")
        self.contract = keras.layers.Dense(hidden_dim, kernel_initializer=init(), name="contract")

    def build(self, tokens_shape):
        self.expand.build(tokens_shape)
        self.contract.build((*tokens_shape[:-1], self.mlp_dim))

    def call(self, tokens):
        """Map tokens (batch, num_tokens, hidden_dim) to the same shape."""
        return self.contract(gelu(self.expand(tokens)))

    def get_config(self):
        return super().get_config() | {"hidden_dim": self.hidden_dim, "mlp_dim": self.mlp_dim}


@keras.saving.register_keras_serializable("how_a_vit_sees")
class EncoderBlock(keras.layers.Layer):
    """tokens + attention(norm(tokens)), then tokens + mlp(norm(tokens)): the stream runs straight through."""

    def __init__(
        self,
        hidden_dim,
        num_heads,
        mlp_dim,
        *,
        stochastic_depth=0.0,
        layer_scale=None,
        has_skip=True,
        epsilon=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden_dim, self.num_heads, self.mlp_dim = hidden_dim, num_heads, mlp_dim
        self.stochastic_depth, self.layer_scale, self.epsilon = stochastic_depth, layer_scale, epsilon
        self.has_skip = has_skip
        self.norm1 = LayerNorm(epsilon=epsilon, name="norm1")
        self.attention = MultiHeadSelfAttention(hidden_dim, num_heads, name="attention")
        self.norm2 = LayerNorm(epsilon=epsilon, name="norm2")
        self.mlp = MLP(hidden_dim, mlp_dim, name="mlp")
        self.scale1 = self.scale2 = self.skip_branch = None
        if layer_scale is not None:
            self.scale1 = LayerScale(hidden_dim, layer_scale, name="scale1")
            self.scale2 = LayerScale(hidden_dim, layer_scale, name="scale2")
        if stochastic_depth:  # one whole branch of one image is dropped or kept
            self.skip_branch = keras.layers.Dropout(
                stochastic_depth, noise_shape=(None, 1, 1), name="skip_branch"
            )

    def build(self, tokens_shape):
        for part in (self.norm1, self.attention, self.scale1, self.norm2, self.mlp, self.scale2):
            if part is not None:
                part.build(tokens_shape)

    def call(self, tokens, training=False):
        """Map tokens (batch, num_tokens, hidden_dim) to the same shape."""
        tokens = self.join(tokens, self.finish(self.attention(self.norm1(tokens)), self.scale1, training))
        return self.join(tokens, self.finish(self.mlp(self.norm2(tokens)), self.scale2, training))

    def join(self, tokens, branch):
        """Add a branch to the stream: the skip connection."""
        return tokens + branch if self.has_skip else branch

    def finish(self, branch, scale, training=False):
        """Apply the layer scale and the stochastic depth of a branch, where the block has them."""
        branch = branch if scale is None else scale(branch)
        return branch if self.skip_branch is None else self.skip_branch(branch, training=training)

    def get_config(self):
        names = ("hidden_dim", "num_heads", "mlp_dim")
        names += ("stochastic_depth", "layer_scale", "has_skip", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}


@portable
@looks_at_images
@keeps_weights_when_stopped
class VisionTransformer(keras.Model):
    """The whole network, from images in [0, 1] to logits.

    Args:
        config: ViTConfig.
    """

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = ViTConfig(**config) if isinstance(config, dict) else config
        config = self.config
        self.patch_embedding = PatchEmbedding(config.patch_size, config.hidden_dim, name="patch_embedding")
        self.class_token_and_position = ClassTokenAndPosition(
            config.num_patches, config.hidden_dim, config.has_class_token, name="class_token_and_position"
        )
        self.blocks = [
            EncoderBlock(
                config.hidden_dim,
                config.num_heads,
                config.mlp_dim,
                stochastic_depth=config.stochastic_depth * index / max(1, config.depth - 1),
                layer_scale=config.layer_scale,
                has_skip=index not in config.blocks_without_skip,
                epsilon=config.layer_norm_epsilon,
                name=f"block_{index}",
            )
            for index in range(config.depth)
        ]
        self.norm = LayerNorm(epsilon=config.layer_norm_epsilon, name="norm")
        self.head = (
            keras.layers.Dense(config.num_classes, kernel_initializer=init(), dtype="float32", name="head")
            if config.num_classes
            else keras.layers.Identity(dtype="float32", name="head")
        )
        self.build((None, config.image_size, config.image_size, config.channels))  # makes the weights

    def build(self, images_shape):
        tokens_shape = (None, self.config.num_tokens, self.config.hidden_dim)
        self.patch_embedding.build(images_shape)
        self.class_token_and_position.build((None, self.config.num_patches, self.config.hidden_dim))
        for part in (*self.blocks, self.norm):
            part.build(tokens_shape)
        self.head.build((None, self.config.hidden_dim))

    def call(self, images, training=False):
        """Map images (batch, image_size, image_size, channels), in [0, 1], to logits (batch, num_classes)."""
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens, training=training)
        return self.classify(tokens)

    def embed(self, images):
        """Normalise the images and turn them into tokens (batch, num_tokens, hidden_dim)."""
        images = ops.convert_to_tensor(images)
        check_images(images, self.config)
        mean = ops.cast(list(self.config.image_mean), self.compute_dtype)
        std = ops.cast(list(self.config.image_std), self.compute_dtype)
        images = (ops.cast(images, self.compute_dtype) - mean) / std
        return self.class_token_and_position(self.patch_embedding(images))

    def classify(self, tokens):
        """Read the logits (batch, num_classes) off the last tokens: class token or mean of the patches."""
        tokens = self.norm(tokens)
        pooled = tokens[:, 0] if self.config.has_class_token else ops.mean(tokens, axis=1)
        return self.head(pooled)


def gelu(x):
    """Weigh each number by the chance that a standard normal lies below it: x · Φ(x), exactly.

    In float32 whatever the policy: bfloat16's Φ is coarse, and slower on a CPU than the two conversions. By
    erf, as Keras' own GELU on TensorFlow is by erfc, which ONNX has not.
    """
    wide = ops.cast(x, "float32")
    return ops.cast(0.5 * wide * (1.0 + ops.erf(0.5**0.5 * wide)), x.dtype)


def init():
    """Give the initialiser of every matrix: normal, standard deviation 0.02, cut at two of them."""
    return keras.initializers.TruncatedNormal(stddev=0.02)
