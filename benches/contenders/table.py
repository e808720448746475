"""Figures as a table."""

ENGINES = {
    "torch": "PyTorch",
    "onnx": "ORT f32",
    "onnx_int8": "ORT int8",
    "eager": "Burn flex",
    "compiled": "compiled",
}
COLUMNS = ["model", "input", "threads", "sparsity", *ENGINES.values(), "/ int8", "/ f32", "int8 off by", "rms"]
LEFT = 2


def head():
    return "\n".join([row(COLUMNS), row(["---"] * LEFT + ["---:"] * (len(COLUMNS) - LEFT))])


def line(figures):
    """One case; times are milliseconds, `/` is what the compiled model takes over what ONNX Runtime takes."""
    return row([
        figures["model"], " x ".join(map(str, figures["shape"])), figures["threads"], f"{figures['sparsity']:g}",
        *(f"{figures['median'][name]:.2f}" for name in ENGINES),
        f"{figures['over_int8']:.2f}", f"{figures['over_f32']:.2f}",
        f"{figures['differs']['onnx_int8']:.1%}", f"{figures['int8_rms']:.1%}",
    ])


def row(cells):
    return f"| {' | '.join(map(str, cells))} |"
