"""What a user may say about a conda environment in ``[env]`` tables."""

from typing import Literal, NamedTuple


class CondaOptions(NamedTuple):
    """Options of the provider ``conda``.

    Attributes:
        conda_deps: Packages from conda channels, as MatchSpecs: `numpy >=2`, `libxml2`.
        deps: Requirements from PyPI, `-r FILE`, `-c FILE`, `-e PATH` and local paths, relative to the project; installed
            after all that comes from conda, which they never replace.
        extras: Extras of the package under test; what they need comes from PyPI unless it is there from conda.
        dependency_groups: Dependency groups of pyproject.toml (PEP 735), from PyPI.
        constraints: Constraint files for what comes from PyPI, relative to the project.
        channels: Where conda packages come from, the first has priority: names, addresses, or paths relative to the
            project. Else those of the environment file, else those of conda's configuration, else `conda-forge`.
        channel_priority: `strict` takes a package from the first channel that has it, `flexible` from a later one only
            where there is no other solution, `disabled` from any.
        conda_platform: The platform to install for, in conda's words: `osx-64` on a Mac of today, through Rosetta.
        virtual_packages: What the machine is said to have, whatever was detected: `__cuda=12`, `__glibc=2.28`.
        lock_platforms: The platforms that `kern lock` resolves for, in conda's words: `linux-64`, `osx-arm64`. Else the
            one that it is made for.
        offline: Use what the caches have, and no network.
        link: How files get into it: hard links where the file system has them (`auto`), always tried (`hard`), or
            copies.
        link_scripts: Run the post-link scripts of packages, which may do anything.
        environment_file: An `environment.yml`: its channels, dependencies, `pip` section and variables.
        engine: Who solves and installs: rattler, which comes with kern-conda, or a program that you have.
        engine_path: Path of that program, else it is looked for on PATH.
        activation: `snapshot` runs the activation scripts once and gives every command what they changed; `wrap` runs
            them around each command.
        installer: Who installs from PyPI: uv where it is present (`auto`), always `uv`, or always `pip`.
    """

    conda_deps: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    dependency_groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    channel_priority: Literal["strict", "flexible", "disabled"] = "strict"
    conda_platform: str = ""
    virtual_packages: tuple[str, ...] = ()
    lock_platforms: tuple[str, ...] = ()
    offline: bool = False
    link: Literal["auto", "hard", "copy"] = "auto"
    link_scripts: bool = False
    environment_file: str = ""
    engine: Literal["rattler", "conda", "mamba", "micromamba", "pixi"] = "rattler"
    engine_path: str = ""
    activation: Literal["snapshot", "wrap"] = "snapshot"
    installer: Literal["auto", "uv", "pip"] = "auto"
