"""For authors of plugins: contract tests, fakes and a project to run kern on. Needs ``kern-core[testing]``.

A plugin writes one fixture and one empty class for each driver::

    from kern.testing import ProviderCase, ProviderContract

    class TestToolbox(ProviderContract):
        @pytest.fixture
        def case(self):
            return ProviderCase(driver=ToolboxProvider(), options={"tools": ["sh"]}, changes=[{"tools": ["ls"]}])

and pytest checks what kern relies on. A test of the contract can't be taken away or replaced, but for a reason that is
written down: ``@pytest.mark.xfail(reason="...")`` on a method of the same name.

The pytest plugin ``kern.testing.plugin`` is found by pytest itself and brings the fixtures ``workbench`` and
``kern_project``. Everything here is imported when it is first asked for (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.testing.activators import ActivatorContract
    from kern.testing.adopters import AdopterContract
    from kern.testing.builders import BuilderContract
    from kern.testing.cases import ActivatorCase, AdopterCase, BuilderCase, LockerCase, ProviderCase
    from kern.testing.fakes import FakeActivator, FakeAdopter, FakeBuilder, FakeLocker, FakeProvider
    from kern.testing.lockers import LockerContract
    from kern.testing.projects import KernProject, Outcome
    from kern.testing.providers import ProviderContract
    from kern.testing.recording import RecordingContext
    from kern.testing.trees import changes_between, tree_of
    from kern.testing.workbench import Workbench

__all__ = [
    "ActivatorCase",
    "ActivatorContract",
    "AdopterCase",
    "AdopterContract",
    "BuilderCase",
    "BuilderContract",
    "FakeActivator",
    "FakeAdopter",
    "FakeBuilder",
    "FakeLocker",
    "FakeProvider",
    "KernProject",
    "LockerCase",
    "LockerContract",
    "Outcome",
    "ProviderCase",
    "ProviderContract",
    "RecordingContext",
    "Workbench",
    "changes_between",
    "tree_of",
]

_HOMES = {
    "ActivatorContract": "activators",
    "AdopterContract": "adopters",
    "BuilderContract": "builders",
    "KernProject": "projects",
    "LockerContract": "lockers",
    "Outcome": "projects",
    "ProviderContract": "providers",
    "RecordingContext": "recording",
    "Workbench": "workbench",
    "changes_between": "trees",
    "tree_of": "trees",
}


def __getattr__(name: str) -> object:
    """Import the module that a public name lives in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "cases" if name.endswith("Case") else "fakes" if name.startswith("Fake") else _HOMES[name]
    return getattr(import_module(f"kern.testing.{home}"), name)
