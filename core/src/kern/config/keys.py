"""Every key that the kernel itself understands, with its type and its meaning; the reference is generated from here.

What is not here belongs to drivers: their ``Options`` say what they take.
"""

from __future__ import annotations

from typing import Any

from kern.named_tuples import NamedTuple


class Key(NamedTuple):
    """One key of the configuration.

    Attributes:
        kind: name of a check in `kern.config.kinds`.
        default: what holds when nobody sets it, in the checked form.
        help: one or two sentences for the reference.
    """

    kind: str
    default: Any
    help: str


TOP_KEYS: dict[str, Key] = {
    "requires": Key(
        "strings",
        (),
        "Plugins that the project needs, as requirements; an absent one is an error with the install line.",
    ),
    "env_list": Key("strings", (), "Expressions that generate the environments which a bare `kern run` runs."),
    "exclude": Key("strings", (), "Expressions; a generated environment that matches one is left out."),
    "env": Key(
        "table", {}, "Settings of every environment, and `[env.EXPR]` tables with settings of those that match."
    ),
    "package": Key(
        "table", {}, "Package definitions: `[package.NAME]` says how a package is built and what it matches."
    ),
    "limits": Key("pools", {}, "Named pools and their sizes: at most so many steps that take part run at once."),
    "plugins": Key(
        "plugins",
        {},
        "Which plugins may be imported, by distribution: `allow` and `deny` are lists of names, with `*`. The user's own "
        "`~/.config/kern/config.toml` may have the same table, and both hold.",
    ),
    "labels": Key("lists", {}, 'Names for selections: `ci = ["py3{11-13}", "lint"]`, used as `kern run -l ci`.'),
}

ENV_KEYS: dict[str, Key] = {
    "provider": Key("string", "venv", "Kind of environment; a factor that is a provider's name decides first."),
    "description": Key("string", "", "One line for `kern list`."),
    "labels": Key("strings", (), "Labels that select this environment."),
    "platform": Key(
        "strings", (), "Platforms it can run on (`linux`, `darwin`, `win32`, wildcards); elsewhere it is skipped."
    ),
    "package": Key("string", "", "Which package definition is tested: its name, or `none`."),
    "packages": Key("strings", (), "Several package definitions: one row for each."),
    "skip_install": Key("boolean", False, 'The same as `package = "none"`.'),
    "existing": Key(
        "string",
        "",
        "Run in an environment that is there already and never change it: the name of another environment, a path, "
        "`KIND:NAME` such as `conda:base`, or a name that a kind knows, such as `system`. No package is installed.",
    ),
    "depends": Key(
        "strings", (), "Expressions: environments that run before this one; they are selected along with it."
    ),
    "commands_pre": Key("commands", (), "Run before `commands`; a failure ends the row."),
    "commands": Key(
        "commands",
        (),
        "The tests. Lists of arguments, or strings split like a POSIX shell would. A leading `-` ignores the exit code.",
    ),
    "commands_post": Key("commands", (), "Run in the end, also after a failure."),
    "activate": Key(
        "strings",
        (),
        "Shell scripts, relative to the project, that bash sources before the commands run, on top of what the environment "
        "itself changes: `module load`, Spack, ROS. Needs kern-shell.",
    ),
    "command_prefix": Key("strings", (), 'Words put before every command: `["srun", "-n1"]`.'),
    "change_dir": Key("string", "{project_dir}", "Directory that the commands run in, relative to the project."),
    "set_env": Key(
        "variables",
        {},
        "Variables for the commands; key by key the most specific table wins. `file` names files of `NAME=value` lines.",
    ),
    "pass_env": Key(
        "strings",
        (),
        "Host variables that the commands may see beside the default ones; wildcards, `!NAME` takes away. Tables add up.",
    ),
    "ignore_outcome": Key("boolean", False, "A failure is reported and does not count."),
    "retries": Key("count", 0, "How often a failed command is tried again."),
    "timeout": Key("seconds", None, "Bound for each command: seconds, or a text such as `90s`, `5m`, `1h`."),
    "total_timeout": Key("seconds", None, "Bound for all of its commands together, `commands_post` left out."),
    "limits": Key("strings", (), "Pools of `[limits]` that a run of its commands takes one place of."),
}

PACKAGE_KEYS: dict[str, Key] = {
    "builder": Key("string", "", "Builder; the definition's own name if it is one."),
    "match": Key("strings", (), "Expressions: the environments that get this package."),
    "from": Key("string", "", "Build from the artifact of another package definition instead of from the tree."),
    "root": Key("string", "", "Source tree, relative to the project."),
    "sources": Key(
        "strings",
        (),
        "Patterns (as in .gitignore) of the files that the package depends on; all files that git does not ignore otherwise.",
    ),
}

EXTEND = "extend_"
