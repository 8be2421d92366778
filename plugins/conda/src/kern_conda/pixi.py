"""Making an environment with pixi: the manifest of a workspace with this one environment, and the command line.

pixi makes environments inside workspaces only, so the directory of kern's environment is one: ``pixi.toml`` is written
there, pixi adds its lock file, and the prefix is ``.pixi/envs/default``
(https://pixi.sh/latest/reference/pixi_manifest/). What comes from PyPI is not in the manifest: pixi leaves alone what
another installer has put there.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from kern.api import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Context
    from kern_conda.engine_answers import Problem
    from kern_conda.questions import Linking, Question

    Dependency = Mapping[str, str]
    """A dependency as `kern_conda.requests.take_apart` says it."""

_HERE = "detached-environments = false\n"
"""Wins over the user's configuration, by which pixi may make environments in a place of its own."""


def install_with_pixi(
    program: str, prefix: str, question: Question, linking: Linking, context: Context
) -> Problem | None:
    """Have pixi solve and install what a question asks for.

    Args:
        program: absolute path of pixi.
        prefix: absolute path of the workspace's environment ``default``.
        question: what is wanted.
        linking: how files get there.
        context: runs the process.

    Returns:
        What went wrong, or ``None``.

    Raises:
        StepFailed: a spec can't be said in a manifest.
    """
    from kern_conda.engine_answers import run_in_words
    from kern_conda.private_files import write_private
    from kern_conda.requests import take_apart

    workspace = os.path.dirname(os.path.dirname(os.path.dirname(prefix)))
    manifest = os.path.join(workspace, "pixi.toml")
    write_private(os.path.join(workspace, ".pixi", "config.toml"), _HERE)
    write_private(manifest, pixi_manifest(question, take_apart(question.specs, context), context.environ))
    argv = pixi_arguments(program, manifest, question, linking)
    return run_in_words(Command(argv=argv, environ=pixi_variables(question, context)), context)


def pixi_manifest(question: Question, dependencies: Sequence[Dependency], environ: Mapping[str, str]) -> str:
    """Say a question as ``pixi.toml``.

    A table has one entry a name. Where several specs are about one package, each further one stands in a feature of its
    own, and pixi takes those of all features of an environment together.

    Args:
        question: what is wanted.
        dependencies: its specs, taken apart.
        environ: ``CONDA_OVERRIDE_*`` in it are declared too, as pixi does not solve for the machine it finds.
    """
    layers = _layers(dependencies)
    more = [f"more-{number}" for number in range(1, len(layers))]
    lines = [
        "[workspace]",
        'name = "kern"',
        f"channels = {_toml(question.channels)}",
        f"platforms = [{_platform(question, environ)}]",
        f"channel-priority = {_toml(question.channel_priority)}",
        "conda-pypi-map = false",
        *_dependencies("dependencies", layers[0] if layers else {}),
    ]
    for name, layer in zip(more, layers[1:], strict=True):
        lines += _dependencies(f"feature.{name}.dependencies", layer)
    if more:
        lines += ["", "[environments]", f"default = {_toml(more)}"]
    return "\n".join((*lines, ""))


def pixi_arguments(program: str, manifest: str, question: Question, linking: Linking) -> tuple[str, ...]:
    """Say the rest as a command line."""
    flags = {
        "--offline": question.offline,
        "--no-hard-links": linking.link == "copy",
        "--run-post-link-scripts": linking.link_scripts,
    }
    return (program, "install", "--manifest-path", manifest, *(flag for flag, wanted in flags.items() if wanted))


def pixi_variables(question: Question, context: Context) -> dict[str, str]:
    """The environment of pixi's process: virtual packages, and an empty cache where nothing cached can be trusted."""
    from kern_conda.virtual_packages import override_variables

    variables = {**context.environ, **override_variables(question.virtual_packages)}
    if (context.distrust or context.recreate) and not question.offline:
        variables["PIXI_CACHE_DIR"] = os.path.join(context.work_dir, "pixi-cache")
    return variables


def _layers(dependencies: Sequence[Dependency]) -> list[dict[str, Dependency]]:
    layers: list[dict[str, Dependency]] = []
    for one in dependencies:
        place = next((layer for layer in layers if one["name"] not in layer), None)
        if place is None:
            place = {}
            layers.append(place)
        place[one["name"]] = one
    return layers


def _dependencies(table: str, layer: Mapping[str, Dependency]) -> Iterator[str]:
    yield from ("", f"[{table}]")
    for name, parts in layer.items():
        stated = {key: value for key, value in parts.items() if key != "name"} or {"version": "*"}
        yield f"{_toml(name)} = {_inline(stated)}"


def _platform(question: Question, environ: Mapping[str, str]) -> str:
    """Say the platform: as a word, or as a table where virtual packages are declared."""
    from kern_conda.platforms import machine_platform

    platform = question.platform or machine_platform()
    declared = {**_overrides(environ), **dict(_virtual_package(text) for text in question.virtual_packages)}
    return _inline({"platform": platform, **declared}) if declared else _toml(platform)


def _overrides(environ: Mapping[str, str]) -> dict[str, str]:
    from kern_conda.virtual_packages import OVERRIDES

    texts = (
        f"{name}={'1=' if name == '__archspec' else ''}{environ[variable]}"
        for name, variable in OVERRIDES.items()
        if environ.get(variable)
    )
    return dict(map(_virtual_package, texts))


def _virtual_package(text: str) -> tuple[str, str]:
    """Say ``__cuda=12`` as an entry; the architecture has a name of its own, the rest may be said as it is."""
    name, _, rest = text.partition("=")
    return ("archspec", rest.partition("=")[2]) if name == "__archspec" else (name, rest or "0")


def _inline(table: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{_toml(key)} = {_toml(value)}' for key, value in table.items())} }}"


def _toml(value: str | Sequence[str]) -> str:
    """Say a text or texts in TOML, whose basic strings are JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
