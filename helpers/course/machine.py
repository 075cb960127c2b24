"""What this machine lends us: processors and memory, counted with the limits of a container or a hub.

A hub may show 64 processors and allow the use of one; a program that starts 64 threads there is twenty times
slower than one that starts one.
"""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number of about this size, in bytes


def usable_cpus(cgroup=CGROUP):
    """Count the processors that this process may use at once.

    Args:
        cgroup: Path of the control-group file system (version 1 or 2).
    Returns:
        int, at least 1: the smallest of what the machine has, the affinity mask and the quota (rounded up).
    """
    try:
        visible = len(os.sched_getaffinity(0))  # not on Windows and macOS
    except (AttributeError, OSError):
        visible = os.cpu_count() or 1
    quota = _cpu_quota(cgroup)
    return max(1, visible if quota is None else min(visible, math.ceil(quota)))


def _cpu_quota(cgroup):
    words = _read(cgroup / "cpu.max").split()  # version 2: "max 100000" or "150000 100000"
    if not words:
        words = [_read(cgroup / "cpu" / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def available_memory(cgroup=CGROUP, meminfo=Path("/proc/meminfo")):
    """Tell how much memory is free for use, in bytes; None where the machine does not say."""
    found = [_meminfo_bytes(meminfo, "MemAvailable"), _cgroup_free(cgroup)]
    found = [number for number in found if number is not None]
    return min(found) if found else _ask_psutil("available")


def total_memory(cgroup=CGROUP, meminfo=Path("/proc/meminfo")):
    """Tell how much memory there is, or may be used, in bytes; None where the machine does not say."""
    found = [_meminfo_bytes(meminfo, "MemTotal"), _cgroup_limit(cgroup)]
    found = [number for number in found if number is not None]
    return min(found) if found else _ask_psutil("total")


def address_space():
    """Tell how much address space this process has reserved, in bytes; None outside Linux."""
    pages = _read(Path("/proc/self/statm")).split()
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else None


def _cgroup_limit(cgroup):
    text = _read(cgroup / "memory.max") or _read(cgroup / "memory" / "memory.limit_in_bytes")
    return int(text) if text.strip().isdigit() and int(text) < UNLIMITED else None


def _cgroup_free(cgroup):
    limit = _cgroup_limit(cgroup)
    used = _read(cgroup / "memory.current") or _read(cgroup / "memory" / "memory.usage_in_bytes")
    if limit is None or not used.strip().isdigit():
        return None
    # Files that the system keeps in memory are counted as used, and given up as soon as they are in the way.
    statistics = _read(cgroup / "memory.stat") or _read(cgroup / "memory" / "memory.stat")
    rows = dict(line.split() for line in statistics.splitlines() if len(line.split()) == 2)
    cached = int(rows.get("inactive_file", rows.get("total_inactive_file", 0)))
    return max(0, limit - int(used) + cached)


def _meminfo_bytes(meminfo, name):
    for line in _read(meminfo).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _ask_psutil(name):
    try:
        import psutil
    except ImportError:
        return None
    return getattr(psutil.virtual_memory(), name)


def _read(path):
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
