"""The plugins of kern's own family, so that an absent one is named together with the way to install it.

Only for messages: what is installed is never decided here.
"""

from __future__ import annotations

import os
import sys

_ENVIRONMENTS = {
    "conda": "kern-conda",
    "docker": "kern-docker",
    "nix": "kern-nix",
    "npm": "kern-npm",
    "podman": "kern-docker",
    "pyenv": "kern-pyenv",
    "venv": "kern-venv",
}
_BUILDERS = {
    "conda": "kern-conda",
    "editable": "kern-wheel",
    "nix": "kern-nix",
    "npm": "kern-npm",
    "sdist": "kern-wheel",
    "wheel": "kern-wheel",
}
_ACTIVATORS = _ENVIRONMENTS | {"script": "kern-shell"}
_FACTORS = _ENVIRONMENTS | {"mamba": "kern-conda", "micromamba": "kern-conda", "node": "kern-npm"}
_PYTHONS = ("cpython", "pypy", "py")


def family(group: str) -> dict[str, str]:
    """Names in an entry point group that belong to kern's own plugins, with the distribution of each."""
    return {"kern.builder": _BUILDERS, "kern.activator": _ACTIVATORS}.get(group, _ENVIRONMENTS)


def claimant(factor: str) -> str | None:
    """The distribution of kern's own family that gives a factor its meaning, ``None`` for a factor without one."""
    if factor in _FACTORS:
        return _FACTORS[factor]
    for prefix in _PYTHONS:
        version = factor.removeprefix(prefix)
        if version != factor and (not version or version.replace(".", "").removesuffix("t").isdecimal()):
            return "kern-venv"
    return None


def distributions() -> frozenset[str]:
    """The distributions of kern's own family."""
    return frozenset({"kern-core", "kern-shell", *_ENVIRONMENTS.values(), *_BUILDERS.values()})


def canonical(name: str) -> str:
    """A distribution's name in the form in which names are compared (PEP 503)."""
    return "-".join(filter(None, name.lower().replace("_", "-").replace(".", "-").split("-")))


def install_line(*distributions: str) -> str:
    """The command line that adds distributions to the environment that kern runs from.

    Args:
        distributions: names or requirements (``kern-conda>=0.2``).

    Returns:
        A line for a POSIX shell, in the manner in which this kern was installed: uv tool, pipx, uv or pip.
    """
    import shlex

    wanted = [shlex.quote(name) for name in distributions]
    tool = os.path.basename(sys.prefix)
    if _is_uv_tool():
        present = [shlex.quote(name) for name in _uv_tool_extras(tool)]
        return " ".join(["uv tool install", tool, *(f"--with {name}" for name in [*present, *wanted])])
    if _is_pipx():
        return " ".join(["pipx inject", tool, *wanted])
    python = shlex.quote(sys.executable)
    if _has_pip():
        return " ".join([python, "-m pip install", *wanted])
    return " ".join(["uv pip install --python", python, *wanted])


def _is_uv_tool() -> bool:
    return os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")) or "/uv/tools/" in sys.prefix


def _is_pipx() -> bool:
    return os.path.exists(os.path.join(sys.prefix, "pipx_metadata.json")) or "/pipx/venvs/" in sys.prefix


def _has_pip() -> bool:
    from importlib.util import find_spec

    return find_spec("pip") is not None


def _uv_tool_extras(tool: str) -> list[str]:
    """What the tool was installed with so far: uv replaces the whole set when it is asked again."""
    import tomllib

    try:
        with open(os.path.join(sys.prefix, "uv-receipt.toml"), "rb") as file:
            rows = tomllib.load(file)["tool"]["requirements"]
        return [row["name"] for row in rows if canonical(row["name"]) != canonical(tool)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
