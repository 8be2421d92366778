"""The allow-list: which of the host's environment variables a command may see, and changing what it sees.

The lists follow what tox 4 passes, where nothing is said here. Left out on purpose, so that a run means the same on
every machine and no credential reaches a test:

- ``PYTHON*`` (``PYTHONPATH``, ``PYTHONHOME``, ``PYTHON_GIL``...), ``VIRTUAL_ENV``, ``CONDA_*``: they turn another
  interpreter or another environment into this one. ``set_env`` is the place for a switch that a project wants.
- ``LD_PRELOAD``, ``DYLD_INSERT_LIBRARIES``: code in every process; a tool that needs them sets them for itself.
- ``DISPLAY``, ``WAYLAND_DISPLAY``, ``XAUTHORITY``: a test that opens windows should ask for the desktop (and so may read
  what is typed there); ``xvfb-run`` inside a command needs none of them.
- ``SSH_AUTH_SOCK``, unlike tox: a test could log in anywhere as the user. Installers may see it, for ``git+ssh``.
- ``PIP_*``, unlike tox: index URLs hold passwords. Installers may see them.
- ``GITHUB_TOKEN``, ``CI_JOB_TOKEN`` and every other credential, and ``GITHUB_ENV``, ``GITHUB_PATH``, ``GITHUB_OUTPUT``:
  files with which a test could steer later steps of the job.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kern.api import EnvDelta
from kern.expression import fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_PASS = (
    # Who and where: without PATH nothing is found, without HOME or a user name `os.path.expanduser` and `getpass` fail.
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    # Language and time.
    *("LANG", "LANGUAGE", "LC_*", "TZ"),
    # The terminal, also when output is no terminal: programs find that out for themselves.
    *("TERM", "TERMINFO", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CLICOLOR*"),
    # The network: a proxy's URL may hold a password, which is masked, but without it there is no network at all.
    *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    # Certificates: paths of files, no keys. NETRC too is a path, of a file that any process of the user may read.
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"),
    *("GIT_SSL_CAINFO", "NETRC"),
    # Compilers, as projects with extension modules build them in tests too.
    *("CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CCSHARED", "PKG_CONFIG", "PKG_CONFIG_*"),
    *("ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "DEVELOPER_DIR", "SOURCE_DATE_EPOCH"),
    # Where libraries lie: an interpreter of a module system, of nix or of a prefix of its own does not start without.
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "NIX_LD", "NIX_LD_LIBRARY_PATH"),
    # Which CI this is and which run of it: names and numbers, by which pytest, coverage and hypothesis adapt.
    *("CI", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_RUN_ATTEMPT", "GITHUB_WORKFLOW"),
    *("GITHUB_JOB", "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_SHA", "GITHUB_EVENT_NAME", "RUNNER_OS", "RUNNER_ARCH"),
    *("GITLAB_CI", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "CI_JOB_ID", "CI_JOB_NAME", "CI_PIPELINE_ID"),
    *("BUILD_ID", "BUILD_NUMBER", "BUILD_TAG", "JOB_NAME", "JENKINS_URL", "TF_BUILD", "BUILD_BUILDID"),
    *("APPVEYOR", "BITBUCKET_BUILD_NUMBER", "BUILDKITE", "CIRCLECI", "CIRRUS_CI", "CODEBUILD_BUILD_ID", "DRONE"),
    *("READTHEDOCS", "TEAMCITY_VERSION", "TRAVIS"),
    # What Windows programs can't start or find their files without; nobody has these names elsewhere.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "MSYSTEM"),
    *("COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
"""What every command may see."""

TOOL_PASS = (
    # Installers: where packages come from, credentials included, but not where they are published.
    *("PIP_*", "UV_*", "!UV_PUBLISH_*", "VIRTUALENV_*", "PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS"),
    # ... and nothing that would have them install somewhere else than into kern's environment.
    *("!PIP_TARGET", "!PIP_PREFIX", "!PIP_ROOT", "!PIP_USER", "!PIP_PYTHON", "!PIP_BREAK_SYSTEM_PACKAGES"),
    *("!UV_SYSTEM_PYTHON", "!UV_PYTHON", "!UV_PROJECT_ENVIRONMENT", "!UV_BREAK_SYSTEM_PACKAGES"),
    # conda: its configuration and caches, where it is, and how rattler logs in to channels.
    *(
        "CONDARC",
        "CONDA_OVERRIDE_*",
        "CONDA_PKGS_DIRS",
        "CONDA_ENVS_DIRS",
        "CONDA_ENVS_PATH",
        "CONDA",
        "CONDA_EXE",
        "CONDA_ROOT",
        "CONDA_OFFLINE",
    ),
    *("CONDA_CHANNELS", "CONDA_CHANNEL_ALIAS", "RATTLER_AUTH_FILE"),
    *("MAMBARC", "MAMBA_EXE", "MAMBA_ROOT_PREFIX"),
    *("PIXI_HOME", "PIXI_CACHE_DIR", "RATTLER_CACHE_DIR"),
    # pyenv: where it is, what it has selected, and how it installs.
    *(
        "PYENV_ROOT",
        "PYENV_VERSION",
        "PYENV_BOOTSTRAP_VERSION",
        "PYTHON_BUILD_*",
        "PYTHON_CONFIGURE_OPTS",
        "PYTHON_CFLAGS",
    ),
    # npm and containers: registries, and where the engine is.
    *("NPM_CONFIG_*", "npm_config_*", "!NPM_CONFIG_PREFIX", "!npm_config_prefix"),
    *("DOCKER_*", "CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINERS_*", "REGISTRY_AUTH_FILE"),
    # nix, which finds its store, its settings and nixpkgs by variables.
    *("NIX_*", "!NIX_BUILD_TOP"),
    # Getting sources. Of GIT_* only how to reach a server: GIT_DIR, GIT_INDEX_FILE and their like are set inside git
    # hooks and would have every git command of a build look at the wrong repository.
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_*", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT", "GIT_CONFIG_*"),
    *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS"),
    # Building. Of CARGO_* nothing that holds a registry's token.
    *("CARGO_HOME", "CARGO_HTTP_*", "CARGO_NET_*", "RUSTUP_*", "RUSTFLAGS", "FC", "FFLAGS", "MAKEFLAGS", "NINJA"),
    *("CMAKE_*", "SKBUILD_*", "SETUPTOOLS_SCM_*", "SETUPTOOLS_USE_DISTUTILS", "HATCH_BUILD_*", "MATURIN_PEP517_*"),
)
"""What installers and build tools may see beside `DEFAULT_PASS`."""


def allowed(
    host: Mapping[str, str], patterns: Sequence[str], *, ignore_case: bool = sys.platform == "win32"
) -> dict[str, str]:
    """The variables that an allow-list lets through.

    Args:
        host: names to values.
        patterns: names, ``*`` standing for any text. They count in order: ``!NAME`` takes away what those before it
            let through, and one after it may let it through again.
        ignore_case: names are the same in upper and lower case, as Windows has it.
    """
    spelled = {name.upper() if ignore_case else name: name for name in host}
    kept: set[str] = set()
    for pattern in patterns:
        wanted = pattern.removeprefix("!").upper() if ignore_case else pattern.removeprefix("!")
        found = _fitting(spelled, wanted) if "*" in wanted else {wanted}
        if pattern.startswith("!"):
            kept -= found
        else:
            kept |= found
    return {original: host[original] for name, original in spelled.items() if name in kept}


def _fitting(names: Mapping[str, str], pattern: str) -> set[str]:
    pieces = pattern.split("*")
    return {name for name in names if fits(pieces, name)}


def apply(delta: EnvDelta, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment after a change: ``unset`` first, then ``set``, then ``prepend``.

    What is prepended to a search path stands there once, in front; an empty entry, which would mean the current
    directory, is never added.
    """
    changed = {name: value for name, value in environ.items() if name not in delta.unset}
    changed.update(delta.set)
    for name, entries in delta.prepend.items():
        present = changed.get(name, "")
        following = present.split(os.pathsep) if present else []
        changed[name] = os.pathsep.join(dict.fromkeys((*filter(None, entries), *following)))
    return changed


def compose(first: EnvDelta, second: EnvDelta) -> EnvDelta:
    """One change that does what two do one after the other."""
    replaced = {*second.unset, *second.set}
    kept = {name: value for name, value in first.set.items() if name not in replaced}
    before = {name: entries for name, entries in first.prepend.items() if name not in replaced}
    front = {name: (*entries, *before.get(name, ())) for name, entries in second.prepend.items()}
    unset = tuple(dict.fromkeys((*first.unset, *second.unset)))
    return EnvDelta(set={**kept, **second.set}, unset=unset, prepend={**before, **front})
