"""Which versions are installed and loaded, and whether the course runs with them."""

import importlib.metadata
import sys
from dataclasses import dataclass

from helpers.course.setup import on_colab, parse_version

OK, BUT, STOP = "ok", "works, but…", "stop"
TENSORFLOW_PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-macos",
    "tensorflow-intel",
    "tf-nightly",
    "tf-nightly-cpu",
)
INSTALL = "run `pip install -r requirements.txt` in the course's folder, then restart the kernel"
NEW_RUNTIME = "choose Runtime > Change runtime type > Runtime version > Latest"


@dataclass(frozen=True)
class Row:
    """One thing that was looked at: what was found, the verdict (OK, BUT or STOP) and what to do."""

    name: str
    found: str
    verdict: str = OK
    advice: str = ""


def package_rows(backend):
    """Look at every package that the lessons need.

    Args:
        backend: str, the backend of Keras; "" if Keras could not be loaded.
    Returns:
        list of Row.
    """
    tensorflow = {name: version for name in TENSORFLOW_PACKAGES if (version := _version(name))}
    rows = [
        judge_keras(_version("keras"), on_colab()),
        judge_tensorflow(tensorflow, backend),
        judge_numpy(_version("numpy")),
        judge_widgets(_version("ipywidgets")),
        _others(),
    ]
    if stale := find_stale(_installed_versions(), _loaded_versions()):
        rows.append(Row("Kernel", stale, STOP, "A package changed after it was loaded: restart the kernel."))
    return rows


def find_stale(installed, loaded):
    """Name the packages of which another version is loaded than is installed.

    Args:
        installed, loaded: dict of name -> version.
    Returns:
        str such as "keras 3.13.2 is loaded, 3.15.1 is installed"; "" if there is none.
    """
    return "; ".join(
        f"{name} {version} is loaded, {installed[name]} is installed"
        for name, version in loaded.items()
        if name in installed and parse_version(installed[name])[:3] != parse_version(version)[:3]
    )


def judge_python(version):
    """Give the row for a version of Python, such as sys.version_info."""
    found = ".".join(map(str, version[:3]))
    if tuple(version[:2]) < (3, 11):
        return Row("Python", found, STOP, f"The course needs 3.11 to 3.13: {_newer_python()}.")
    if tuple(version[:2]) > (3, 13):
        return Row("Python", found, BUT, "The course is tested with 3.11 to 3.13.")
    return Row("Python", found)


def _newer_python():
    return NEW_RUNTIME if on_colab() else "make the environment again with one of them"


def judge_keras(version, colab=False):
    """Give the row for an installed version of Keras, None if there is none."""
    if version is None:
        return Row("Keras", "not installed", STOP, f"{way_out()}.")
    if parse_version(version) < (3, 13):
        return Row("Keras", version, STOP, f"The course needs 3.13 or newer: {way_out()}.")
    if parse_version(version) < (3, 15, 1) and not colab:
        return Row("Keras", version, BUT, f"3.15.1 mends security faults in loading files: {INSTALL}.")
    if parse_version(version) >= (4,):
        return Row("Keras", version, BUT, "The course is tested with Keras 3.")
    return Row("Keras", version)


def judge_tensorflow(versions, backend):
    """Give the row for the installed TensorFlow.

    Args:
        versions: dict of package -> version, of those that are installed.
        backend: str, the backend of Keras; "" if Keras could not be loaded.
    """
    if not versions:
        if backend in ("jax", "torch"):
            return Row("TensorFlow", f"not installed, not needed with {backend}")
        return Row("TensorFlow", "not installed", STOP, f"{way_out()}.")
    found = ", ".join(versions.values())
    # tensorflow-intel is a part of tensorflow on Windows.
    if len(set(versions) - {"tensorflow-intel"}) > 1:
        names = " and ".join(versions)
        return Row(
            "TensorFlow", found, BUT, f"{names} overwrite each other's files: uninstall both, install one."
        )
    version = parse_version(found)[:2]
    if version < (2, 20):
        return Row("TensorFlow", found, STOP, f"The course needs 2.20 or 2.21: {way_out()}.")
    if version > (2, 21):
        return Row("TensorFlow", found, BUT, "The course is tested with 2.20 and 2.21.")
    return Row("TensorFlow", found)


def judge_numpy(version):
    """Give the row for an installed version of NumPy, None if there is none."""
    if version is None:
        return Row("NumPy", "not installed", STOP, f"{way_out()}.")
    if parse_version(version) < (2, 0):
        return Row("NumPy", version, STOP, f"The course needs 2.0 or newer: {way_out()}.")
    return Row("NumPy", version)


def judge_widgets(version):
    """Give the row for an installed version of ipywidgets, None if there is none."""
    if version is None:
        return Row(
            "ipywidgets",
            "not installed",
            BUT,
            f"Sliders do not show; the figures beside them do: {way_out()}.",
        )
    if parse_version(version) < (7, 7):
        return Row("ipywidgets", version, BUT, f"The sliders need 7.7 or newer: {way_out()}.")
    return Row("ipywidgets", version)


def _others():
    needed = ("matplotlib", "pillow", "scikit-image", "scipy", "pooch")
    missing = [name for name in needed if _version(name) is None]
    if missing:
        return Row("Other packages", f"missing: {', '.join(missing)}", STOP, f"{way_out()}.")
    extra = "" if _version("keras-hub") else "; keras-hub, for lessons 13 and 14, is not"
    return Row("Other packages", f"all installed{extra}")


def _installed_versions():
    """Read the versions on the disk, for the names under which the packages are imported."""
    versions = {name: _version(name) for name in ("keras", "numpy", "ipywidgets", "matplotlib")}
    versions["tensorflow"] = next((v for name in TENSORFLOW_PACKAGES if (v := _version(name))), None)
    return {name: version for name, version in versions.items() if version}


def _loaded_versions():
    names = ("keras", "numpy", "ipywidgets", "matplotlib", "tensorflow")
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in names}
    return {name: version for name, version in loaded.items() if version}


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def way_out():
    """Say how to get the versions that the course needs."""
    return NEW_RUNTIME if on_colab() else INSTALL
