"""The verb ``kern plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.cli.opening import masked, open_session, planned, print_json, write
from kern.visible import visible

if TYPE_CHECKING:
    from kern.cli.declarations import PlanArguments


def main(arguments: PlanArguments) -> int:
    """Print what a run would do."""
    from kern.plan.document import document, lines

    session = open_session(arguments, recreate=arguments.recreate)
    try:
        plan = planned(session, arguments)
        if arguments.json:
            print_json(masked(document(plan), session.masker))
            return 0
        for text in plan.notices:
            session.warn(text)
        write("".join(visible(session.masker.mask_text(line)) + "\n" for line in lines(plan)))
        return 0
    finally:
        session.close()
