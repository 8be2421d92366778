"""Conda packages by recipe (``recipe.yaml``): py-rattler-build follows it in a process of its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from kern.api import Command, ConfigError, StepFailed

if TYPE_CHECKING:
    from kern.api import Artifact, Completed, Context, EnvSpec, PackageSpec

_TAIL = 40
_ADVICE = "\nScript execution failed.\n"
_UNSOLVED = "Failed to resolve dependencies"


def follow(package: PackageSpec, spec: EnvSpec, channels: tuple[str, ...], context: Context) -> Artifact:
    """Build what a recipe describes, for one row.

    Args:
        package: the definition; its options name the recipe.
        spec: the row, which says for which Python and platform.
        channels: where the requirements of the build come from: names, addresses or paths.
        context: runs the process and lends the directories.

    Raises:
        ConfigError: a file that the options name is not there, or they don't say which package is meant.
        StepFailed: the build failed.
    """
    from kern_conda.package_reader import read_package

    directory = os.path.join(context.work_dir, "recipe")
    os.mkdir(directory)
    request = _request(package, spec, _addresses(channels, context), directory)
    answer = _ask(request, context)
    if "problem" in answer:
        raise _explained(answer, request, context)
    built, python = _choose(package, answer["packages"])
    target = os.path.join(context.output_dir, os.path.basename(built))
    os.replace(built, target)
    artifact = read_package(target)
    if not python or artifact.facts["noarch"]:
        return artifact
    return artifact._replace(facts={**artifact.facts, "python": python})


def _request(package: PackageSpec, spec: EnvSpec, channels: tuple[str, ...], directory: str) -> dict[str, Any]:
    from kern_conda.package_rows import row_python, row_subdir

    options, version = package.options, row_python(spec)
    variants_file = os.path.join(package.root, options.variants_file) if options.variants_file else ""
    if variants_file and not os.path.isfile(variants_file):
        raise ConfigError(f"there is no file {variants_file}", where=f"package.{package.name}.variants_file")
    return {
        "path": [entry for entry in sys.path if entry],
        "recipe": os.path.join(package.root, options.recipe),
        "channels": channels,
        "subdir": row_subdir(spec),
        "python": ".".join(map(str, version)) if version else "",
        "variants": dict(options.variants),
        "variants_file": variants_file,
        "output": options.output,
        "directory": directory,
    }


def _addresses(channels: tuple[str, ...], context: Context) -> tuple[str, ...]:
    from kern_conda.channels import resolve_channels
    from kern_conda.condarc import read_condarc

    return resolve_channels(channels, read_condarc(context.environ), context.project_dir)


def _ask(request: dict[str, Any], context: Context) -> dict[str, Any]:
    """Run the process and read its answer, if there is one."""
    import json

    from kern_conda.network import mask_secrets, package_cache, worker_environ
    from kern_conda.private_files import write_private

    mask_secrets({"question": {"channels": request["channels"]}}, context)
    packages = package_cache(context)
    # The library keeps packages in the directory `pkgs` of its cache, as the provider does in its own.
    cache = os.path.dirname(packages) if os.path.basename(packages) == "pkgs" else context.cache_dir
    asked = os.path.join(request["directory"], "request.json")
    write_private(asked, json.dumps(request))
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipe_worker.py")
    argv = (sys.executable, "-I", "-S", program, asked, f"{asked}.answer")
    environ = {**worker_environ(context), "RATTLER_CACHE_DIR": cache}
    try:
        completed = context.run(Command(argv=argv, environ=environ, cwd=request["directory"]), check=False)
    finally:
        os.unlink(asked)  # addresses of channels may hold tokens, and what a failure leaves stays for days
    try:
        with open(f"{asked}.answer", encoding="utf-8") as file:
            answer: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        raise _unanswered(request, completed) from None
    return {**answer, "tail": _last_words(completed.stdout)}


def _last_words(printed: str) -> str:
    """The last lines of the build's own, without py-rattler-build's advice on going on by hand; the log has it all."""
    return "\n".join(printed.partition(_ADVICE)[0].rstrip().splitlines()[-_TAIL:])


def _choose(package: PackageSpec, packages: dict[str, list[str]]) -> tuple[str, str]:
    """The file of the package that is wanted, and the Python that it was built with, if it asks for one."""
    wanted = package.options.output
    where = f"package.{package.name}.output"
    if not packages:
        raise StepFailed("the recipe makes no package for this environment", where=package.options.recipe)
    if wanted and wanted not in packages:
        raise ConfigError(f"the recipe makes no package {wanted!r}", where=where, hint=f"it makes {_listed(packages)}")
    if not wanted and len(packages) > 1:
        raise ConfigError(
            f"the recipe makes several packages: {_listed(packages)}", where=where, hint="name the one to test"
        )
    path, python = packages[wanted or next(iter(packages))]
    return path, python


def _listed(packages: dict[str, list[str]]) -> str:
    return ", ".join(sorted(packages))


def _explained(answer: dict[str, Any], request: dict[str, Any], context: Context) -> StepFailed:
    """Say why a recipe failed; where its requirements can't be solved, rattler is asked why, since the build won't say."""
    problem, specs, tail = str(answer["problem"]), answer["specs"], answer["tail"]
    kind, _, rest = problem.partition(": ")
    short = rest if kind.isidentifier() and rest else problem
    if _UNSOLVED in problem and specs:
        from kern_conda.questions import Question
        from kern_conda.requests import solve

        # What the recipe itself has built before is in a channel there.
        channels = (_own_channel(request["directory"]), *request["channels"])
        try:
            solve(Question(specs=tuple(specs), channels=channels, platform=request["subdir"]), context)
        except StepFailed as failure:
            message = f"the requirements of the recipe can't be had together: {', '.join(specs)}"
            return StepFailed(message, where=request["recipe"], hint=failure.hint, tail=failure.tail or failure.message)
    return StepFailed(f"the recipe failed: {short}", where=request["recipe"], tail=tail)


def _own_channel(directory: str) -> str:
    from pathlib import Path

    return Path(directory).as_uri()


def _unanswered(request: dict[str, Any], completed: Completed) -> StepFailed:
    how = f"exit code {completed.exit_code}" if completed.exit_code >= 0 else f"signal {-completed.exit_code}"
    return StepFailed(
        f"py-rattler-build gave no answer and ended with {how}",
        where=request["recipe"],
        hint="is it whole? `pip install --force-reinstall py-rattler-build` makes it so",
        tail=completed.stdout[-2000:],
    )
