"""warmup_cosine(step, peak, warmup_steps, total_steps): warm-up and cosine."""

import numpy as np

from helpers.course.exercise import Case, Exercise, Mutant


def _rate_cases():
    return [
        Case(np.arange(0, 130, 5), peak=1e-3, warmup_steps=20, total_steps=100),
        Case(np.array([0, 1, 3, 4, 7, 11, 12]), peak=3.0, warmup_steps=4, total_steps=12),
        Case(np.array([0, 1, 2, 4, 6, 7]), peak=2.0, warmup_steps=2, total_steps=6),
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


def _rate_progress_off_by_one(step, peak, warmup_steps, total_steps):
    progress = np.clip((step + 1 - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    return _rate(step, peak, warmup_steps, total_steps, progress=progress)


def _rate_one_step_shorter(step, peak, warmup_steps, total_steps):
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps - 1), 0, 1)
    return _rate(step, peak, warmup_steps, total_steps, progress=progress)


def _rate_warms_too_long(step, peak, warmup_steps, total_steps):
    falling = _rate(
        step,
        peak,
        0,
        0,
        rising=0,
        progress=np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1),
    )
    return np.where(step <= warmup_steps, peak * (step + 1) / warmup_steps, falling)


def _rate_peak_on_the_cosine_alone(step, peak, warmup_steps, total_steps):
    rising = (step + 1) / warmup_steps / peak
    return _rate(step, peak, warmup_steps, total_steps, rising=rising)


def _rate_peak_on_the_line_alone(step, peak, warmup_steps, total_steps):
    return np.where(
        step < warmup_steps,
        peak * (step + 1) / warmup_steps,
        _rate(step, 1.0, warmup_steps, total_steps),
    )


def _rate_minus_cosine(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 0.5 * (1 - np.cos(np.pi * p)))


def _rate_sine(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 0.5 * (1 + np.sin(np.pi * p)))


def _rate_no_pi(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 0.5 * (1 + np.cos(p)))


def _rate_half_missing_bracket(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: 0.5 * 1 + np.cos(np.pi * p))


def _rate_line_over_the_run(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, rising=(step + 1) / total_steps)


def _rate_line_not_divided(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, rising=step + 1)


def _rate_flat_start(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, rising=1.0)


def _rate_stays_at_peak(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: np.ones_like(p))


def _rate_product(step, peak, warmup_steps, total_steps):
    """Multiply the two pieces instead of choosing between them."""
    rising = np.minimum((step + 1) / warmup_steps, 1)
    return peak * rising * 0.5 * (1 + np.cos(np.pi * np.clip(step / total_steps, 0, 1)))


def _rate_sum(step, peak, warmup_steps, total_steps):
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    return peak * ((step + 1) / warmup_steps + 0.5 * (1 + np.cos(np.pi * progress)))


def _rate_ends_at_zero_sharply(step, peak, warmup_steps, total_steps):
    """Set the rate to 0 from the last step on, and let progress run past 1 before."""
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    found = _rate(step, peak, warmup_steps, total_steps, progress=np.clip(progress, 0, 1))
    return np.where(step < total_steps - 1, found, 0.0)


def _rate_squared_cosine(step, peak, warmup_steps, total_steps):
    return _rate(step, peak, warmup_steps, total_steps, fall=lambda p: (0.5 * (1 + np.cos(np.pi * p))) ** 2)


EXERCISE = Exercise(
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
            "the rate does not reach 0: the cosine has only total_steps - warmup_steps steps to come down.",
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
        Mutant(
            _rate_progress_off_by_one,
            "progress is one step ahead: it is 0 at step warmup_steps, (step - warmup_steps) / "
            "(total_steps - warmup_steps).",
        ),
        Mutant(
            _rate_one_step_shorter,
            "the rate is at 0 one step too early: progress runs over total_steps - warmup_steps steps.",
        ),
        Mutant(
            _rate_warms_too_long,
            "the warm-up lasts one step too long, and goes above the peak: it is for steps below "
            "warmup_steps, < and not <=.",
        ),
        Mutant(
            _rate_peak_on_the_cosine_alone, "the peak is missing on the line: multiply both pieces by it."
        ),
        Mutant(
            _rate_peak_on_the_line_alone, "the peak is missing on the cosine: multiply both pieces by it."
        ),
        Mutant(_rate_minus_cosine, "1 - cos goes up from 0 to 2: for coming down it takes 1 + cos."),
        Mutant(_rate_sine, "this takes the sine; the cosine is 1 where progress is 0."),
        Mutant(_rate_no_pi, "π is missing: half a period of the cosine is cos(π · progress)."),
        Mutant(_rate_half_missing_bracket, "brackets are missing: 0.5 * (1 + cos), not 0.5 * 1 + cos."),
        Mutant(
            _rate_line_over_the_run,
            "the line rises over the whole run: divide by warmup_steps, not by total_steps.",
        ),
        Mutant(
            _rate_line_not_divided, "the line is not divided by warmup_steps, so it goes far above the peak."
        ),
        Mutant(
            _rate_flat_start,
            "there is no warm-up: the rate is at its peak from the first step on; let it rise along a line.",
        ),
        Mutant(
            _rate_stays_at_peak,
            "after the warm-up the rate stays at its peak; let it fall along half a cosine.",
        ),
        Mutant(
            _rate_product,
            "you multiply the two pieces; choose between them, and let the cosine begin at warmup_steps.",
        ),
        Mutant(_rate_sum, "you add the two pieces; choose between them with np.where."),
        Mutant(
            _rate_ends_at_zero_sharply,
            "the rate is 0 one step too early: at step total_steps - 1 a little is left.",
        ),
        Mutant(_rate_squared_cosine, "the cosine piece is squared: once is enough."),
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
)
