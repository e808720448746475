"""Writing what a script recorded as JSON."""

import json
import pathlib
import sys

import numpy as np


def plain(value):
    """JSON's own types. Floats of arrays get the fewest digits that give the same float32."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):  # an array or a tensor
        array = np.asarray(value.tolist())
        if array.dtype.kind != "f":
            return array.tolist()
        assert np.isfinite(array).all()
        digits = [float(str(entry)) for entry in array.astype(np.float32).ravel()]
        return np.array(digits).reshape(array.shape).tolist()
    return value


def write(script, name, content):
    """Writes a record beside the script, one line a step."""
    made_by = f"tests/references/{pathlib.Path(script).name}, "
    if "torch" in sys.modules:
        made_by += f"torch {sys.modules['torch'].__version__.split('+')[0]}, "
    made_by += f"numpy {np.__version__}"
    lines = []
    for key, value in {"made_by": made_by, **content}.items():
        value = plain(value)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(json.dumps(row, allow_nan=False, separators=(",", ":")) for row in value)
            text = f"[\n{rows}\n]"
        else:
            text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        lines.append(f"{json.dumps(key)}: {text}")
    path = pathlib.Path(script).with_name(name)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
