"""Times torch.nn.functional.linear for each line of "outputs inputs rows threads milliseconds"."""

import sys
import time

import torch

for line in sys.stdin:
    outputs, inputs, rows, threads, milliseconds = map(int, line.split())
    torch.set_num_threads(threads)
    x, w, b = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
    times = []
    with torch.inference_mode():
        torch.nn.functional.linear(x, w, b)
        start = time.perf_counter()
        while len(times) < 5 or (time.perf_counter() - start < milliseconds / 1e3 and len(times) < 400):
            begun = time.perf_counter()
            torch.nn.functional.linear(x, w, b)
            times.append(time.perf_counter() - begun)
    print(sorted(times)[len(times) // 2], flush=True)
