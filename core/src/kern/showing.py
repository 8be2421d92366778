"""What `kern show` says: every resolved setting of an environment and the file and key it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern import options
from kern.config.keys import ENV_KEYS
from kern.expression import factors_of
from kern.named_tuples import NamedTuple
from kern.plan.preview import mask

if TYPE_CHECKING:
    from kern.api import ProviderRequirements
    from kern.plan.values import Row
    from kern.session import Session


class Shown(NamedTuple):
    """A setting: its value as configured, and the places it came from, none for a default."""

    key: str
    value: Any
    origins: tuple[str, ...]
    help: str


def settings_of(session: Session, name: str) -> tuple[Shown, ...]:
    """Every setting of an environment: the kernel's keys, then those of its provider.

    Raises:
        ConfigError: tables disagree, or a key is unknown.
    """
    from kern.plan.environment import environment_spec

    factors = factors_of(name)
    row = session.rows.rows_of(name)[0]
    environment_spec(session, row)
    provider = session.registry.load("kern.provider", row.provider)
    shown = [_shown(session, name, factors, key, known.default, known.help) for key, known in ENV_KEYS.items()]
    fields = options.fields_of(provider.Options)
    shown += [_shown(session, name, factors, field.name, field.default, field.help) for field in fields]
    return tuple(item._replace(value=row.provider) if item.key == "provider" else item for item in shown)


def _shown(session: Session, name: str, factors: tuple[str, ...], key: str, default: Any, help_: str) -> Shown:
    found = session.settings.resolve(name, factors, key)
    value = found.value if found.origins else default
    if key == "set_env":
        mask(session, {name: text for name, text in value.items() if name != "file" and not _refers(text)})
    _mask_addresses(session, str(value))
    return Shown(key, value, tuple(session.project.where(*origin) for origin in found.origins), help_)


def _mask_addresses(session: Session, text: str) -> None:
    """Mask the logins in addresses, which may stand in any setting."""
    if "://" in text and "@" in text:
        from kern.secrets import url_secrets

        for secret in url_secrets(text):
            session.masker.add(secret)


def _refers(text: str) -> bool:
    """Whether a variable's text is ``{env:NAME}`` and nothing else, which tells no secret."""
    return text.startswith("{env:") and text.count(":") == 1 and text.find("}") == len(text) - 1


def _requirements(session: Session, row: Row) -> dict[str, list[str]]:
    """What a row asks for, for those who provide it in another way; nothing where the provider can't tell."""
    from kern.plan.environment import OptionPlaced, environment_spec

    provider = session.rows.provider(row.name, row.factors)
    if not hasattr(provider, "requirements"):
        return {}
    telling: ProviderRequirements = provider
    with OptionPlaced(session, row):
        found = telling.requirements(environment_spec(session, row), session.context(row.provider))
    return {kind: list(texts) for kind, texts in found.items()}


def _existing(session: Session, row: Row) -> dict[str, Any]:
    """The environment that a row runs in instead of one of its own, and what that lacks."""
    if not row.existing:
        return {"existing": None, "drift": []}
    from kern.plan.environment import environment_spec
    from kern.plan.existing import Adoptions, facts

    found = Adoptions(session).of(row)
    provider = session.rows.provider(row.name, row.factors)
    spec, context = environment_spec(session, row), session.context(row.provider)
    lacking = provider.drift(spec, found.adopted, context) if found.adopted else ()
    return {"existing": facts(found), "drift": list(lacking)}


def document(session: Session, name: str) -> dict[str, Any]:
    """An environment's settings as a JSON value."""
    rows = session.rows.rows_of(name)
    return {
        "environment": name,
        "default": session.matrix.get(name, False),
        "factors": list(factors_of(name)),
        "provider": rows[0].provider,
        "rows": [{"row": row.label, "package": row.package, "why": row.why} for row in rows],
        "requirements": _requirements(session, rows[0]),
        **_existing(session, rows[0]),
        "settings": {
            shown.key: {"value": shown.value, "from": list(shown.origins)} for shown in settings_of(session, name)
        },
    }
