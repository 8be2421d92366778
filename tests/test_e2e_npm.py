"""An npm package through the command line: packed, installed into an environment of its own, and tested there."""

from __future__ import annotations

import json
from shutil import which
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Project

pytestmark = pytest.mark.skipif(which("npm") is None, reason="npm is not installed")

CONFIG = """
requires = ["kern-npm"]
env_list = ["unit-npm", "tree"]
[env.npm]
tests = ["test"]
change_dir = "{env_dir}"
commands = [["node", "--test", "test/demo.test.mjs"], ["demo"]]
[env.tree]
provider = "npm"
package = "none"
commands = [["node", "-e", "process.exit(0)"]]
[package.npm]
"""
TEST = """
import assert from "node:assert";
import test from "node:test";
import demo from "demo";
test("the packed package", () => assert.equal(demo, 42));
"""


@pytest.fixture
def npm_project(project: Project) -> Project:
    manifest = {
        "name": "demo",
        "version": "1.0.0",
        "main": "index.js",
        "bin": {"demo": "cli.js"},
        "files": ["index.js", "cli.js"],
    }
    return project.config(CONFIG).write(
        {
            "package.json": json.dumps(manifest),
            "index.js": "module.exports = 42;\n",
            "cli.js": "#!/usr/bin/env node\nconsole.log(require('./index.js'));\n",
            "test/demo.test.mjs": TEST,
        }
    )


def test_the_packed_package_is_tested(npm_project: Project) -> None:
    first = npm_project.run()
    assert first.outcomes() == {"unit-npm": "passed", "tree": "passed"}
    row = first.rows()["unit-npm"]
    assert row["artifact"]["kind"] == "npm"
    assert row["installed"] == {"demo": "1.0.0"}
    before = npm_project.stamp("unit-npm")
    assert npm_project.run().outcomes() == {"unit-npm": "passed", "tree": "passed"}
    after = npm_project.stamp("unit-npm")
    assert {path for path in before if before[path] != after.get(path) and "/test/" not in path} == set()


def test_a_change_of_the_tree_is_packed_anew(npm_project: Project) -> None:
    npm_project.run("unit-npm")
    npm_project.write({"index.js": "module.exports = 41;\n"})
    assert npm_project.kern("run", "--json", "unit-npm", code=1).outcomes() == {"unit-npm": "failed"}
    npm_project.write({"index.js": "module.exports = 42;\n"})
    assert npm_project.run("unit-npm").outcomes() == {"unit-npm": "passed"}


def test_what_is_not_packed_is_not_there(npm_project: Project) -> None:
    manifest = json.loads((npm_project / "package.json").read_text())
    npm_project.write({"package.json": json.dumps({**manifest, "files": ["cli.js"], "main": "missing.js"})})
    assert npm_project.kern("run", "--json", "unit-npm", code=1).outcomes() == {"unit-npm": "failed"}


def test_a_broken_manifest_is_one_error(npm_project: Project) -> None:
    npm_project.write({"package.json": "{"})
    assert "npm" in npm_project.kern("run", "unit-npm", code=3).screen
