"""The machine: what its CPU is called, which of its cores are used, and how busy it is."""

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


def load():
    """Of the last minute: how many threads wanted to run."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def counts_processor_time():
    return Path("/proc/self/schedstat").exists()


def processor_seconds(process):
    """How long a processor has worked for another process, which should be waiting."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
