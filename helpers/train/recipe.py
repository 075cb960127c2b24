"""Named training recipes: every choice of a run in one frozen object, with the reason for it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train. Lengths are in passes over the training images, rates are per step."""

    name: str
    epochs: int
    batch_size: int = 256
    images_per_pass: int = (
        0  # with few images a pass shows them again, until it has shown so many; 0: once each
    )
    optimizer: str = "adamw"  # or "muon": orthogonalised momentum for the matrices, AdamW for the rest
    learning_rate: float = 1e-3  # the peak, after the warm-up (Lee et al. 2021 with batches of 128: 1e-3)
    warmup_epochs: float = 1.0  # from 0 to the peak in a straight line, then a cosine to 0
    weight_decay: float = 0.05  # Lee et al. 2021; matrices only: see NO_DECAY
    clip_norm: float = 1.0  # longest allowed gradient (Dosovitskiy et al. 2021, B.1.1); 0 for any
    label_smoothing: float = 0.1  # Szegedy et al. 2016, section 7
    ema_momentum: float = 0.995  # the average of the weights that is evaluated and kept; 0 for none
    initialisation: str = "mimetic"  # or "plain": see helpers/train/initialisation.py
    stochastic_depth: float = 0.0  # Huang et al. 2016, growing with depth
    crop_padding: int = 4  # pixels; this and the flip: He et al. 2016, section 4.2
    flip: bool = True
    rand_augment_operations: int = 0  # Cubuk et al. 2020: so many random changes an image
    rand_augment_magnitude: float = 9.0
    erasing_probability: float = 0.0  # Zhong et al. 2020: a rectangle of noise
    mix_probability: float = 0.0  # share of images that get MixUp (Zhang et al. 2018) or CutMix (Yun 2019)
    mix_until: float = 1.0  # share of the run after which mixing is off (Hassani et al. 2021: CCT)

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be a whole number, at least 1; received {getattr(self, name)!r}."
                )
        if not isinstance(self.images_per_pass, int) or self.images_per_pass < 0:
            raise ValueError(
                f"images_per_pass must be a whole number, 0 for each image once; "
                f"received {self.images_per_pass!r}."
            )
        for name in ("label_smoothing", "ema_momentum", "stochastic_depth", "erasing_probability"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1); received {getattr(self, name)!r}.")
        for name in ("mix_probability", "mix_until"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; received {getattr(self, name)!r}.")
        if self.optimizer not in ("adamw", "muon"):
            raise ValueError(f'optimizer must be "adamw" or "muon"; received {self.optimizer!r}.')
        if self.initialisation not in ("plain", "mimetic"):
            raise ValueError(
                f'initialisation must be "plain" or "mimetic"; received {self.initialisation!r}.'
            )


# Weight decay pulls a weight towards 0. That is sense for a matrix, and none for an offset, a norm's gain, a
# position.
NO_DECAY = ("bias", "gamma", "beta", "class_token", "position_embedding", "scale")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # 66 minutes of processor time, 80 % (data/reference/laptop.json). A short run underfits, so nothing
        # that makes the images harder but crop and flip. After 3 passes of the recipe "cpu" Muon had 69.1 %
        # from a plain start, and AdamW 58.2 % at its better rate, from a mimetic one
        # (benchmarks/ablation.md).
        Recipe(
            "laptop",
            epochs=10,
            batch_size=128,
            optimizer="muon",
            learning_rate=2e-3,
            label_smoothing=0.0,
            ema_momentum=0.98,
            initialisation="plain",
        ),
        # Two hours of one core, and the recipe of the shipped family. Muon (Jordan et al. 2024) earns most
        # where passes are few: after 3 of them 65.4 % with it, 54.9 % with AdamW at the same rate. The
        # mimetic start turned out to cost it 3.6 points (benchmarks/ablation.md); the family was trained by
        # then.
        Recipe("cpu", epochs=20, batch_size=128, optimizer="muon", learning_rate=2e-3),
        # An hour of 2 cores, measured as two of one: 36 passes of a smaller network. RandAugment and mixing
        # cost points in 3 passes; what each earns in 36 was not measured alone (benchmarks/hour.md).
        Recipe(
            "hour",
            epochs=36,
            batch_size=128,
            optimizer="muon",
            learning_rate=2e-3,
            initialisation="plain",
            rand_augment_operations=1,
            rand_augment_magnitude=7.0,
            mix_probability=0.3,
            mix_until=0.8,
        ),
        # The built-in shapes: small images of their own making, so many quick passes.
        Recipe(
            "shapes", epochs=24, batch_size=128, learning_rate=2e-3, label_smoothing=0.0, ema_momentum=0.99
        ),
        # 300 passes on a data-centre GPU, not run yet: Lee et al. 2021 with RandAugment for AutoAugment,
        # averaged weights, and mixing off for the last 15 % (as in CCT's 300-epoch configuration).
        Recipe(
            "full",
            epochs=300,
            warmup_epochs=10,
            ema_momentum=0.9995,
            stochastic_depth=0.1,
            rand_augment_operations=2,
            erasing_probability=0.25,
            mix_probability=0.5,
            mix_until=0.85,
        ),
        # 105 passes in two to three minutes of an H200, for the whole family. Measured there on the JPEG
        # copy, with one RandAugment step and mixing until 0.8: 86.9 % at pass 84, and 86.3 % at the end, once
        # mixing had stopped and the training loss fell away from the test. So here it mixes to the end, and
        # takes two steps; as it stands it was not run yet.
        Recipe(
            "gpu",
            epochs=105,
            batch_size=512,
            optimizer="muon",
            learning_rate=3e-3,
            initialisation="plain",
            rand_augment_operations=2,
            rand_augment_magnitude=7.0,
            mix_probability=0.3,
        ),
        # Meant for 40 minutes on a T4; not run yet.
        Recipe(
            "colab",
            epochs=60,
            warmup_epochs=3,
            ema_momentum=0.999,
            stochastic_depth=0.05,
            rand_augment_operations=1,
            rand_augment_magnitude=7.0,
            mix_probability=0.3,
            mix_until=0.85,
        ),
        # He et al. 2016, section 4.2, with AdamW in place of SGD so that one loop trains both networks. No
        # averaged weights: batch normalisation's statistics are those of the weights of the day.
        Recipe(
            "resnet",
            epochs=10,
            batch_size=128,
            learning_rate=3e-3,
            weight_decay=0.01,
            ema_momentum=0.0,
            initialisation="plain",
        ),
    )
}


def find_recipe(name, **changes):
    """Look a recipe up by name and change fields: `find_recipe("full", epochs=100)`.

    Raises:
        ValueError: for an unknown name or field; the message lists those that exist.
    """
    if name not in RECIPES:
        raise ValueError(f"Unknown recipe {name!r}: expected one of {', '.join(RECIPES)}.")
    known = {field.name for field in dataclasses.fields(Recipe)}
    if unknown := set(changes) - known:
        raise ValueError(f"A recipe has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
    return dataclasses.replace(RECIPES[name], **changes)
