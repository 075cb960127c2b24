"""Let each image go on with tokens of its own choice: the intervention behind removing patches by a map."""

import dataclasses

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class KeepTokens:
    """Go on with some tokens alone after the position embedding, with others in each image.

    What `DropTokens` says by the tokens that go, for all images alike, this says by those that stay.

    Args:
        tokens: int (batch, kept), for each image the indices of the tokens that stay, as many in all; or
            (kept,), the same for all images. 0 is the class token where the model has one, and must be among
            them. Whatever their order, the tokens stand as in the image.
    """

    tokens: np.ndarray

    def change_tokens(self, tokens, config):
        kept = self.tokens_left(config)
        if kept.ndim == 2 and len(kept) not in (1, tokens.shape[0]):
            raise ValueError(
                f"KeepTokens needs one row of tokens an image, {tokens.shape[0]}; received {len(kept)} rows."
            )
        return take_tokens(tokens, kept)

    def tokens_left(self, config):
        """Give the indices of the tokens that stay, int32, in ascending order."""
        kept = np.asarray(self.tokens)
        if kept.ndim not in (1, 2) or kept.dtype.kind not in "iu" or 0 in kept.shape:
            raise ValueError(
                "KeepTokens takes whole numbers (batch, kept), the tokens that stay in each image, as many "
                f"in all, or (kept,) for all images alike; received {kept.dtype} {kept.shape}."
            )
        kept = np.sort(kept.astype("int64"), axis=-1)
        if kept.min() < 0 or kept.max() >= config.num_tokens:
            raise ValueError(
                f"KeepTokens takes indices from 0 to {config.num_tokens - 1}; received {kept.min()} to "
                f"{kept.max()}."
            )
        if (kept[..., 1:] == kept[..., :-1]).any():
            raise ValueError("KeepTokens takes each token of an image once; received one twice.")
        if config.has_class_token and (kept[..., 0] != 0).any():
            raise ValueError(
                "KeepTokens must keep token 0, the class token, which the head reads, in every image; "
                "received an image without it. Patches are counted from 1."
            )
        return kept.astype("int32")


def take_tokens(tokens, kept):
    """Pick tokens (batch, kept, hidden_dim) by indices (kept,) for all images, or (batch, kept)."""
    if len(kept.shape) == 1:
        return ops.take(tokens, kept, axis=1)
    num_tokens, hidden_dim = tokens.shape[1:]
    starts = num_tokens * ops.arange(ops.shape(tokens)[0], dtype="int32")  # one row of indices is quickest
    indices = ops.cast(kept, "int32") + starts[:, None]
    return ops.take(ops.reshape(tokens, (-1, hidden_dim)), indices, axis=0)


def check_once(interventions, kinds):
    """Refuse a second intervention that picks tokens: its indices would count those that are left."""
    names = [type(each).__name__ for each in interventions if isinstance(each, kinds)]
    if len(names) > 1:
        raise ValueError(
            f"Expected at most one of {' and '.join(kind.__name__ for kind in kinds)}; received "
            f"{', '.join(names)}. Name all tokens in one."
        )
