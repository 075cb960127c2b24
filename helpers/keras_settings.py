"""What Keras was told by other work: left-over settings that would change a lesson, and the course's own.

Keras reads `keras.json` in $KERAS_HOME, else in ~/.keras, and then the environment, when it is imported.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")

# setting: what the course needs, how Keras names the function that sets it
NEEDED = {
    "image_data_format": "channels_last",
    "floatx": "float32",
    "epsilon": 1e-7,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}
IN_ENVIRONMENT = {
    "backend": "KERAS_BACKEND",
    "max_epochs": "KERAS_MAX_EPOCHS",
    "max_steps_per_epoch": "KERAS_MAX_STEPS_PER_EPOCH",
}


@dataclass(frozen=True)
class Setting:
    """A setting that is not the course's: its name, its value, where it comes from, what is needed."""

    name: str
    value: object
    place: str
    needed: object

    def __str__(self):
        return f"{self.name} is {self.value} ({self.place})"


def settings_file():
    """Tell which file Keras reads its settings from, a Path; it need not exist."""
    if "KERAS_HOME" in os.environ:
        return Path(os.path.expanduser(os.environ["KERAS_HOME"])) / "keras.json"
    home = os.path.expanduser("~")
    return Path(home if os.access(home, os.W_OK) else "/tmp") / ".keras" / "keras.json"


def chosen_backend():
    """Tell which backend Keras would load, and where that was chosen.

    Returns:
        str, such as "tensorflow"; and str, such as "KERAS_BACKEND", "" where nobody chose.
    """
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "KERAS_BACKEND"
    if name := _read_file().get("backend"):
        return str(name), str(settings_file())
    return "tensorflow", ""


def backend_problem():
    """Say in a sentence why the chosen backend cannot run the course; "" where it can."""
    name, place = chosen_backend()
    if name in BACKENDS:
        return ""
    return (
        f"The course runs on tensorflow, jax or torch; {place} chooses the backend {name!r}. Write one of "
        "the three there, then restart the kernel."
    )


def left_over():
    """Read what the file and the environment say and the course does not need; imports nothing.

    Returns:
        list of Setting.
    """
    found = {name: (value, str(settings_file())) for name, value in _read_file().items()}
    for name, variable in IN_ENVIRONMENT.items():
        if os.environ.get(variable):
            found[name] = os.environ[variable], variable
    return [
        Setting(name, *found[name], needed)
        for name, needed in NEEDED.items()
        if name in found and found[name][0] != needed
    ]


def put_right(keras):
    """Give Keras, in this process alone, the settings that the course needs.

    Args:
        keras: the module.
    Returns:
        list of Setting, what was otherwise.
    """
    places, config = {setting.name: setting.place for setting in left_over()}, keras.config
    changed = []
    for name, needed in NEEDED.items():
        if not hasattr(config, name):  # Keras 3.13 knows fewer
            continue
        if (value := getattr(config, name)()) != needed:
            changed.append(Setting(name, value, places.get(name, "set in this kernel"), needed))
            getattr(config, f"set_{name}")(needed)
    policy = config.dtype_policy().name
    if policy != "float32":
        if policy not in [setting.value for setting in changed]:  # else it only followed floatx
            changed.append(Setting("dtype_policy", policy, "set in this kernel", "float32"))
        config.set_dtype_policy("float32")
    return changed


def in_words(changed):
    """Say in a sentence what `put_right` has changed; "" for nothing."""
    if not changed:
        return ""
    were = ", ".join(f"{setting.name} was {setting.value} ({setting.place})" for setting in changed)
    now = ", ".join(str(setting.needed) for setting in changed)
    return f"Keras was set otherwise than the course needs: {were}. In this kernel it is now: {now}."


def _read_file():
    try:
        settings = json.loads(settings_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a home that nobody knows
        return {}
    return settings if isinstance(settings, dict) else {}
