"""What a run keeps: its state, its history and its averaged weights, written while the next pass computes."""

import concurrent.futures
import dataclasses
import io
import json
from pathlib import Path

import keras
import numpy as np
from keras import ops

from helpers.model.checkpoints import write_whole

LAYOUT = 2  # of state.npz: 1 had Keras' Muon and no such number, with the same arrays


class Keeper:
    """Keeps the state, the history and the averaged weights of a run, each file replaced whole.

    Args:
        training: TrainingModel, compiled, its optimizer built.
        recipe: Recipe; seed: int; num_images: int, training images: what makes the run this run.
        out: folder, or None to keep nothing on the disk.
    """

    def __init__(self, training, recipe, seed, num_images, out):
        self.training = training
        self.out = Path(out) if out is not None else None
        self.history, self.kept_weights = [], None
        self.run = {"recipe": dataclasses.asdict(recipe), "seed": seed, "num_images": num_images}
        self.run["config"] = json.loads(json.dumps(dataclasses.asdict(training.model.config)))
        self.state = None
        self.writer, self.writing = concurrent.futures.ThreadPoolExecutor(1, "state"), None

    def resume(self):
        """Load the state of an earlier call, if there is one; returns the number of passes that are done."""
        path = self.out / "state.npz" if self.out else None
        if path is None or not path.exists():
            return 0
        story, values, kept = read_state(path)
        if story["run"] != self.run:
            changed = sorted(key for key in self.run if story["run"].get(key) != self.run[key])
            raise ValueError(
                f"The folder holds another run: its {', '.join(changed)} differ. Give another folder, or "
                f"delete {path.name} to start afresh."
            )
        self._check_layout(path, story, values)
        self.history, self.kept_weights = story["history"], kept
        self.restore(values)
        return len(self.history)

    def _check_layout(self, path, story, values):
        expected = [tuple(variable.shape) for variable in self.training.state_variables]
        found = [value.shape for value in values]
        if story.get("layout", 1) > LAYOUT or expected != found:
            raise ValueError(
                f"{path.name} was written by another version of this training loop: expected layout {LAYOUT} "
                f"with {len(expected)} arrays, found layout {story.get('layout', 1)} with {len(found)}"
                f"{'' if len(expected) != len(found) else ', some of other shapes'}. Nothing was changed. "
                "Finish the run with the version that began it, or give another folder."
            )

    def restore(self, values):
        """Put the run where these values of its state were taken."""
        if keras.backend.backend() == "jax" and values and not isinstance(values[0], np.ndarray):
            values = copy_all(values)  # the next step gives the memory of its variables away
        for variable, value in zip(self.training.state_variables, values, strict=True):
            variable.assign(value)

    def take_state(self):
        """Copy the state, before the averaged weights are swapped in."""
        self.state = copies(self.training.state_variables)

    def keep(self, entry):
        """Add a pass to the history with the weights that the model holds now, and begin to write it all.

        Raises:
            OSError: if the pass before could not be written; its files are as they were.
        """
        self.history.append(entry)
        self.kept_weights = copies(self.training.model.weights)
        if self.out is not None:
            self.flush()
            story = {"layout": LAYOUT, "run": self.run, "history": list(self.history)}
            self.writing = self.writer.submit(write_state, self.out, story, self.state, self.kept_weights)

    def flush(self):
        """Wait until what was kept is on the disk."""
        if self.writing is not None:
            writing, self.writing = self.writing, None
            writing.result()

    def close(self):
        """Wait for the disk, then leave the model with the averaged weights of the last whole pass."""
        try:
            self.flush()
        finally:
            self.writer.shutdown()
            if self.kept_weights is not None:
                for variable, value in zip(self.training.model.weights, self.kept_weights, strict=True):
                    variable.assign(value)


def copies(variables):
    """Copy the values of variables before a next step overwrites them.

    On JAX the copy stays on the device, made by one call, so that nothing waits: `np.asarray` fetches it.
    """
    values = [variable.value for variable in variables]
    if keras.backend.backend() == "jax":
        return copy_all(values)
    if keras.backend.backend() == "tensorflow":  # mirrored on several devices, a variable knows only numpy()
        return [np.array(value.numpy(), copy=True) for value in values]
    return [np.array(ops.convert_to_numpy(value), copy=True) for value in values]


def copy_all(values):
    """Copy JAX arrays on their device, all in one compiled call."""
    import jax

    global _copy_all
    if _copy_all is None:
        _copy_all = jax.jit(lambda arrays: [jax.numpy.array(array, copy=True) for array in arrays])
    return _copy_all(values)


_copy_all = None


def write_state(folder, story, values, kept_weights):
    """Write the state, then the history for whoever looks on: each beside its place, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    story = story | {"num_variables": len(values), "num_kept": len(kept_weights)}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        story=json.dumps(story),
        **{f"variable_{i:04d}": np.asarray(value) for i, value in enumerate(values)},
        **{f"kept_{i:04d}": np.asarray(value) for i, value in enumerate(kept_weights)},
    )
    write_whole(folder / "state.npz", buffer.getvalue())
    text = json.dumps({"run": story["run"], "history": story["history"]}, indent=1)
    write_whole(folder / "history.json", text.encode("utf-8"))


def read_state(path):
    """Read what `write_state` wrote: the story, the values of the state, the weights that were kept."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            story = json.loads(str(arrays["story"]))
            values = [arrays[f"variable_{i:04d}"] for i in range(story["num_variables"])]
            kept = [arrays[f"kept_{i:04d}"] for i in range(story["num_kept"])]
    except Exception as error:
        raise ValueError(
            f"The state in {path.name} cannot be read ({type(error).__name__}): expected one that an earlier "
            "run wrote whole. Delete it to start afresh, or give another folder."
        ) from error
    return story, values, kept
