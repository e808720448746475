"""The machine: what its CPU is called, and which of its cores are used."""

import os
import platform
from pathlib import Path


def cpu():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not on Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def usable_cores():
    try:
        return sorted(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return list(range(os.cpu_count() or 1))


def keep_to(cores):
    """For this thread and what it starts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
