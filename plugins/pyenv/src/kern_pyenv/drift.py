"""Whether an environment that kern did not make has the version that a row asks of pyenv."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.api import Adopted, EnvSpec


def other_version(spec: EnvSpec, adopted: Adopted) -> tuple[str, ...]:
    """Say that the environment's interpreter is none of those that only pyenv's words ask for.

    Those are the option ``version`` and factors such as ``3.13.0``; `kern_venv` judges the likes of ``py313``. Names that
    tell no version of Python (``miniconda3-latest``, ``local``) are not judged.
    """
    from kern_venv.api import Interpreter, fits, parse_wanted

    facts = adopted.environment.facts
    texts = spec.options.version or tuple(factor for factor in spec.factors if factor[:1].isdigit() and "." in factor)
    wishes = [parse_wanted(text.removeprefix("python-")) for text in texts]
    version = tuple(int(part) for part in facts.get("version", "").split(".") if part.isdigit())
    if not version or not wishes or None in wishes:
        return ()
    found = Interpreter("", facts.get("implementation", ""), version, "t" in facts.get("flags", ""), "")
    if any(wish is not None and fits(wish, found) for wish in wishes):
        return ()
    return (f"its interpreter is Python {facts['version']}, wanted {' or '.join(texts)}",)
