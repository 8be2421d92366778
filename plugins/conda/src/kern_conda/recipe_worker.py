"""The process that follows a recipe: py-rattler-build takes one request from a file, writes one answer to another.

Started as a program (``python -I -S recipe_worker.py REQUEST ANSWER``) by `kern_conda.recipe`, never imported by kern.
What the build prints goes to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What is to be built.

    Attributes:
        path: where modules are found, whatever ``-I`` leaves out.
        recipe: absolute path of the recipe.
        channels: addresses.
        subdir: the platform to build for.
        python: the row's, ``3.12``; empty if it names none.
        variants: variant names to values.
        variants_file: absolute path of a variants file, or empty.
        output: name of the package that is wanted, or empty.
        directory: where everything is made.
    """

    path: list[str]
    recipe: str
    channels: list[str]
    subdir: str
    python: str
    variants: dict[str, str]
    variants_file: str
    output: str
    directory: str


class Journal:
    """Prints what py-rattler-build tells of its progress, and remembers what it tried to solve last."""

    def __init__(self) -> None:
        """Nothing has been solved yet."""
        self.specs: list[str] = []
        self._listing = False

    def on_log(self, event: Any) -> None:
        """Print a message; the list behind ``Specs:`` is kept."""
        message = str(event.message)
        print(message, flush=True)  # noqa: T201 - this goes into the step's log
        if message.strip() == "Specs:":
            self.specs, self._listing = [], True
        elif self._listing and message.strip().startswith("- "):
            self.specs.append(message.strip()[2:])
        else:
            self._listing = False

    def on_build_step(self, event: Any) -> None:
        """Print the name of a step."""
        print(f"{event.step_name}: {event.message}", flush=True)  # noqa: T201

    def on_download_start(self, event: Any) -> None:
        """Print what is downloaded."""
        print(f"downloading {event.url}", flush=True)  # noqa: T201

    def on_download_progress(self, event: Any) -> None:
        """Nothing."""

    def on_download_complete(self, event: Any) -> None:
        """Nothing."""


def main(asked: str, answered: str) -> int:
    """Answer a request: ``packages``, or ``problem`` and the ``specs`` that it was about. The exit code says which."""
    with open(asked, encoding="utf-8") as file:
        request = Request(**json.load(file))
    sys.path[:] = request.path
    from kern_conda.worker import write_answer

    journal = Journal()
    try:
        answer: dict[str, Any] = {"packages": build(request, journal)}
    except Exception as error:  # noqa: BLE001 - what went wrong with a recipe is an answer too
        answer = {"problem": str(error) or repr(error), "specs": journal.specs}
    write_answer(answered, answer)
    return int("problem" in answer)


def build(request: Request, journal: Journal) -> dict[str, list[str]]:
    """Build all outputs of the recipe, each once: name to its file and the Python of its variant, if it asks for one."""
    from rattler_build import ToolConfiguration

    found: dict[str, list[str]] = {}
    for variant in _rendered(request):
        result = variant.run_build(
            tool_config=ToolConfiguration(test_strategy="skip"),
            output_dir=request.directory,
            channels=request.channels,
            progress_callback=journal,
            no_build_id=True,
            package_format="conda",
            no_include_recipe=True,
        )
        python = str(variant.variant.get("python", "")).partition(" ")[0]
        found[result.name] = [str(result.packages[0]), python]
    return found


def _rendered(request: Request) -> list[Any]:
    """What the recipe says for the row's Python, in the order that it has to be built.

    Raises:
        ValueError: the variants leave more than one build of an output.
    """
    from rattler_build import PlatformConfig, RenderConfig, Stage0Recipe

    recipe = Stage0Recipe.from_file(request.recipe)
    config = RenderConfig(platform=PlatformConfig(target_platform=request.subdir))
    rendered = [each for each in recipe.render(_variants(request), config) if _serves(each.variant, request.python)]
    chosen = [each for each in rendered if not _skipped(recipe.to_dict(), each, config)]
    names = [str(each.recipe.package.name) for each in chosen]
    several = next((name for name in names if names.count(name) > 1), "")
    if several:
        builds = ", ".join(_shown(each.variant) for each in chosen if str(each.recipe.package.name) == several)
        raise ValueError(f"there are several builds of {several}, and `variants` does not say which: {builds}")
    return chosen


def _skipped(document: dict[str, Any], rendered: Any, config: Any) -> bool:
    """Whether the recipe's ``skip`` leaves a build out: the library itself heeds it on its command line alone."""
    from rattler_build import Stage0Recipe, VariantConfig

    tables = [document, *(each for each in document.get("outputs") or () if _names(each, rendered))]
    expressions = [each for table in tables for each in (table.get("build") or {}).get("skip") or ()]
    values = VariantConfig({name: [value] for name, value in rendered.variant.items()})
    for expression in filter(lambda each: isinstance(each, str), expressions):
        question = {
            "context": document.get("context") or {},
            "package": {"name": "question", "version": "0"},
            "about": {"summary": f"${{{{ ({expression}) }}}}"},
        }
        asked = Stage0Recipe.from_dict(question).render(values, config)
        if asked and str(asked[0].recipe.to_dict()["about"].get("summary")).lower() == "true":
            return True
    return False


def _names(output: dict[str, Any], rendered: Any) -> bool:
    return bool((output.get("package") or {}).get("name") == str(rendered.recipe.package.name))


def _variants(request: Request) -> Any:
    """The variants file's values, then the row's Python and the options'."""
    from rattler_build import JinjaConfig, PlatformConfig, VariantConfig

    values: dict[str, list[str]] = {}
    zip_keys = None
    if request.variants_file:
        platform = PlatformConfig(target_platform=request.subdir)
        stated = VariantConfig.from_files_with_context([request.variants_file], JinjaConfig(platform=platform))
        values, zip_keys = stated.to_dict(), stated.zip_keys
    if request.python:
        values.setdefault("python", [f"{request.python}.*"])
    values.update({name: [value] for name, value in request.variants.items()})
    return VariantConfig(values, zip_keys)


def _serves(variant: dict[str, str], python: str) -> bool:
    """Whether a build is for the row's Python, as far as it is for one."""
    stated = variant.get("python", "")
    if not python or not stated:
        return True
    from kern_conda.package_rows import takes

    major, _, minor = python.partition(".")
    return takes(stated.split(maxsplit=1)[0], (int(major), int(minor)))


def _shown(variant: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(variant.items()) if name != "target_platform")


if __name__ == "__main__":
    # The library does not let the interpreter look for signals: it would go on for as long as it likes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = 1
    try:
        code = main(*sys.argv[1:])
    except BaseException:  # noqa: BLE001 - shown, and the process ends with 1
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the interpreter's ordinary end: the library's threads are still there, and may crash in it.
        os._exit(code)
