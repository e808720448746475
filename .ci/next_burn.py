"""Writes a copy of this workspace for another version of Burn, without the crates of ndarray and tch.

Burn 0.23 has neither of these backends, so a workspace that names them, even as options, does not
resolve with it. Everything else should:

    python3 .ci/next_burn.py 0.23.0-pre.1 /tmp/next
    cd /tmp/next && cargo check --lib
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

GONE = ("ndarray", "tch")
CURRENT = re.compile(r'^(burn(?:-\w+)? = .*?)"=?0\.22\.1"')


def rewritten(manifest: str, version: str) -> str:
    """The manifest without what is gone, on that version of Burn."""
    lines = []
    for line in manifest.splitlines():
        feature = re.match(rf'({"|".join(GONE)}) = ', line)
        if feature or any(f"burn-seven-{name}" in line for name in GONE):
            continue
        line = re.sub(r', "ndarray"\]', "]", line)
        lines.append(CURRENT.sub(rf'\1"={version}"', line))
    return "\n".join(lines) + "\n"


def main() -> None:
    version, target = sys.argv[1], Path(sys.argv[2])
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        gone = any(name.startswith(f"crates/burn-seven-{one}/") for one in GONE)
        if gone or name.startswith("fuzz/") or name == "Cargo.lock":
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("Cargo.toml"):
            (target / name).write_text(rewritten((root / name).read_text(), version))
        else:
            shutil.copyfile(root / name, target / name)


main()
