"""What the tests of nix share: one private store for all of them."""

from __future__ import annotations

import pytest

from plugins.nix.tests import nix_store


@pytest.fixture(scope="session")
def nix_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables by which nix finds the tests' own store; skips where there is no nix."""
    if nix_store.missing():
        pytest.skip(nix_store.missing())
    return nix_store.variables(tmp_path_factory.mktemp("nix"))
