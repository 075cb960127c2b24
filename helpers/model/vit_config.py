"""What a Vision Transformer is made to be: its sizes, those of the papers, and how it normalises an image."""

import dataclasses

from helpers.model.patches import num_patches, patch_grid_shape

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
    layer_scale: float | None = None  # start of a learned scale on each branch (CaiT, DINOv2); None for none
    layer_norm_epsilon: float = 1e-6
    blocks_without_skip: tuple[int, ...] = ()  # from 0: where the stream is replaced instead of added to
    image_mean: tuple[float, ...] = (0.5, 0.5, 0.5)  # the model's own preprocessing of images in [0, 1]
    image_std: tuple[float, ...] = (0.5, 0.5, 0.5)

    def __post_init__(self):
        sizes = ("image_size", "patch_size", "hidden_dim", "depth", "num_heads", "mlp_dim", "num_classes")
        for name in sizes:
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
