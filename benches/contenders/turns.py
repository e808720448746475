"""Engines in turn, so that a machine that gets slower or faster does so for all of them."""

import math
import time
from statistics import median


def in_turn(engines, rounds, milliseconds, cpu_time):
    """Each round's milliseconds of each engine, by runs that take about so long together: the median
    by the clock, or the mean of the processor's time."""
    runs = {name: enough(engine, milliseconds) for name, engine in engines.items()}
    taken = {name: [] for name in engines}
    names = list(engines)
    for index in range(rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            if runs[name] > 1:
                engines[name].seconds(1)  # its weights may have left the cache
            engine = engines[name]
            seconds = engine.processor_seconds(runs[name]) if cpu_time else median(engine.seconds(runs[name]))
            taken[name].append(seconds * 1e3)
    return taken


def enough(engine, milliseconds):
    engine.seconds(1)
    start = time.perf_counter()
    engine.seconds(1)
    return max(1, math.ceil(milliseconds / 1e3 / (time.perf_counter() - start)))


def ratio(taken, ours, theirs):
    """The median of what `ours` takes over what `theirs` takes, round by round."""
    return median(one / other for one, other in zip(taken[ours], taken[theirs]))
