"""The order in which a pass shows the images, and how its steps are cut into compiled calls."""

import keras
import numpy as np


class ShuffledIndices(keras.utils.PyDataset):
    """Batches of indices in a new order each pass; the order depends on the seed and the pass alone.

    A pass shows `shown` images: where there are fewer, all of them in one order, then in another, and so on.
    With `pieces`, lengths that sum to the number of steps, an item holds the batches of so many steps side by
    side, (batch, steps): the first axis is the batch, which several devices share out.
    """

    def __init__(self, num_images, batch_size, seed, epoch, shown=None, pieces=None):
        super().__init__()
        self.num_images, self.batch_size, self.seed, self.epoch = num_images, batch_size, seed, epoch
        self.shown, self.pieces = shown or num_images, pieces
        self.shuffle()

    def shuffle(self):
        generator = np.random.default_rng([self.seed, self.epoch])
        rounds = [generator.permutation(self.num_images) for _ in range(-(-self.shown // self.num_images))]
        self.order = np.concatenate(rounds)[: self.shown].astype("int32")

    def __len__(self):
        return len(self.pieces) if self.pieces else self.shown // self.batch_size

    def __getitem__(self, item):
        if not self.pieces:
            return (self.order[item * self.batch_size : (item + 1) * self.batch_size],)
        first, steps = sum(self.pieces[:item]), self.pieces[item]
        batches = self.order[first * self.batch_size : (first + steps) * self.batch_size]
        return (np.ascontiguousarray(batches.reshape(steps, self.batch_size).T),)  # (batch, steps)

    def on_epoch_end(self):
        self.epoch += 1
        self.shuffle()


def piece_lengths(num_steps, longest):
    """Cut the steps of a pass into as few pieces as may be, none longer than `longest`.

    All are of one length where up to half as many pieces again allow it, since every length is compiled once;
    else of two lengths that differ by one.

    Args:
        num_steps: int, steps of a pass; longest: int, steps of the longest piece.
    Returns:
        list of int that sum to num_steps: `piece_lengths(390, 64)` is ten times 39.
    Raises:
        ValueError: if one of them is below 1.
    """
    if num_steps < 1 or longest < 1:
        raise ValueError(
            f"A pass and a piece of it have at least one step; received {num_steps} and {longest}."
        )
    fewest = -(-num_steps // longest)
    even = next((n for n in range(fewest, fewest + fewest // 2 + 1) if num_steps % n == 0), fewest)
    return [num_steps // even + (number < num_steps % even) for number in range(even)]
