"""Write the reference of the configuration, ``docs/configuration.md``, from the keys and the drivers' options.

Run ``python -m kern.config.reference > docs/configuration.md`` after a change, with all plugins of kern's family installed;
a test compares the two.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kern.config.keys import ENV_KEYS, EXTEND, PACKAGE_KEYS, TOP_KEYS, Key
from kern.drivers.known import family

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kern.options import Field

DISTRIBUTIONS = frozenset((*family("kern.provider").values(), *family("kern.builder").values()))
"""Plugins whose options are part of the page; what else is installed is left out, so that the page is always the same."""

INTRODUCTION = """\
# Configuration

<!-- Written by `python -m kern.config.reference`; a test compares. Change the keys and options instead. -->

kern reads one file: `kern.toml`, or the table `[tool.kern]` in `pyproject.toml`. Both hold the same keys. It is looked for
in the current directory and then upwards; the nearest one wins, and both in one directory are an error. `--config FILE`
names another file. Without any, a directory with a `pyproject.toml` is run with assumed settings, and kern says which.
The user's own `~/.config/kern/config.toml` (`XDG_CONFIG_HOME`) may have the table `[plugins]` and nothing else.

`kern show ENV` prints every setting of an environment and the file, line and key it came from. `kern schema` prints a
JSON schema of this page for editors; [kern.schema.json](kern.schema.json) is a copy.

## Which table wins

`[env]` holds for every environment. `[env.EXPR]` holds for those that match the [expression](expressions.md).

- **The most specific table wins**, key by key. An exact name beats everything. Otherwise the table that asks for more
  factors wins; of those that ask for equally many, the one in which fewer are negated or wildcards.
- **Two equally specific tables that disagree are an error** that names both. If they say the same, there is no error.
- **`extend_KEY` adds** to a list instead of replacing it: `extend_deps`, `extend_commands`.
- **`set_env` is merged** name by name. **`pass_env` adds up** over all tables that match.
- **A table that names something new declares it.** `[env.docs]` makes the environment `docs`, unless all its factors are
  known already: from a name in `env_list`, as a platform or as a kind of environment. It is not run by default.

## Kinds of values

| kind | in TOML |
| --- | --- |
| string | `"text"` |
| strings | a list of strings; one string stands for a list of one |
| boolean | `true` or `false` |
| whole number | from 0 |
| number | any number |
| duration | seconds as a number, or a text with a unit: `"90s"`, `"5m"`, `"1h"` |
| commands | a list of commands, each a list of arguments or one string; one string stands for one command |
| variables | a table of names and texts; `file` is a file name or a list of them |
| texts | a table of names and texts |
| pools | a table of names and whole numbers from 1 |
| lists | a table of names and lists of strings |
| plugins | a table with the lists of strings `allow` and `deny` |
| table | see below |

`description`, `change_dir`, commands, the values of `set_env` and the options of a kind of environment (`deps`, ...) may
hold [substitutions](running.md#substitutions) such as `{env_name}`. Other strings are taken as they are."""

KINDS = {"count": "whole number", "seconds": "duration"}
"""Names of kinds that the page spells in another way."""


def reference() -> str:
    """The whole page, as Markdown.

    Raises:
        PluginError: a plugin of the family is broken.
    """
    parts = [
        INTRODUCTION,
        "## Top level",
        table(TOP_KEYS),
        "## Environments: `[env]` and `[env.EXPR]`",
        table(ENV_KEYS, extends=True),
        *option_sections("kern.provider", "provider", "Environments of the kind", extends=True),
        "## Packages: `[package.NAME]`",
        table(PACKAGE_KEYS),
        *option_sections("kern.builder", "builder", "Packages of the kind", extends=False),
    ]
    return "\n\n".join(parts) + "\n"


def option_sections(group: str, noun: str, lead: str, *, extends: bool) -> list[str]:
    """A heading and a table for each set of options that a group's documented drivers have; drivers may share one.

    Args:
        group: an entry point group.
        noun: what a driver of the group is called.
        lead: how the heading begins, before the drivers' names.
        extends: whether ``extend_KEY`` works for them.
    """
    from kern.drivers import registry
    from kern.options import fields_of

    shared: dict[type[Any], list[str]] = {}
    for entry in registry().all(group):
        if entry.distribution in DISTRIBUTIONS:
            shared.setdefault(registry().load(group, entry.name).Options, []).append(entry.name)
    sections: list[str] = []
    for options, names in shared.items():
        listed = ", ".join(f"`{name}`" for name in names)
        plural = noun if len(names) == 1 else f"{noun}s"
        sections += [f"### {lead} {listed}", f"Options of the {plural} {listed}, in the same tables."]
        sections.append(table({field.name: field for field in fields_of(options)}, extends=extends))
    return sections


def table(keys: Mapping[str, Key | Field], *, extends: bool = False) -> str:
    """A table of keys with kind, default and meaning."""
    return rows(
        ("key", "kind", "default", "meaning"),
        [(spelling(name, key, extends=extends), kind(key), default(key), key.help) for name, key in keys.items()],
    )


def spelling(name: str, key: Key | Field, *, extends: bool) -> str:
    """A key, and its ``extend_`` form where that does something of its own."""
    adds = extends and key.kind in ("strings", "commands") and name != "pass_env"
    return f"`{name}`, `{EXTEND}{name}`" if adds else f"`{name}`"


def kind(key: Key | Field) -> str:
    """The kind of a key's value, and its choices."""
    choices: Sequence[str] = getattr(key, "choices", ())
    if choices:
        return " or ".join(f'`"{choice}"`' for choice in choices)
    return KINDS.get(key.kind, key.kind)


def default(key: Key | Field) -> str:
    """What holds when nobody says anything; empty for nothing."""
    value = key.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`' if value else ""
    return f"`{value}`" if isinstance(value, (int, float)) else ""


def rows(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    written = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in (head, *lines)]
    return "\n".join(f"| {line} |" for line in (written[0], " | ".join("---" for _ in head), *written[1:]))


if __name__ == "__main__":
    sys.stdout.write(reference())
