"""What other engines say when they fail: conda in JSON on standard output, the others in words on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import StepFailed
from kern_conda.explaining import Told, explain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Command, Completed, Context
    from kern_conda.questions import Question

_UNSOLVABLE = ("Unsatisfiable", "PackagesNotFound", "ResolvePackageNotFound", "SpecsConfigurationConflict")

_NO_SOLUTION = ("because of:", "Could not solve for environment specs", "Encountered problems while solving")
_DAMAGED = ("corrupt", "Package cache error", "Found incorrect download")
_GIVEN_UP = "CondaSystemExit"


class Problem(NamedTuple):
    """Why a program has not installed what it was asked for.

    Attributes:
        said: its words.
        solvable: false where there is no solution.
        damaged: the package cache is not as it should be: a conda that was killed leaves half a package there.
        exit_code: its exit code.
        log: absolute path of the step's log, where it is known.
    """

    said: str
    solvable: bool = True
    damaged: bool = False
    exit_code: int = 0
    log: str = ""


def run_in_words(command: Command, context: Context) -> Problem | None:
    """Run a program that explains itself in words, and read what went wrong; ``None`` if nothing did."""
    try:
        context.run(command)
    except StepFailed as error:
        said = error.tail or error.message
        solvable = not any(words in said for words in _NO_SOLUTION)
        return Problem(said, solvable, damaged=any(words in said for words in _DAMAGED), log=error.log)
    return None


def find_problem(done: Completed) -> Problem | None:
    """Read what went wrong from how conda ended; ``None`` if nothing did.

    The exit code alone does not tell: conda ends with 0 where it gives up unpacking.
    """
    answer = _answer(done.stdout)
    if done.exit_code == 0 and not _admits(answer):
        return None
    said = "\n".join(dict.fromkeys(_reasons(answer))) or done.stdout[-4000:]
    kind = str(answer.get("exception_name", ""))
    solvable = not answer.get("solver_problems") and not any(name in kind for name in _UNSOLVABLE)
    return Problem(
        said, solvable, damaged=any(words in said for words in _DAMAGED) or kind == _GIVEN_UP, exit_code=done.exit_code
    )


def explain_problem(engine: str, problem: Problem, question: Question) -> Told:
    """Say a problem in kern's words.

    Args:
        engine: the program, as the user knows it.
        problem: what it said.
        question: what the user asked for.
    """
    if not problem.solvable:
        return explain({"kind": "SolverError", "message": problem.said}, question)
    how = f" (exit code {problem.exit_code})" if problem.exit_code else ""
    message = f"{engine} could not install into the environment{how}"
    return Told(message, hint=_advice(problem, question), tail=problem.said)


def _answer(stdout: str) -> Mapping[str, Any]:
    """Read the JSON object that ends the output: some versions print other things before it."""
    import json

    start = stdout.find("{")
    while start >= 0:
        try:
            found = json.loads(stdout[start:])
        except ValueError:
            start = stdout.find("\n{", start)
            start += 1 if start >= 0 else 0
            continue
        return found if isinstance(found, dict) else {}
    return {}


def _admits(answer: Mapping[str, Any]) -> bool:
    return answer.get("success") is False or "exception_name" in answer or "error" in answer


def _reasons(answer: Mapping[str, Any]) -> Iterator[str]:
    """List what is said: conda has ``message``, and the same with its class before it as ``error``."""
    several = answer.get("errors") or ()
    for one in several:
        yield from _reasons(one) if isinstance(one, dict) else (str(one),)
    said = answer.get("message") or answer.get("error")
    if said and not several:
        yield str(said).strip()
    problems = answer.get("solver_problems") or ()
    yield from map(str, [problems] if isinstance(problems, str) else problems)


def _advice(problem: Problem, question: Question) -> str:
    if problem.damaged:
        return "take what is damaged out of its package cache: `clean --packages` of that program does it"
    if question.offline:
        return "offline: only channels and packages that were read before can be used"
    return ""
