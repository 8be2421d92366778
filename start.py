#!/usr/bin/env python3
"""From a fresh clone to a running kern, with nothing but Python 3.11 or newer.

python3 start.py run [ARGS]     set up, then `kern run` on the project in examples/hello
python3 start.py test [ARGS]    set up, then run the tests, on all processors unless pytest's arguments follow
python3 start.py setup          only set up: .venv/bin/kern is kern, editable, with everything for development

pip does the installing, so whatever pip's configuration says about indexes, proxies and certificates holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".kern-setup"
BASIC = ("./core", "./plugins/venv", "./plugins/wheel")
"""What the example needs; a first look shall not wait for more."""
DISTRIBUTIONS = tuple(line.split()[1] for line in (ROOT / "workspace.txt").read_text().splitlines() if line[:2] == "-e")
PARALLEL = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
"""A file's tests stay together: they share what is expensive to make. The slow files come first, by `testpaths`."""


def main(arguments: list[str]) -> int:
    """Set up and do what the first argument says."""
    what, rest = (arguments or ["help"])[0], arguments[1:]
    if what not in ("run", "test", "setup"):
        print(__doc__)
        return 2
    set_up(BASIC if what == "run" else DISTRIBUTIONS)
    if what == "run":
        return subprocess.call([str(ENVIRONMENT / "bin" / "kern"), "run", *rest], cwd=ROOT / "examples" / "hello")
    if what == "test":
        return subprocess.call([str(PYTHON), "-m", "pytest", *(rest or PARALLEL)], cwd=ROOT)
    return 0


def set_up(places: tuple[str, ...]) -> None:
    """Make ``.venv`` with parts of kern, with all of them also what tests need, unless that is there already."""
    wanted = stamp(places)
    if STAMP.exists() and STAMP.read_text() in (wanted, stamp(DISTRIBUTIONS)):
        return
    if not PYTHON.exists() or subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL):
        make_environment()
    editable = [argument for place in places for argument in ("--editable", place)]
    more = [] if places == BASIC else development_requirements()
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", *editable, *more]
    subprocess.run(command, cwd=ROOT, check=True)
    STAMP.write_text(wanted)


def stamp(places: tuple[str, ...]) -> str:
    """What decides whether the environment is up to date."""
    digest = hashlib.sha256(f"{sys.version} {places}".encode())
    for place in (".", *places):
        digest.update((ROOT / place / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def development_requirements() -> list[str]:
    """The dependency group ``dev`` of pyproject.toml; older pips can't read groups (PEP 735) themselves."""
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    def resolve(name: str) -> list[str]:
        found = []
        for item in groups[name]:
            found += resolve(item["include-group"]) if isinstance(item, dict) else [item]
        return found

    return list(dict.fromkeys(resolve("dev")))


def make_environment() -> None:
    """Make ``.venv`` with pip in it. Debian has ensurepip in a package of its own: without it, pip comes from the index."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        venv.create(ENVIRONMENT, with_pip=False, clear=True, symlinks=True)
        install_pip()
    else:
        venv.create(ENVIRONMENT, with_pip=True, clear=True, symlinks=True)


def install_pip() -> None:
    """Download pip's newest wheel from the package index, check its digest and have it install itself."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{index}/pip/", headers=accept)) as answer:
        files = json.load(answer)["files"]
    newest = [file for file in files if file["filename"].endswith("-py3-none-any.whl") and not file.get("yanked")][-1]
    with urllib.request.urlopen(urllib.parse.urljoin(f"{index}/pip/", newest["url"])) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        raise SystemExit(f"{newest['filename']} does not have the digest that the index names")
    wheel = ENVIRONMENT / newest["filename"]
    wheel.write_bytes(content)
    command = [str(PYTHON), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(command, check=True)
    wheel.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
