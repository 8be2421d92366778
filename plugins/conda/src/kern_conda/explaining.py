"""Turning rattler's errors into sentences: what was asked, what the solver says, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kern_conda.secrets import secrets_of
from kern_conda.virtual_packages import OVERRIDES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern_conda.questions import Question

_UNREADABLE = ("GatewayError", "FetchRepoDataError")
_SENSELESS = (
    "SpecError",
    "InvalidMatchSpecError",
    "InvalidPackageNameError",
    "InvalidVersionError",
    "InvalidVersionSpecError",
)
_LOCK = ("LockError", "ParseCondaLockError")

_NAME_OR_CHANNEL = "is the name right, and is there a channel that has it? see `channels`"
_ABSENT = "No candidates were found for "
_UNKNOWN = (_ABSENT, "not available from current channels", "nothing provides", "does not exist")
"""How rattler, conda and mamba say that nothing has the name or the version."""


class Told(NamedTuple):
    """The parts of an error."""

    message: str
    where: str = ""
    hint: str = ""
    tail: str = ""


def explain(problem: Mapping[str, str], question: Question | None) -> Told:
    """Say what a worker ran into.

    Args:
        problem: its answer: ``kind``, the name of the error's class, and ``message``.
        question: what was asked, where something was to be solved.
    """
    kind, message = problem["kind"], _masked(problem["message"], question)
    if kind == "SolverError":
        return _unsolvable(message, question)
    if kind in _UNREADABLE:
        return _unreachable(message, question)
    if kind in _SENSELESS:
        said = _first_line(message) if kind == "SpecError" else f"a spec can't be read: {_first_line(message)}"
        return Told(said, "conda_deps", "it is a MatchSpec: `numpy >=2,<3`")
    if kind in _LOCK:
        return Told(_first_line(message), "lock", "`kern lock` writes it anew")
    if kind == "OfflineError":
        hint = "run once without `offline`, or with CONDA_OFFLINE=false"
        return Told(f"offline, and not in the cache: {message}", "offline", hint)
    return _failed(message)


def _unsolvable(message: str, question: Question | None) -> Told:
    tree = _readable(message.partition("because of:")[2].strip() or message)
    if question is None:
        return Told("the packages do not go together", tail=tree)
    asked = [f"specs: {', '.join(question.specs) or 'none'}"]
    asked += [f"packages: {', '.join(question.packages)}"] if question.packages else []
    asked += [f"channels: {', '.join(_masked(url, question) for url in question.channels) or 'none'}"]
    asked += [f"virtual packages: {', '.join(question.virtual_packages)}"] if question.virtual_packages else []
    return Told(_summary(tree), "conda_deps", _advice(tree, question), "\n".join((tree, *asked)))


def _readable(tree: str) -> str:
    """Leave the hash out by which a package under test is asked for: it says nothing to anybody."""
    from re import sub

    return sub(r' ?\[sha256="?[0-9a-f]{64}"?\]', "", tree)


def _summary(tree: str) -> str:
    """Say in a line what is wrong: most often it is a name that no channel has."""
    absent = tree.removeprefix(_ABSENT)
    if absent == tree or "\n" in tree:
        return "the packages do not go together"
    return f"no channel has {absent.removesuffix('.')}"


def _advice(tree: str, question: Question) -> str:
    if any(words in tree for words in _UNKNOWN):
        return _NAME_OR_CHANNEL
    if "not in requested channel" in tree:
        return "the channel that the spec names is not among `channels`, or has no such package"
    if "__" in tree and any(f"{name} " in tree for name in OVERRIDES):
        return "say what the machine has with `virtual_packages = ['__cuda=12']`, or take away what needs it"
    if tree.endswith("no candidates were found."):
        return _NAME_OR_CHANNEL
    if question.channel_priority == "strict" and len(question.channels) > 1:
        return "loosen a requirement; channel_priority = 'flexible' lets a later channel help out"
    return "loosen one of the requirements that stand above"


def _unreachable(message: str, question: Question | None) -> Told:
    line = message.replace("\nCaused by:", ":")
    tail = message if "\n" in message else ""
    offline = question is not None and question.offline
    return Told(f"a channel can't be read: {_first_line(line)}", "channels", _way_there(message, offline=offline), tail)


def _way_there(message: str, *, offline: bool) -> str:
    if offline:
        return "offline: only channels that were read before can be used"
    if any(answer in message for answer in ("401 Unauthorized", "403 Forbidden")):
        return (
            "the channel wants a login that it knows: in its address ('https://{env:NAME}@host/channel'), in ~/.netrc, or in "
            "the file that RATTLER_AUTH_FILE names"
        )
    if "certificate" in message:
        return "SSL_CERT_FILE, or `ssl_verify` of conda's configuration, names the certificates that are to be trusted"
    return "is the channel's address right? `offline = true` takes what was read before"


def _failed(message: str) -> Told:
    lines = message.strip().splitlines()
    if "longer than the placeholder prefix" in message:
        return Told(
            "the environment's path is too long: conda packages have room for 255 characters",
            hint="keep the project in a directory with a shorter path",
            tail=message,
        )
    said = lines[-1].removeprefix("Caused by: ") if len(lines) > 1 else (lines or ["no reason given"])[0]
    hint = "the file is not what its channel says it is; do not use it" if "hash mismatch" in message else ""
    told = f"the packages could not be installed: {said}"
    return Told(told, hint=hint, tail=message if len(lines) > 1 else "")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _masked(text: str, question: Question | None) -> str:
    for url in question.channels if question else ():
        for secret in secrets_of(url):
            text = text.replace(secret, "***")
    return text
