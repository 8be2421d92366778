"""A program of its own: install Python packages, inside a container, with the Python of a virtual environment.

``python filling.py WANTED ARTIFACTS``: what to install, as arguments of ``pip install``, and the files among it that are
the packages under test; both are JSON. It runs on whichever Python the image has.
"""

import glob
import importlib.util
import json
import os
import subprocess
import sys
import zipfile

PIP = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input")


def main(wanted: "list[str]", artifacts: "list[str]") -> int:
    """Install; the exit code is pip's."""
    if importlib.util.find_spec("pip") is None:
        return make_pip() or subprocess.call((*PIP, *wanted))
    # Other files of the same version: what they require has been there since the environment was made.
    return subprocess.call((*PIP, "--force-reinstall", "--no-deps", *artifacts)) if artifacts else 0


def make_pip() -> int:
    """Unpack the pip that comes with Python: ensurepip does it too, and compiles all of it, which takes ten times as long."""
    try:
        import ensurepip
    except ImportError:
        sys.stderr.write("this Python has no ensurepip (Debian: apt-get install python3-venv)\n")
        return 1
    places = (os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), getattr(ensurepip, "_WHEEL_PKG_DIR", None))
    found = [path for place in places if place for path in sorted(glob.glob(os.path.join(place, "pip-*.whl")))]
    if not found:
        return subprocess.call((sys.executable, "-m", "ensurepip", "--default-pip"))
    with zipfile.ZipFile(found[-1]) as wheel:
        wheel.extractall(next(path for path in sys.path if path.endswith("site-packages")))
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(json.loads, sys.argv[1:])))
