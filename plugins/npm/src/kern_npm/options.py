"""What a user may say about a Node environment in ``[env]`` tables, and about an npm package in ``[package]`` tables."""

from typing import NamedTuple


class NpmOptions(NamedTuple):
    """Options of the provider ``npm``.

    Attributes:
        node: Version of Node, such as `20` or `18.20`, taken from the npm registry unless the one on PATH is of that version. Empty for the factor's (`node20`), or the one on PATH.
        npm_deps: npm packages for the tests, as `npm install` takes them: `mocha@10`, paths.
        dev_dependencies: Also install what package.json lists under `devDependencies`.
        manifest: The package.json that those are read from, relative to the project, such as `packages/a/package.json`.
        tests: Files and directories of the project that are copied into the environment before the commands run, so that what they import is what is installed and not the tree; use it with `change_dir = "{env_dir}"`.
        offline: Install from npm's cache alone.
    """

    node: str = ""
    npm_deps: tuple[str, ...] = ()
    dev_dependencies: bool = False
    manifest: str = "package.json"
    tests: tuple[str, ...] = ()
    offline: bool = False


class NpmPackageOptions(NamedTuple):
    """Options of the builder ``npm``.

    Attributes:
        ignore_scripts: Pack without running the package's own `prepack` and `prepare` scripts.
    """

    ignore_scripts: bool = False
