"""What projects are called in conda channels, where that is not their name on PyPI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Mapping[str, str] = {
    "annoy": "python-annoy",
    "async-generator": "async_generator",
    "backports-tarfile": "backports.tarfile",
    "backports-zoneinfo": "backports.zoneinfo",
    "backports-zstd": "backports.zstd",
    "black[jupyter]": "black-jupyter",
    "blosc": "python-blosc",
    "brotli": "brotli-python",
    "build": "python-build",
    "confluent-kafka": "python-confluent-kafka",
    "coverage[toml]": "coverage",
    "dask": "dask-core",
    "dask[complete]": "dask",
    "docker": "docker-py",
    "duckdb": "python-duckdb",
    "eccodes": "python-eccodes",
    "fastjsonschema": "python-fastjsonschema",
    "flatbuffers": "python-flatbuffers",
    "graphviz": "python-graphviz",
    "igraph": "python-igraph",
    "importlib-resources": "importlib_resources",
    "ipython-genutils": "ipython_genutils",
    "isal": "python-isal",
    "jaraco-classes": "jaraco.classes",
    "jaraco-context": "jaraco.context",
    "jaraco-functools": "jaraco.functools",
    "jupyter-client": "jupyter_client",
    "jupyter-console": "jupyter_console",
    "jupyter-core": "jupyter_core",
    "jupyter-events": "jupyter_events",
    "jupyter-server": "jupyter_server",
    "jupyter-server-terminals": "jupyter_server_terminals",
    "jupyterlab-pygments": "jupyterlab_pygments",
    "jupyterlab-server": "jupyterlab_server",
    "jupyterlab-widgets": "jupyterlab_widgets",
    "kaleido": "python-kaleido",
    "keyrings-alt": "keyrings.alt",
    "line-profiler": "line_profiler",
    "lmdb": "python-lmdb",
    "matplotlib": "matplotlib-base",
    "memory-profiler": "memory_profiler",
    "msgpack": "msgpack-python",
    "mss": "python-mss",
    "opencv-contrib-python": "py-opencv",
    "opencv-contrib-python-headless": "py-opencv",
    "opencv-python": "py-opencv",
    "opencv-python-headless": "py-opencv",
    "prometheus-client": "prometheus_client",
    "psycopg2-binary": "psycopg2",
    "pure-eval": "pure_eval",
    "pyqt5": "pyqt",
    "ruamel-yaml": "ruamel.yaml",
    "ruamel-yaml-clib": "ruamel.yaml.clib",
    "sphinx-rtd-theme": "sphinx_rtd_theme",
    "stack-data": "stack_data",
    "symengine": "python-symengine",
    "tables": "pytables",
    "torch": "pytorch",
    "typing-inspect": "typing_inspect",
    "tzdata": "python-tzdata",
    "uvicorn[standard]": "uvicorn-standard",
    "xgboost": "py-xgboost",
    "xxhash": "python-xxhash",
    "zlib-ng": "python-zlib-ng",
    "zope-event": "zope.event",
    "zope-interface": "zope.interface",
}
"""Differences that most users meet, as conda-forge has them."""

_SPEC = re.compile(r"[a-z0-9_][a-z0-9_.-]*( .*)?")


class Renames:
    """The user's table over the default one; names are compared as PEP 503 does."""

    def __init__(self, own: Mapping[str, str]) -> None:
        """Keep the user's table.

        Raises:
            ValueError: a value that is no conda name, no MatchSpec and not empty.
        """
        self._own = {_normalized(name): value.strip() for name, value in own.items()}
        wrong = [name for name, value in own.items() if value.strip() and not _SPEC.fullmatch(value.strip())]
        if wrong:
            raise ValueError(f"{own[wrong[0]]!r} for {wrong[0]!r} is neither a conda package's name nor a MatchSpec")

    def stated(self, name: str, extras: frozenset[str] = frozenset()) -> str | None:
        """What the user says of a project with these extras; ``None`` if nothing."""
        return self._own.get(_key(name, extras))

    def find(self, name: str, extras: frozenset[str] = frozenset()) -> str | None:
        """What either table says; ``None`` if nothing."""
        key = _key(name, extras)
        return self._own.get(key, DEFAULT.get(key))


def _key(name: str, extras: frozenset[str]) -> str:
    return _canonical(name) + (f"[{','.join(sorted(map(_canonical, extras)))}]" if extras else "")


def _normalized(key: str) -> str:
    name, _, extras = key.partition("[")
    wanted = (each.strip() for each in extras.rstrip("] ").split(","))
    return _key(name.strip(), frozenset(filter(None, wanted)))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
