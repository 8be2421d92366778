"""What kern relies on in every adopter."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from kern.api import Adopted, KernError
from kern.testing.contract import Contract
from kern.testing.quiet import only_inside
from kern.testing.surroundings import watched
from kern.testing.trees import changes_between, tree_of

if TYPE_CHECKING:
    from kern.testing.cases import AdopterCase
    from kern.testing.workbench import Workbench

CERTAINTIES = (1, 2, 3)


class AdopterContract(Contract):
    """Give it a fixture ``case`` that returns an `AdopterCase`."""

    protocol = "Adopter"

    @pytest.fixture
    def location(self, case: AdopterCase, workbench: Workbench) -> str:
        """Where the environment of the case is, made once for the class."""
        workbench.environ.update(case.environ)
        if "location" not in workbench.kept:
            workbench.kept["location"] = case.location(workbench)
        found: str = workbench.kept["location"]
        return found

    @pytest.fixture
    def adopted(self, case: AdopterCase, location: str, workbench: Workbench) -> Adopted:
        """The environment as it was recognised."""
        found = case.driver.adopt(location, workbench.context())
        assert found is not None, f"{location} is not recognised"
        return found

    def test_it_recognises_its_kind(self, adopted: Adopted) -> None:
        """By its path, with a sign and a certainty."""
        assert adopted.certainty in CERTAINTIES
        assert adopted.why
        assert os.path.isabs(adopted.environment.location)

    def test_it_recognises_it_by_name(self, case: AdopterCase, adopted: Adopted, workbench: Workbench) -> None:
        """The same environment, if its kind has names."""
        if not case.name:
            pytest.skip("environments of this kind have no names")
        found = case.driver.adopt(case.name, workbench.context())
        assert found is not None
        assert os.path.realpath(found.environment.location) == os.path.realpath(adopted.environment.location)

    def test_it_says_the_same_twice(
        self, case: AdopterCase, location: str, adopted: Adopted, workbench: Workbench
    ) -> None:
        """Looking once more gives the same answer."""
        assert case.driver.adopt(location, workbench.context()) == adopted

    def test_it_leaves_strangers_alone(self, case: AdopterCase, location: str, workbench: Workbench) -> None:
        """An empty directory, a file, what is not there and what can't be are no environments."""
        empty = os.path.join(workbench.root, "empty")
        os.makedirs(empty, exist_ok=True)
        text = os.path.join(workbench.root, "text")
        with open(text, "w", encoding="utf-8") as file:
            file.write("no environment")
        absent = os.path.join(workbench.root, "absent")
        strangers = [empty, text, absent, os.path.join(text, "below a file"), f"/{'x' * 5000}", "/dev/null"]
        found = [path for path in strangers if case.driver.adopt(path, workbench.context()) is not None]
        assert found == [], location

    def test_it_knows_no_stranger_by_name(self, case: AdopterCase, location: str, workbench: Workbench) -> None:
        """Every adopter is asked about a bare name, so none may claim one that it does not know, or fail."""
        names = ["no-such-environment", "nö such", "x" * 300, "-", "a:b", "*"]
        found = [name for name in names if case.driver.adopt(name, workbench.context()) is not None]
        assert found == [], location

    def test_it_answers_without_tools(self, case: AdopterCase, location: str, workbench: Workbench) -> None:
        """Where the tool of its kind is not installed: the environment, nothing, or an error in words."""
        with workbench.without_tools(), suppress(KernError):
            case.driver.adopt(location, workbench.context())

    def test_it_adopts_what_can_only_be_read(
        self, case: AdopterCase, location: str, adopted: Adopted, workbench: Workbench
    ) -> None:
        """Another user's environment is recognised as well, and nobody's permissions are changed."""
        if not os.path.isdir(location):
            pytest.skip("the environment is no directory")
        kept = tree_of(location)
        folders = [location, *(os.path.join(location, path) for path, node in kept.items() if stat.S_ISDIR(node.mode))]
        modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path in folders}
        try:
            for path, mode in modes.items():
                os.chmod(path, mode & 0o555)
            before = tree_of(location)
            assert case.driver.adopt(location, workbench.context()) == adopted
            assert changes_between(before, tree_of(location)) == []
            assert not os.stat(location).st_mode & 0o222, "it made the environment writable"
        finally:
            for path, mode in modes.items():
                os.chmod(path, mode)

    def test_it_changes_nothing(self, case: AdopterCase, location: str, workbench: Workbench) -> None:
        """Not a byte, in the environment and in the project."""
        places = [location if os.path.isdir(location) else os.path.dirname(location), workbench.project_dir]
        before = [tree_of(place) for place in places]
        context = workbench.context()
        with only_inside(workbench.root):
            case.driver.adopt(location, context)
        assert [changes_between(*pair) for pair in zip(before, map(tree_of, places), strict=True)] == [[], []]

    def test_the_process_is_left_as_it_is(self, case: AdopterCase, location: str, workbench: Workbench) -> None:
        """Asking it changes neither kern's variables nor its directory, its umask, its signals."""
        with watched() as changed:
            case.driver.adopt(location, workbench.context())
        assert changed == []

    def test_what_is_installed_is_text(self, adopted: Adopted) -> None:
        """Names and versions."""
        assert all(all(map(str.strip, pair)) for pair in adopted.installed.items())
