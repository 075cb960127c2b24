"""Lesson 05, training: mixed images, soft labels, a learning rate, weight decay, and what went wrong."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant, Question

# mix_with_previous(images, labels, keep)


def _mix_cases():
    random = np.random.default_rng(5)

    def batch(size, num_classes):
        labels = np.eye(num_classes, dtype="float32")[random.integers(0, num_classes, size)]
        labels[0] = 1 / num_classes
        images = random.random((size, 4, 6, 3), dtype="float32")
        return images, labels, random.uniform(0.05, 0.95, size).astype("float32")

    return [batch(3, 4), batch(5, 2)]


def _blend(values, keep, partner=None):
    keep = np.reshape(keep, (-1,) + (1,) * (values.ndim - 1))
    return keep * values + (1 - keep) * (np.roll(values, 1, axis=0) if partner is None else partner)


def _mix_labels_left(images, labels, keep):
    return _blend(images, keep), labels


def _mix_labels_swapped(images, labels, keep):
    return _blend(images, keep), _blend(labels, 1 - keep)


def _mix_all_swapped(images, labels, keep):
    return _blend(images, 1 - keep), _blend(labels, 1 - keep)


def _mix_one_share(images, labels, keep):
    first = np.full_like(keep, keep[0])
    return _blend(images, first), _blend(labels, first)


def _mix_colours(images, labels, keep):
    mixed = keep * images + (1 - keep) * np.roll(images, 1, axis=0)
    return mixed, _blend(labels, keep)


def _mix_other_partner(images, labels, keep):
    return _blend(images, keep), _blend(labels, keep, np.roll(labels, -1, axis=0))


def _mix_next(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, -1, axis=0)) for values in (images, labels))


def _mix_no_axis(images, labels, keep):
    return tuple(_blend(values, keep, np.roll(values, 1)) for values in (images, labels))


def _mix_first_alone(images, labels, keep):
    mixed = [_blend(values, keep) for values in (images, labels)]
    mixed[0][0], mixed[1][0] = images[0], labels[0]
    return tuple(mixed)


def _mix_halves(images, labels, keep):
    half = np.full_like(keep, 0.5)
    return _blend(images, half), _blend(labels, half)


# smooth_labels(labels, smoothing)


def _smooth_cases():
    one_hot = np.eye(10, dtype="float32")[[3, 0, 9]]
    mixed = np.array([[0.7, 0.3, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5]], "float32")
    return [(one_hot, 0.1), (mixed, 0.2), (one_hot[:, :5] + 0.1, 0.0)]


def _smooth_only_taken(labels, smoothing):
    return labels * (1 - smoothing)


def _smooth_only_given(labels, smoothing):
    return labels + smoothing / labels.shape[-1]


def _smooth_whole_share(labels, smoothing):
    return labels * (1 - smoothing) + smoothing


def _smooth_others(labels, smoothing):
    return labels * (1 - smoothing) + (1 - labels) * smoothing / (labels.shape[-1] - 1)


def _smooth_others_chosen(labels, smoothing):
    return np.where(labels == 1, 1 - smoothing, smoothing / (labels.shape[-1] - 1))


def _smooth_chosen(labels, smoothing):
    share = smoothing / labels.shape[-1]
    return np.where(labels == 1, 1 - smoothing + share, share)


def _smooth_one_part_less(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / (labels.shape[-1] - 1)


def _smooth_ten_classes(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / 10


def _smooth_by_batch(labels, smoothing):
    return labels * (1 - smoothing) + smoothing / len(labels)


def _smooth_one_hot_only(labels, smoothing):
    num_classes = labels.shape[-1]
    return np.eye(num_classes)[labels.argmax(axis=-1)] * (1 - smoothing) + smoothing / num_classes


# warmup_cosine(step, peak, warmup_steps, total_steps)


def _rate_cases():
    return [
        Case(np.arange(0, 130, 5), peak=1e-3, warmup_steps=20, total_steps=100),
        Case(np.array([[0, 1], [7, 12]]), peak=0.5, warmup_steps=4, total_steps=12),
    ]


def _rate(step, peak, warmup_steps, total_steps, *, rising=None, progress=None, fall=None):
    rising = (step + 1) / warmup_steps if rising is None else rising
    if progress is None:
        progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    falling = 0.5 * (1 + np.cos(np.pi * progress)) if fall is None else fall(progress)
    return peak * np.where(step < warmup_steps, rising, falling)


def _rate_from_zero(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, rising=step / warmup_steps)


def _rate_cosine_from_first_step(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, progress=np.clip(step / total_steps, 0, 1))


def _rate_never_at_zero(step, peak, warmup_steps, total_steps):
    progress = np.clip((step - warmup_steps) / total_steps, 0, 1)
    return _rate(step, peak, warmup_steps, total_steps, progress=progress)


def _rate_whole_period(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 0.5 * (1 + np.cos(2 * np.pi * p)))


def _rate_quarter_period(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: np.cos(np.pi / 2 * p))


def _rate_twice_the_peak(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 1 + np.cos(np.pi * p))


def _rate_below_zero(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: np.cos(np.pi * p))


def _rate_pieces_swapped(step, peak, warmup_steps, total_steps):
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    falling = 0.5 * (1 + np.cos(np.pi * progress))
    return peak * np.where(step < warmup_steps, falling, (step + 1) / warmup_steps)


def _rate_comes_back(step, peak, warmup_steps, total_steps):
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return _rate(step, peak, warmup_steps, total_steps, progress=progress)


def _rate_straight_down(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 1 - p)


def _rate_no_warmup(step, peak, warmup_steps, total_steps):
    return peak * 0.5 * (1 + np.cos(np.pi * np.clip(step / total_steps, 0, 1)))


def _rate_without_peak(step, peak, warmup_steps, total_steps):
    return _rate(step, 1.0, warmup_steps, total_steps)


# decay_mask(paths)

_SPARED = ("bias", "gamma", "beta", "class_token", "position_embedding", "scale")


def _decay_cases():
    block = ["norm1/gamma", "norm1/beta", "attention/qkv/kernel", "attention/qkv/bias", "mlp/expand/kernel"]
    return [
        ([f"block_0/{path}" for path in block],),
        (
            [
                "patch_embedding/projection/kernel",
                "class_token_and_position/class_token",
                "class_token_and_position/position_embedding",
                "block_1/scale1/scale",
                "upscale/mlp/kernel",
                "head/bias",
                "head/kernel",
            ],
        ),
        (["kernel", "bias"],),
    ]


def _as_array(answer, paths):
    return np.asarray(answer) if isinstance(answer, list | tuple) else answer


def _decay_turned_round(paths):
    return [path.split("/")[-1] in _SPARED for path in paths]


def _decay_all(paths):
    return [True for _ in paths]


def _decay_none(paths):
    return [False for _ in paths]


def _decay_biases_only(paths):
    return [path.split("/")[-1] != "bias" for path in paths]


def _decay_norms_forgotten(paths):
    return [path.split("/")[-1] not in ("bias", "class_token", "position_embedding") for path in paths]


def _decay_tokens_forgotten(paths):
    return [path.split("/")[-1] not in ("bias", "gamma", "beta", "scale") for path in paths]


def _decay_anywhere(paths):
    return [not any(name in path for name in _SPARED) for path in paths]


def _decay_first_part(paths):
    return [path.split("/")[0] not in _SPARED for path in paths]


# confusion_matrix(labels, predictions, num_classes)


def _confusion_cases():
    return [
        (np.array([0, 0, 1, 1, 1, 2]), np.array([0, 2, 1, 1, 0, 1]), 3),
        (np.array([1, 1, 0, 3]), np.array([1, 1, 3, 1]), 5),
    ]


def _confusion(labels, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def _confusion_transposed(labels, predictions, num_classes):
    return _confusion(predictions, labels, num_classes)


def _confusion_counted_once(labels, predictions, num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    matrix[labels, predictions] += 1
    return matrix


def _confusion_by_column(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix / np.maximum(matrix.sum(axis=0, keepdims=True), 1)


def _confusion_by_row(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)


def _confusion_errors_only(labels, predictions, num_classes):
    matrix = _confusion(labels, predictions, num_classes)
    return matrix - np.diag(np.diag(matrix))


def _confusion_seen_classes(labels, predictions, num_classes):
    return _confusion(labels, predictions, max(labels.max(), predictions.max()) + 1)


EXERCISES = [
    Exercise(
        key="augment.mix_with_previous",
        title="MixUp",
        reference="helpers.data.augment:mix_with_previous",
        cases=_mix_cases,
        mutants=(
            Mutant(
                _mix_labels_left,
                "the images are mixed and the labels are not: a picture that is 30 % coffee must be "
                "labelled so.",
            ),
            Mutant(
                _mix_labels_swapped,
                "the images are right, but the labels have the shares swapped: an image keeps the share"
                " keep, and so must its label.",
            ),
            Mutant(
                _mix_all_swapped,
                "the shares are swapped: keep is what an image keeps of itself, 1 - keep what it takes "
                "from the one before it.",
            ),
            Mutant(
                _mix_one_share,
                "every image gets the first image's share: keep holds one number for each, so reshape "
                "it and use them all.",
            ),
            Mutant(
                _mix_colours,
                "keep is multiplied with the last axis, the colours (or does not fit it): reshape it to "
                "(batch, 1, 1, 1) for the images.",
            ),
            Mutant(
                _mix_other_partner,
                "images and labels have different partners: roll both by 1 in the same direction.",
            ),
            Mutant(
                _mix_next,
                "each image is mixed with the one after it; the one before it comes with roll(…, 1, axis=0).",
            ),
            Mutant(
                _mix_no_axis,
                "roll without axis=0 shifts single numbers through the whole array, not images through "
                "the batch.",
            ),
            Mutant(
                _mix_first_alone,
                "the first image stays as it is; it takes the last one as its partner, as roll gives it.",
            ),
            Mutant(_mix_halves, "every pair is mixed half and half: use keep."),
        ),
        hints=(
            "Two arrays have to be mixed with the same shares: the images and their labels.",
            "np.roll(images, 1, axis=0) puts before each image its partner. For the images the shares "
            "need the shape (batch, 1, 1, 1), for the labels (batch, 1).",
            "share = keep.reshape(-1, 1, 1, 1); mixed = share * images + (1 - share) * np.roll(images, "
            "1, axis=0). Then the same for the labels with keep.reshape(-1, 1), and return both.",
        ),
        difficulty=2,
        importance=4,
        minutes=10,
    ),
    Exercise(
        key="pieces.smooth_labels",
        title="Label smoothing",
        reference="helpers.train.pieces:smooth_labels",
        cases=_smooth_cases,
        mutants=(
            Mutant(
                _smooth_only_taken,
                "a share is taken from each label and given to nobody: the rows sum to 1 - smoothing.",
            ),
            Mutant(
                _smooth_only_given,
                "every class gets its share and none was taken before: the rows sum to 1 + smoothing.",
            ),
            Mutant(
                _smooth_whole_share,
                "every class gets the whole share: divide smoothing by the number of classes.",
            ),
            Mutant(
                _smooth_others,
                "the share goes to the wrong classes only; it is spread over all classes, the right one"
                " too, so that it keeps 1 - smoothing + smoothing / num_classes.",
            ),
            Mutant(
                _smooth_others_chosen,
                "the share goes to the wrong classes only; it is spread over all classes, the right one too. "
                "And labels may be mixed: a 0.7 is neither 0 nor 1.",
            ),
            Mutant(
                _smooth_chosen,
                "right for one-hot labels, not for mixed ones: a 0.7 is neither 0 nor 1. Compute with the "
                "labels; do not choose.",
            ),
            Mutant(
                _smooth_one_part_less,
                "this divides by num_classes - 1; the right class gets its part too: num_classes parts.",
            ),
            Mutant(
                _smooth_ten_classes,
                "this is right for ten classes only: their number is labels.shape[-1].",
            ),
            Mutant(
                _smooth_by_batch, "this divides by the number of images; divide by the number of classes."
            ),
            Mutant(
                _smooth_one_hot_only,
                "this makes one-hot labels first, and forgets what MixUp has mixed: smooth the labels "
                "as they are.",
            ),
        ),
        hints=(
            "What is taken from a row must be given back to it, or it does not sum to 1 any more.",
            "Take: multiply by 1 - smoothing. Give: add the same small number to every class. How large"
            " is it?",
            "(1 - smoothing) * labels + smoothing / labels.shape[-1].",
        ),
        difficulty=1,
        importance=3,
        minutes=5,
    ),
    Exercise(
        key="schedule.warmup_cosine",
        title="Warm-up and cosine",
        reference="helpers.train.schedule:warmup_cosine",
        cases=_rate_cases,
        mutants=(
            Mutant(
                _rate_from_zero,
                "the first step has the rate 0 and learns nothing: while warming up the rate is "
                "peak * (step + 1) / warmup_steps.",
            ),
            Mutant(
                _rate_cosine_from_first_step,
                "the cosine begins at step 0, so the rate drops when the warm-up ends: it begins at "
                "warmup_steps.",
            ),
            Mutant(
                _rate_never_at_zero,
                "the rate does not reach 0: the cosine has only total_steps - warmup_steps steps to "
                "come down.",
            ),
            Mutant(
                _rate_whole_period,
                "the rate comes down and goes up again: half a period of the cosine is enough, cos(pi *"
                " progress).",
            ),
            Mutant(
                _rate_quarter_period,
                "this is a quarter of a cosine, which is steepest at the end; half a cosine is flat there: "
                "(1 + cos(pi * progress)) / 2.",
            ),
            Mutant(
                _rate_twice_the_peak,
                "1 + cos runs from 2 to 0, so the rate jumps to twice the peak after the warm-up: halve it.",
            ),
            Mutant(
                _rate_below_zero,
                "the cosine itself runs from 1 to -1, and a rate below 0 undoes what was learned: "
                "(1 + cos(pi * progress)) / 2 runs from 1 to 0.",
            ),
            Mutant(
                _rate_pieces_swapped,
                "the two pieces have changed places: np.where(condition, where it holds, where it does not).",
            ),
            Mutant(
                _rate_comes_back,
                "after the last step the rate rises again: progress must stay between 0 and 1.",
            ),
            Mutant(_rate_straight_down, "the rate comes down along a line; it should follow half a cosine."),
            Mutant(_rate_no_warmup, "there is no warm-up: the first warmup_steps steps rise along a line."),
            Mutant(_rate_without_peak, "the peak is missing: this goes up to 1."),
        ),
        hints=(
            "Two lines of sums: one for the steps below warmup_steps, one for the rest. Compute both "
            "everywhere, then choose with np.where: `if` cannot choose for an array.",
            "progress = (step - warmup_steps) / (total_steps - warmup_steps), kept between 0 and 1 with"
            " np.clip. Which function is 1 at progress 0, 0 at progress 1, and flat at both ends?",
            "rising = (step + 1) / warmup_steps; falling = 0.5 * (1 + np.cos(np.pi * progress)); "
            "the rate is peak * np.where(step < warmup_steps, rising, falling).",
        ),
        difficulty=3,
        importance=5,
        minutes=15,
    ),
    Exercise(
        key="pieces.decay_mask",
        title="Which weights decay?",
        reference="helpers.train.pieces:decay_mask",
        cases=_decay_cases,
        mutants=(
            Mutant(
                _decay_turned_round,
                "it is the wrong way round: True is for the weights that decay, the matrices.",
            ),
            Mutant(
                _decay_all,
                "everything decays here: what NO_DECAY names has no reason to be pulled towards 0.",
            ),
            Mutant(_decay_none, "nothing decays here: the matrices should."),
            Mutant(
                _decay_biases_only,
                "only the biases are spared; the gains of the norms, the class token and the positions "
                "are not.",
            ),
            Mutant(
                _decay_norms_forgotten,
                "the gains and offsets (gamma, beta, scale) decay: a gain that is pulled to 0 switches "
                "its branch off.",
            ),
            Mutant(
                _decay_tokens_forgotten,
                "the class token and the positions decay: they are offsets, not matrices, whatever "
                "their shape.",
            ),
            Mutant(
                _decay_anywhere,
                "this looks for the names anywhere in the path, and spares a matrix inside a layer "
                "called upscale: look at the last part only.",
            ),
            Mutant(
                _decay_first_part,
                "this does not look at the last part of the path, which is the weight's name.",
            ),
        ),
        hints=(
            "The name of a weight is the last part of its path: block_0/norm1/gamma is a gamma.",
            'path.split("/")[-1] is that part. NO_DECAY holds the names that are spared.',
            '[path.split("/")[-1] not in NO_DECAY for path in paths].',
        ),
        difficulty=2,
        importance=4,
        minutes=8,
        probe=_as_array,
    ),
    Exercise(
        key="pieces.confusion_matrix",
        title="The confusion matrix",
        reference="helpers.train.pieces:confusion_matrix",
        cases=_confusion_cases,
        mutants=(
            Mutant(
                _confusion_transposed,
                "rows and columns are swapped: a row is a true class, a column what it was taken for.",
            ),
            Mutant(
                _confusion_counted_once,
                "matrix[labels, predictions] += 1 counts a pair once, however often it comes: use "
                "np.add.at, or a loop.",
            ),
            Mutant(
                _confusion_by_column,
                "these are shares of each column, so they say what a prediction is worth, not where a "
                "class went: return the counts.",
            ),
            Mutant(_confusion_by_row, "these are shares of each row: return the counts, the figure divides."),
            Mutant(_confusion_errors_only, "the right answers are missing: they belong on the diagonal."),
            Mutant(
                _confusion_seen_classes,
                "the matrix is too small where a class does not occur: it has num_classes rows and columns.",
            ),
        ),
        hints=(
            "Begin with zeros of shape (num_classes, num_classes). Each image adds 1 in one place.",
            "Its row is its label, its column the prediction. What does `matrix[labels, predictions] +="
            " 1` do with a pair that comes twice?",
            "np.add.at(matrix, (labels, predictions), 1) adds as often as the pair comes; a loop with "
            "zip does too.",
        ),
        difficulty=2,
        importance=3,
        minutes=8,
    ),
]

QUIZ = [
    Question(
        "A run ends with 82 % on the training images, as the progress bar counted, and 88 % on the test"
        " images. The recipe has RandAugment and MixUp. What is the likely reason?",
        [
            (
                "Test images have leaked into the training set.",
                False,
                "A leak raises the test accuracy to that of the training images, not above it. Look for the "
                "simple reason first.",
            ),
            (
                "The training images were made harder, and the test images were not.",
                True,
                "The bar counts right answers on turned, cut and mixed images, while the weights are still "
                "changing. Score the plain training images and the order is as you expect.",
            ),
            (
                "The test set happens to be easier than the training set.",
                False,
                "Both are drawn from one collection at random. With 10,000 test images chance explains a "
                "few tenths of a percent, not six percent.",
            ),
            (
                "The model underfits, so it needs more training.",
                False,
                "Perhaps it does, but this gap does not show it: it is measured on two kinds of images.",
            ),
        ],
    ),
    Question(
        "You stop a run of 300 passes after 100 and go on tomorrow. What must be kept besides the "
        "weights, so that it goes on as if nothing had happened?",
        [
            (
                "Nothing: the weights are the model.",
                False,
                "Then the learning rate would warm up again from its first step, and AdamW would begin "
                "with empty averages of the gradient.",
            ),
            (
                "The number of the last pass.",
                False,
                "That gives the order of the images and the place on the cosine, but not AdamW's two "
                "averages for each weight, the averaged weights, or the random numbers.",
            ),
            (
                "The optimizer's state with its step, the averaged weights and the state of the random "
                "numbers.",
                True,
                "The learning rate is a function of the optimizer's step. All of it is in state.npz, "
                "written whole after each pass.",
            ),
            (
                "The learning rate.",
                False,
                "It follows from the step, which is in the optimizer's state; the rest of that state would "
                "still be missing.",
            ),
        ],
    ),
    Question(
        "A network ends in a softmax, and the loss applies a softmax of its own: `nn.Softmax` before "
        "`nn.CrossEntropyLoss` in PyTorch, say, or `from_logits=True` in Keras on JAX. What happens?",
        [
            (
                "An error, because probabilities are no logits.",
                False,
                "Ten numbers are ten numbers: nothing can tell. That is what makes it dangerous. Keras on "
                "TensorFlow looks whether they come straight from a softmax; it is alone in that.",
            ),
            (
                "Nothing: softmax of a softmax is the same.",
                False,
                "It is far flatter: probabilities lie between 0 and 1, so no ratio above e is left.",
            ),
            (
                "It trains, slowly, and its loss cannot fall below 1.46.",
                True,
                "A perfect answer, 1 and nine zeros, is taken for logits; the loss of that is "
                "ln(e + 9) - 1 = 1.46.",
            ),
            (
                "The accuracy is wrong, and the training is right.",
                False,
                "The other way round: the largest stays the largest, so the accuracy is counted rightly, and "
                "the gradients are too small.",
            ),
        ],
    ),
    Question(
        "One tutorial reports 78 % for a ViT on CIFAR-10 after 200 passes, another 93.58 % after 300. "
        "Neither network has convolutions or sees other images. What may you conclude?",
        [
            (
                "ViTs cannot reach convolutional networks on small data sets.",
                False,
                "93.58 % by a plain ViT says otherwise. The 78 % tells of one recipe.",
            ),
            (
                "The larger network wins.",
                False,
                "The better one of the two is the smaller: 2.70 million parameters against 3.2 million.",
            ),
            (
                "The recipe decides: augmentation, mixing, schedule, length.",
                True,
                "With nearly the same architecture the error falls to a third. Say the recipe whenever "
                "you say an accuracy.",
            ),
            (
                "The second number is simulated.",
                False,
                "It stands in the authors' own repository with the command that made it. Asking was "
                "right, though.",
            ),
        ],
    ),
]
