"""From environment names to rows: provider, packages, label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.errors import ConfigError, PluginError
from kern.expression import factors_of
from kern.match import NONE, Match, label, match, settle
from kern.plan.values import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.config.project import Project
    from kern.drivers import Registry
    from kern.plan.targets import Targets
    from kern.settings import Settings


class Rows:
    """Makes the rows of a project."""

    def __init__(
        self,
        project: Project,
        settings: Settings,
        registry: Registry,
        providers: frozenset[str],
        targets: Targets | None = None,
    ) -> None:
        """``providers`` are the names of all providers, installed or only known; ``targets`` tells of existing ones."""
        self._project = project
        self._settings = settings
        self._registry = registry
        self._providers = providers
        self._targets = targets if targets is not None and targets.any else None

    def provider_of(self, name: str, factors: tuple[str, ...]) -> str:
        """The provider of an environment: a factor that is one's name, else what is configured, else ``venv``.

        Raises:
            ConfigError: two factors are names of providers.
        """
        named = self._providers.intersection(factors)
        if len(named) > 1:
            raise ConfigError(
                f"{name} names two kinds of environment: {' and '.join(sorted(named))}",
                where=self._project.where("env_list"),
                hint="an environment has one provider; leave such combinations out with exclude",
            )
        if named:
            return next(iter(named))
        value: str = self._settings.value(name, factors, "provider")
        return value

    def match(self, name: str, factors: tuple[str, ...], *, decide: bool = True) -> Match:
        """The packages of an environment; ``decide=False`` leaves open what only drivers can answer."""
        found = match(self._project, self._settings, name, factors)
        if not (decide and found.open):
            return found
        provider = self.provider(name, factors)
        return settle(found, provider.accepts, self._produces)

    def _produces(self, package: str) -> str:
        kind: str = self.builder(package).produces
        return kind

    def provider(self, name: str, factors: tuple[str, ...]) -> Any:
        """The driver of an environment's provider.

        Raises:
            PluginError: it is absent or broken; with the place of the key that asks for it.
        """
        chosen = self.provider_of(name, factors)
        try:
            return self._registry.load("kern.provider", chosen)
        except PluginError as error:
            origins = () if chosen in factors else self._settings.resolve(name, factors, "provider").origins
            raise error.at(error.where or self._project.where(*(origins[-1] if origins else ("env_list",)))) from None

    def builder(self, package: str) -> Any:
        """The driver of a package definition's builder.

        Raises:
            ConfigError: there is no such definition.
            PluginError: the builder is absent or broken; with the place of the key that asks for it.
        """
        chosen = self.builder_of(package)
        try:
            return self._registry.load("kern.builder", chosen)
        except PluginError as error:
            keys = ("package", package, *(("builder",) if chosen != package else ()))
            raise error.at(error.where or self._project.where(*keys)) from None

    def builder_of(self, package: str) -> str:
        """The builder of a package definition, which may be one that nobody wrote a table for.

        Raises:
            ConfigError: there is no such definition and no builder of that name.
        """
        table = self._project.packages.get(package)
        if table is not None:
            return str(table.values["builder"] or package)
        if package in self._registry.names("kern.builder"):
            return package
        from kern.config.suggest import did_you_mean

        known = [*self._project.packages, *self._registry.names("kern.builder"), NONE]
        try:
            self._registry.load("kern.builder", package)
        except PluginError as error:
            hint = did_you_mean(package, known) or error.hint or f"write a table [package.{package}]"
            raise ConfigError(
                f"there is no package definition {package!r}",
                where=self._project.where("package"),
                hint='to test without a package set package = "none"' if package == NONE else hint,
            ) from error
        return package

    def rows(self, names: Iterable[str], *, decide: bool = True) -> list[Row]:
        """The rows of environments, in order."""
        return [row for name in names for row in self.rows_of(name, decide=decide)]

    def rows_of(self, name: str, *, decide: bool = True) -> list[Row]:
        """The rows of one environment; a single one where it runs in an environment that is there already."""
        target = self.target_of(name) if self._targets is not None else ""
        if not target:
            return self.made_rows_of(name, decide=decide)
        factors = factors_of(name)
        why = f"it runs in {target}, where nothing is installed"
        return [Row(name, factors, self.provider_of(name, factors), "", name, name, why, target)]

    def target_of(self, name: str) -> str:
        """The target that an environment runs in instead of one of its own; empty for none."""
        return self._targets.of(name, factors_of(name)) if self._targets is not None else ""

    def made_rows_of(self, name: str, *, decide: bool = True) -> list[Row]:
        """The rows of one environment that kern makes, whatever it is told to run in."""
        factors = factors_of(name)
        provider = self.provider_of(name, factors)
        found = self.match(name, factors, decide=decide)
        if len(found.packages) <= 1 or found.open:
            package = found.packages[0] if found.packages else ""
            return [Row(name, factors, provider, package, name, name, found.why)]
        return [
            Row(name, factors, provider, package, label(name, package, found.packages), f"{name}@{package}", found.why)
            for package in found.packages
        ]
