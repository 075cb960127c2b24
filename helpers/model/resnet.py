"""The small residual network for CIFAR-10: what the Vision Transformer is compared with.

He et al. 2016, "Deep Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385, section 4.2:
a 3×3 convolution, then three stages of n blocks with 16, 32 and 64 channels, mean pooling, a linear head; 6n
+ 2 layers.
"""

import dataclasses

import keras
from keras import ops

from helpers.model.image_checks import check_images, looks_at_images
from helpers.model.portable import portable
from helpers.model.stopping import keeps_weights_when_stopped
from helpers.model.vit_config import CIFAR10_MEAN, CIFAR10_STD


@dataclasses.dataclass(frozen=True)
class ResNetConfig:
    """Every choice that defines a CIFAR ResNet."""

    depth: int = 20  # 6 n + 2 layers with weights
    width: int = 16  # channels of the first stage
    num_classes: int = 10
    image_size: int = 32
    channels: int = 3
    image_mean: tuple[float, ...] = CIFAR10_MEAN
    image_std: tuple[float, ...] = CIFAR10_STD

    def __post_init__(self):
        for name in ("image_mean", "image_std"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        if not isinstance(self.depth, int) or self.depth < 8 or (self.depth - 2) % 6:
            raise ValueError(
                f"A CIFAR ResNet has 6n + 2 layers: depth 8, 14, 20, 32, …; received {self.depth!r}."
            )
        for name in ("width", "num_classes"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be a whole number, at least 1; received {getattr(self, name)!r}."
                )

    @classmethod
    def variant(cls, name, **changes):
        """Look a size up: "resnet20" (0.27 M parameters), "resnet8", "resnet56", …"""
        number = str(name).removeprefix("resnet")
        if not str(name).startswith("resnet") or not number.isdigit():
            raise ValueError(f'Unknown variant {name!r}: expected "resnet" and a depth, such as "resnet20".')
        return cls(**({"depth": int(number)} | changes))


@keras.saving.register_keras_serializable("how_a_vit_sees")
class ResidualBlock(keras.layers.Layer):
    """relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))), its shortcut 1×1 where the shape changes."""

    def __init__(self, channels, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.stride = channels, stride
        self.conv1 = convolution(channels, 3, stride, name="conv1")
        self.norm1 = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm1")
        self.conv2 = convolution(channels, 3, 1, name="conv2")
        self.norm2 = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm2")
        self.shortcut = self.shortcut_norm = None
        if stride != 1:
            self.shortcut = convolution(channels, 1, stride, name="shortcut")
            self.shortcut_norm = keras.layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, name="shortcut_norm"
            )

    def build(self, features_shape):
        batch, height, width, _ = features_shape
        after = (batch, -(-height // self.stride), -(-width // self.stride), self.channels)
        self.conv1.build(features_shape)
        for part in (self.norm1, self.conv2, self.norm2):
            part.build(after)
        if self.shortcut is not None:
            self.shortcut.build(features_shape)
            self.shortcut_norm.build(after)

    def call(self, features, training=False):
        """Map (batch, height, width, channels_in) to (batch, height / stride, width / stride, channels)."""
        branch = ops.relu(self.norm1(self.conv1(features), training=training))
        branch = self.norm2(self.conv2(branch), training=training)
        if self.shortcut is not None:
            features = self.shortcut_norm(self.shortcut(features), training=training)
        return ops.relu(features + branch)

    def get_config(self):
        return super().get_config() | {"channels": self.channels, "stride": self.stride}


@portable
@looks_at_images
@keeps_weights_when_stopped
class ResNet(keras.Model):
    """The whole network, from images in [0, 1] to logits.

    Args:
        config: ResNetConfig.
    """

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config = ResNetConfig(**config) if isinstance(config, dict) else config
        self.stem = convolution(config.width, 3, 1, name="stem")
        self.stem_norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="stem_norm")
        self.blocks = [
            ResidualBlock(
                config.width * 2**stage, 2 if stage and not index else 1, name=f"stage_{stage}_block_{index}"
            )
            for stage in range(3)
            for index in range((config.depth - 2) // 6)
        ]
        self.head = keras.layers.Dense(config.num_classes, dtype="float32", name="head")
        self.build((None, config.image_size, config.image_size, config.channels))  # makes the weights

    def build(self, images_shape):
        shape = (*images_shape[:3], self.config.width)
        self.stem.build(images_shape)
        self.stem_norm.build(shape)
        for block in self.blocks:
            block.build(shape)
            shape = (shape[0], -(-shape[1] // block.stride), -(-shape[2] // block.stride), block.channels)
        self.head.build((None, shape[-1]))

    def call(self, images, training=False):
        """Map images (batch, image_size, image_size, channels), in [0, 1], to logits (batch, num_classes)."""
        features = self.embed(images, training=training)
        for block in self.blocks:
            features = block(features, training=training)
        return self.classify(features)

    def embed(self, images, training=False):
        """Normalise the images and apply the first convolution: (batch, image_size, image_size, width)."""
        images = ops.convert_to_tensor(images)
        check_images(images, self.config)
        mean, std = (
            ops.cast(list(getattr(self.config, f"image_{n}")), self.compute_dtype) for n in ("mean", "std")
        )
        images = (ops.cast(images, self.compute_dtype) - mean) / std
        return ops.relu(self.stem_norm(self.stem(images), training=training))

    def classify(self, features):
        """Read the logits (batch, num_classes) off the mean of the last features."""
        return self.head(ops.mean(features, axis=(1, 2)))


def convolution(channels, size, stride, name):
    """A padded convolution without bias, as a batch normalisation follows."""
    initializer = keras.initializers.HeNormal()
    return keras.layers.Conv2D(
        channels,
        size,
        stride,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        kernel_initializer=initializer,
        name=name,
    )
