"""Make the benchmark's own environment, then run the benchmark in it.

    python tests/benchmarks/run.py [--here] [--signatures] [options of the benchmark, see --help]

Every subject runs in one environment, `.venv-benchmark`, made here with the dependency group
`benchmark` and made again when `pyproject.toml` changes. With `--here` the running interpreter is
used as it is, without the peers if it has them not. `--signatures` runs the stories of
`signatures.py` instead.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = _ROOT / ".venv-benchmark"


def _python() -> Path:
    """Return the interpreter of the benchmark's environment, made if it is not up to date."""
    folder = "Scripts" if os.name == "nt" else "bin"
    python = _ENVIRONMENT / folder / "python"
    stamp, wanted = _ENVIRONMENT / "made-from", _fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"making {_ENVIRONMENT.name} (a minute or two)", file=sys.stderr)
    venv.create(_ENVIRONMENT, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    # Dependency groups need pip 25.1 or later.
    subprocess.run([*install, "--upgrade", "pip"], check=True, cwd=_ROOT)
    subprocess.run(
        [*install, "--editable", ".[testing]", "--group", "benchmark"], check=True, cwd=_ROOT
    )
    stamp.write_text(wanted)
    return python


def _fingerprint() -> str:
    return hashlib.sha256((_ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _main(arguments: list[str]) -> int:
    here = "--here" in arguments
    module = "tests.benchmarks"
    if "--signatures" in arguments:
        module += ".signatures"
    rest = [one for one in arguments if one not in {"--here", "--signatures"}]
    python = sys.executable if here else str(_python())
    return subprocess.run([python, "-m", module, *rest], check=False, cwd=_ROOT).returncode


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
