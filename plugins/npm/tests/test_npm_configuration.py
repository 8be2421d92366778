"""npm's configuration of the project: used where npm installs, and masked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import EnvSpec
from kern_npm.configuration import ask_secrets, configuration_sum, link_configuration
from kern_npm.installing import dev_dependencies
from kern_npm.options import NpmOptions

if TYPE_CHECKING:
    from pathlib import Path


class Masking:
    """As much of a context as is needed."""

    def __init__(self, project: Path) -> None:
        self.project_dir = str(project)
        self.environ = {"NPM_CONFIG_USERCONFIG": str(project / "user")}
        self.asked: list[str] = []

    def ask_secret(self, value: str) -> None:
        self.asked.append(value)


def test_credentials_are_masked(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text('//host/:_authToken=first\n//other/:_password = "second"\nregistry=https://host\n')
    (tmp_path / "user").write_text("_auth=third=\n//host/:_authToken=${FROM_ENVIRONMENT}\n")
    context = Masking(tmp_path)
    ask_secrets(context)  # type: ignore[arg-type]
    assert context.asked == ["first", "second", "third="]


def test_the_projects_configuration_holds_where_npm_installs(tmp_path: Path) -> None:
    (tmp_path / "environment").mkdir()
    assert configuration_sum(str(tmp_path)) == ""
    link_configuration(str(tmp_path), str(tmp_path / "environment"))
    assert os.listdir(tmp_path / "environment") == []
    (tmp_path / ".npmrc").write_text("registry=https://host\n")
    for _ in range(2):
        link_configuration(str(tmp_path), str(tmp_path / "environment"))
    assert (tmp_path / "environment" / ".npmrc").read_text() == "registry=https://host\n"
    assert configuration_sum(str(tmp_path))


def test_development_dependencies_of_a_member(tmp_path: Path) -> None:
    (tmp_path / "packages" / "a").mkdir(parents=True)
    (tmp_path / "packages" / "a" / "package.json").write_text('{"devDependencies": {"@x/y": "^1"}}')
    options = NpmOptions(dev_dependencies=True, manifest="packages/a/package.json")
    spec = EnvSpec("a", (), options, str(tmp_path / "e"), str(tmp_path))
    assert dev_dependencies(spec) == ["@x/y@^1"]
