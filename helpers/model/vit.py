"""A Vision Transformer in one file, its classes in the order in which an image meets them.

    images → PatchEmbedding → ClassTokenAndPosition → EncoderBlock × depth → LayerNorm → head →
    logits

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", https://arxiv.org/abs/2010.11929. The blocks
normalise before each branch ("pre-norm"). The same class is the course's CIFAR-10 model, ViT-B/16 and DINOv2.
"""

import dataclasses
import math

import keras
from keras import ops

from helpers.model.patches import num_patches, patch_grid_shape
from helpers.model.stopping import keeps_weights_when_stopped

# name: hidden_dim, depth, num_heads, mlp_dim
PUBLISHED_SIZES = {
    "Ti": (192, 12, 3, 768),  # Touvron et al. 2021 (DeiT), table 1
    "S": (384, 12, 6, 1536),  # Touvron et al. 2021 (DeiT), table 1
    "B": (768, 12, 12, 3072),  # Dosovitskiy et al. 2021, table 1
    "L": (1024, 24, 16, 4096),  # Dosovitskiy et al. 2021, table 1
    "H": (1280, 32, 16, 5120),  # Dosovitskiy et al. 2021, table 1
}
COURSE_SIZES = {
    "cifar": (192, 9, 3, 384),  # the trunk of Lee et al. 2021 (SPT_LSA_ViT), with heads of 64
    "cifar-small": (128, 9, 4, 256),  # narrower, as deep: half the work, for 2 CPU cores
    "shapes": (64, 4, 4, 128),  # learns the built-in shapes in minutes on a laptop
}
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True)
class ViTConfig:
    """Every choice that defines a Vision Transformer; sizes in pixels, tokens and features."""

    image_size: int
    patch_size: int
    hidden_dim: int
    depth: int
    num_heads: int
    mlp_dim: int
    num_classes: int  # 0: no head, the model gives the features that a head would read
    channels: int = 3
    pooling: str = "class_token"  # or "mean": what the head reads; "mean" has no class token
    stochastic_depth: float = 0.0  # chance that the last block's branches are skipped; grows linearly from 0
    layer_scale: float | None = (
        None  # start value of a learned scale on each branch (CaiT, DINOv2); None for none
    )
    layer_norm_epsilon: float = 1e-6
    blocks_without_skip: tuple[int, ...] = ()  # from 0: where the stream is replaced instead of added to
    image_mean: tuple[float, ...] = (0.5, 0.5, 0.5)  # the model's own preprocessing of images in [0, 1]
    image_std: tuple[float, ...] = (0.5, 0.5, 0.5)

    def __post_init__(self):
        for name in (
            "image_size",
            "patch_size",
            "hidden_dim",
            "depth",
            "num_heads",
            "mlp_dim",
            "num_classes",
        ):
            value, least = getattr(self, name), 0 if name == "num_classes" else 1
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number, at least {least}; received {value!r}.")
        patch_grid_shape(self.image_size, self.patch_size)
        if self.hidden_dim % self.num_heads:
            raise ValueError(
                f"The heads share the width: hidden_dim must be a multiple of num_heads, received hidden_dim="
                f"{self.hidden_dim} and num_heads={self.num_heads}. Try num_heads="
                f"{max(h for h in range(1, self.num_heads + 1) if self.hidden_dim % h == 0)}."
            )
        if self.pooling not in ("class_token", "mean"):
            raise ValueError(f'pooling must be "class_token" or "mean"; received {self.pooling!r}.')
        if not 0 <= self.stochastic_depth < 1:
            raise ValueError(
                f"stochastic_depth is a probability below 1; received {self.stochastic_depth!r}."
            )
        object.__setattr__(self, "blocks_without_skip", tuple(self.blocks_without_skip))
        if not set(self.blocks_without_skip) <= set(range(self.depth)):
            raise ValueError(
                f"blocks_without_skip numbers blocks from 0 to {self.depth - 1}; received "
                f"{self.blocks_without_skip}."
            )
        for name in ("image_mean", "image_std"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
            if len(getattr(self, name)) != self.channels:
                raise ValueError(
                    f"{name} needs one value a channel, {self.channels}; received {getattr(self, name)}."
                )

    @property
    def num_patches(self):
        return num_patches(self.image_size, self.patch_size)

    @property
    def grid_size(self):
        return self.image_size // self.patch_size

    @property
    def num_tokens(self):
        return self.num_patches + self.has_class_token

    @property
    def has_class_token(self):
        return self.pooling == "class_token"

    @property
    def head_dim(self):
        return self.hidden_dim // self.num_heads

    @classmethod
    def variant(cls, name, **changes):
        """Look a published size up: `ViTConfig.variant("B/16")`, `ViTConfig.variant("cifar/4",
        pooling="mean")`.

        Args:
            name: "size/patch": Ti, S, B, L or H (224 pixels, 1000 classes), or cifar, cifar-small or shapes
                (32 pixels, 10 classes), then the patch size in pixels.
            **changes: fields of ViTConfig to set otherwise.
        Returns:
            ViTConfig.
        Raises:
            ValueError: for a name that is not in the table; the message lists those that are.
        """
        size, _, patch_size = str(name).partition("/")
        sizes = PUBLISHED_SIZES | COURSE_SIZES
        if size not in sizes or not patch_size.isdigit():
            raise ValueError(
                f'Unknown variant {name!r}: expected "size/patch" with a size of {", ".join(sizes)} '
                'and a patch size in pixels, such as "B/16" or "cifar/4".'
            )
        hidden_dim, depth, num_heads, mlp_dim = sizes[size]
        fields = dict(hidden_dim=hidden_dim, depth=depth, num_heads=num_heads, mlp_dim=mlp_dim)
        fields |= dict(patch_size=int(patch_size), image_size=224, num_classes=1000)
        if size in COURSE_SIZES:
            fields |= dict(image_size=32, num_classes=10, image_mean=CIFAR10_MEAN, image_std=CIFAR10_STD)
        return cls(**(fields | changes))


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
        self.position_embedding = self.add_weight(
            name="position_embedding",
            shape=(1, num_patches + has_class_token, hidden_dim),
            initializer=init(),
        )

    def call(self, patch_embeddings):
        """Map (batch, num_patches, hidden_dim) to tokens (batch, num_tokens, hidden_dim)."""
        tokens = patch_embeddings
        if self.has_class_token:
            batch = ops.shape(tokens)[0]
            class_tokens = ops.broadcast_to(self.class_token, (batch, 1, self.hidden_dim))
            tokens = ops.concatenate([ops.cast(class_tokens, tokens.dtype), tokens], axis=1)
        return tokens + ops.cast(self.position_embedding, tokens.dtype)

    def get_config(self):
        own = {
            "num_patches": self.num_patches,
            "hidden_dim": self.hidden_dim,
            "has_class_token": self.has_class_token,
        }
        return super().get_config() | own


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

    def call(self, tokens):
        """Map tokens (batch, num_tokens, hidden_dim) to the attention's output, the same shape."""
        return self.combine(*self.weights_and_values(tokens))

    def weights_and_values(self, tokens):
        """Say who looks at whom, and what each token offers.

        Returns:
            attention_weights: (batch, num_heads, queries, keys), rows sum to 1.
            values: (batch, num_heads, num_tokens, head_dim).
        """
        num_tokens = tokens.shape[1]
        qkv = ops.reshape(self.qkv(tokens), (-1, num_tokens, 3, self.num_heads, self.head_dim))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))  # (3, batch, num_heads, num_tokens, head_dim)
        queries, keys, values = ops.unstack(qkv, 3)  # its gradient is ten times quicker than that of qkv[0]
        attention_scores = ops.matmul(queries * self.head_dim**-0.5, ops.transpose(keys, (0, 1, 3, 2)))
        return ops.softmax(attention_scores, axis=-1), values

    def combine(self, attention_weights, values):
        """Average the values by the weights, put the heads side by side, and project."""
        num_tokens = attention_weights.shape[2]
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

    def call(self, tokens):
        """Map tokens (batch, num_tokens, hidden_dim) to the same shape."""
        return self.contract(gelu(self.expand(tokens)))

    def get_config(self):
        return super().get_config() | {"hidden_dim": self.hidden_dim, "mlp_dim": self.mlp_dim}


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
        names = (
            "hidden_dim",
            "num_heads",
            "mlp_dim",
            "stochastic_depth",
            "layer_scale",
            "has_skip",
            "epsilon",
        )
        return super().get_config() | {name: getattr(self, name) for name in names}


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


@keras.saving.register_keras_serializable("how_a_vit_sees")
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
        self(
            keras.KerasTensor((None, config.image_size, config.image_size, config.channels))
        )  # makes the weights

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
        mean, std = (
            ops.cast(list(getattr(self.config, f"image_{n}")), self.compute_dtype) for n in ("mean", "std")
        )
        images = (ops.cast(images, self.compute_dtype) - mean) / std
        return self.class_token_and_position(self.patch_embedding(images))

    def classify(self, tokens):
        """Read the logits (batch, num_classes) off the last tokens: class token or mean of the patches."""
        tokens = self.norm(tokens)
        pooled = tokens[:, 0] if self.config.has_class_token else ops.mean(tokens, axis=1)
        return self.head(pooled)

    def get_config(self):
        return {"config": dataclasses.asdict(self.config), "name": self.name}


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


def check_images(images, config):
    """Refuse images that the model was not built for, saying what was expected, what came and what to do."""
    expected = f"(batch, {config.image_size}, {config.image_size}, {config.channels})"
    if len(images.shape) != 4 or tuple(images.shape[1:]) != (config.image_size,) * 2 + (config.channels,):
        raise ValueError(
            f"This model expects images of shape {expected}; received {tuple(images.shape)}. "
            "Resize them, or add the batch axis with image[None]."
        )
    if images.shape[0] == 0:
        raise ValueError(f"This model expects at least one image, {expected}; received an empty batch.")
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        raise ValueError(
            f"This model expects float images in [0, 1]; received "
            f"{keras.backend.standardize_dtype(images.dtype)}. "
            'Convert bytes with images.astype("float32") / 255.'
        )
    if is_concrete(images) and float(ops.max(ops.stop_gradient(images))) > 2:
        raise ValueError(
            "This model expects images in [0, 1], and normalises them itself; received values up to "
            f"{float(ops.max(images)):.0f}. Divide by 255."
        )


def is_concrete(tensor):
    """Say whether the numbers are there to be looked at: not while a backend compiles or traces."""
    if isinstance(tensor, keras.KerasTensor):
        return False
    return (
        hasattr(tensor, "numpy")
        if keras.backend.backend() != "jax"
        else "Tracer" not in type(tensor).__name__
    )


def interpolate_positions(position_embedding, grid_size, *, has_class_token=True, antialias=None):
    """Stretch learned positions to another grid, so that a model reads images of another size.

    Bicubic, as in the paper (section 3.2); the class token's own position is kept as it is.

    Args:
        position_embedding: (1, num_tokens, hidden_dim), its patches on a square grid.
        grid_size: int, or (rows, columns): the new grid.
        has_class_token: whether the first token is the class token.
        antialias: whether a smaller grid is averaged rather than sampled; None: whenever the grid shrinks.
    Returns:
        (1, rows · columns + has_class_token, hidden_dim).
    Raises:
        ValueError: if the old patches do not form a square grid.
    """
    positions = ops.convert_to_tensor(position_embedding)
    first, patches = positions[:, : int(has_class_token)], positions[:, int(has_class_token) :]
    old = math.isqrt(patches.shape[1])
    if old * old != patches.shape[1]:
        raise ValueError(
            f"Expected positions of a square grid of "
            f"patches{' after one class token' if has_class_token else ''}; "
            f"received {patches.shape[1]} patches, which is no square. Set has_class_token to what the "
            f"model has."
        )
    rows, columns = (grid_size, grid_size) if isinstance(grid_size, int) else tuple(grid_size)
    if (rows, columns) == (old, old):
        return positions
    grid = ops.reshape(patches, (1, old, old, -1))
    if antialias is None:
        antialias = rows < old or columns < old
    grid = ops.image.resize(
        grid, (rows, columns), interpolation="bicubic", antialias=antialias, data_format="channels_last"
    )
    return ops.concatenate([first, ops.reshape(grid, (1, rows * columns, -1))], axis=1)
