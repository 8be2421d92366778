"""What all contracts share: they can't be thinned out unseen, and a few rules hold for drivers of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import kern.api
from kern.api.optional import OPTIONAL
from kern.drivers.loading import misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "test_"


class Contract:
    """Base of the contract classes: a subclass may add tests, and replace none of these without a reason.

    It is checked when the class is made, so that no run of pytest, however it selects tests, gets past it.
    """

    protocol = ""
    """Name of the protocol in `kern.api`."""

    def __init_subclass__(cls) -> None:
        """Refuse a class in which a test of the contract was replaced or taken away.

        Raises:
            TypeError: naming the test.
        """
        super().__init_subclass__()
        for base in cls.__mro__[1:]:
            for name in filter(_is_rule, vars(base)):
                own = vars(cls).get(name, vars(base)[name])
                if own is not vars(base)[name] and issubclass(base, Contract) and not _is_excused(own):
                    raise TypeError(
                        f"{cls.__qualname__} replaces {name} of the contract: mark it "
                        '@pytest.mark.xfail(reason="...") and say why the driver can\'t keep this rule'
                    )

    def test_it_has_the_shape_of_its_protocol(self, case: Any) -> None:
        """Every member is there, of the right kind, and takes as many arguments as the kernel gives; optional ones too."""
        assert misfits(case.driver, getattr(kern.api, self.protocol)) == []
        for optional in OPTIONAL.get(self.protocol, ()):
            there = any(hasattr(case.driver, name) for name in vars(optional) if not name.startswith("_"))
            assert not there or misfits(case.driver, optional) == []

    def test_it_is_written_for_this_api(self, case: Any) -> None:
        """Its ``api`` is the number that this kern has."""
        assert case.driver.api == kern.api.API

    def test_it_is_made_without_arguments(self, case: Any) -> None:
        """The kernel makes a driver by calling what the entry point names."""
        type(case.driver)()

    def test_importing_it_is_light(self, case: Any) -> None:
        """Its module brings in nothing but the standard library, kern, plugins that it builds on, and itself.

        It does so on a machine without any tool, starts nothing, asks no network and writes nothing.
        """
        module = type(case.driver).__module__
        foreign = [name for name in imported(module) if _is_foreign(name, module.partition(".")[0])]
        assert foreign == [], f"importing {module} imports {', '.join(foreign)}: import that where it is used"

    def test_its_options_are_documented(self, case: Any) -> None:
        """Every option has a default, a type that TOML can say, and a line below ``Attributes:``."""
        from kern.options import fields_of

        if hasattr(case.driver, "Options"):
            bare = [field.name for field in fields_of(case.driver.Options) if not field.help]
            assert bare == [], f"say below Attributes: what these mean: {', '.join(bare)}"


def imported(module: str) -> list[str]:
    """The top-level modules that importing a module brings into a new interpreter, which has no programs on its PATH."""
    program = (
        "import sys\nimport kern.testing.quiet\nbefore = set(sys.modules)\n"
        f"with kern.testing.quiet.only_importing():\n    import {module}\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    places = os.pathsep.join(path for path in sys.path if path)
    environ = {"PATH": "", "HOME": os.path.join(os.sep, "nowhere"), "PYTHONPATH": places}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _is_foreign(name: str, own: str) -> bool:
    known = name in sys.stdlib_module_names or name in {"kern", own} or name.startswith(("kern_", "_"))
    return not known


def _is_rule(name: str) -> bool:
    return name.startswith(PREFIX)


def _is_excused(own: object) -> bool:
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in _marks(own))


def _marks(own: object) -> Iterator[Any]:
    yield from getattr(own, "pytestmark", ())
