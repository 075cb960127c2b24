"""How `pytest --nbval notebooks` runs the lessons: the runner's environment, and what is not compared.

`--world closed` plays a machine with no network, no CIFAR-10 and empty caches; `--world open`, the default,
takes the machine as it is.
"""

import os
import tempfile
from pathlib import Path

from nbval.kernel import RunningKernel

from helpers.course.runner import lesson_variables

ROOT = Path(__file__).parent

# Pages and drawings differ between versions of the tools that make them; people look at their PNG twins.
NOT_COMPARED = ("stderr", "text/html", "image/svg+xml", "application/vnd.jupyter.widget-view+json")
OUTPUT_TIMEOUT = 60  # seconds; nbval's own five are too few for a kernel that still flushes its outputs


def execute_as_jupyterlab_does(kernel, source, allow_stdin=None):
    """Run a cell with its history kept: without it a `;` at the end of a cell would hide nothing."""
    return kernel.kc.execute(source, allow_stdin=allow_stdin, stop_on_error=False)


RunningKernel.execute_cell_input = execute_as_jupyterlab_does


def pytest_addoption(parser):
    parser.addoption(
        "--world",
        choices=("open", "closed"),
        default="open",
        help="closed: run the lessons with no network, no CIFAR-10 and empty caches",
    )


def pytest_configure(config):
    """Give every lesson's kernel the runner's environment; kernels inherit it from this process."""
    if not getattr(config.option, "nbval", False):
        return
    folder = tempfile.TemporaryDirectory(prefix="lessons-")
    config.add_cleanup(folder.cleanup)
    os.environ.pop("MPLBACKEND", None)  # or the figures of a lesson would not be shown
    os.environ.update(lesson_variables(folder.name))
    if config.option.world == "closed":
        close_the_world(Path(folder.name))


def close_the_world(folder):
    """Take the network, the data folder and every cache that could hold CIFAR-10 from the kernels to come."""
    import matplotlib

    font_cache = matplotlib.get_cachedir()  # else each kernel would search the machine's fonts anew
    for name in (
        "COURSE_DATA",
        "COURSE_CACHE",
        "KERAS_HOME",
        "XDG_CACHE_HOME",
        "HF_HOME",
        "KAGGLEHUB_CACHE",
        "HOME",
    ):
        empty = folder / name.lower()
        empty.mkdir()
        os.environ[name] = str(empty)
    for name in [name for name in os.environ if name == "COURSE_MIRROR" or name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ["MPLCONFIGDIR"] = font_cache
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT / "tests" / "closed_world"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMPARED


def pytest_collection_modifyitems(items):
    for item in items:
        if hasattr(item, "output_timeout"):
            item.output_timeout = OUTPUT_TIMEOUT
