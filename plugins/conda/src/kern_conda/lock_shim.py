"""What conda-lock takes for conda: a program that answers ``create --dry-run --json`` with rattler's solution.

Started by conda-lock, never imported by kern. What is to be solved stands in a file that kern has written, in kern's own
words: conda-lock's way through an environment file would lose parts of MatchSpecs. Platform and virtual packages come
from conda-lock, in the variables that conda knows.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_ALWAYS = {"linux": ("__unix",), "osx": ("__unix",), "win": ("__win",)}


def main(asked: str, words: list[str]) -> int:
    """Answer one call.

    Args:
        asked: path of the request: ``machine``, ``question`` and, by platform, ``preferred`` records.
        words: what conda-lock says to conda.

    Returns:
        The exit code.
    """
    if words == ["--version"]:
        print("conda 26.1.0")  # noqa: T201 - the answer
        return 0
    if words[:1] != ["create"]:
        print(json.dumps({"message": f"this conda can't {' '.join(words[:1])}"}))  # noqa: T201 - the answer
        return 2
    with open(asked, encoding="utf-8") as file:
        request = json.load(file)
    sys.path[:] = list(
        dict.fromkeys((*request["machine"]["path"], os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    )
    platform = os.environ["CONDA_SUBDIR"]
    question = {
        **request["question"],
        "platform": platform,
        "detect": False,
        "virtual_packages": virtual_packages(platform, request["question"]["virtual_packages"]),
        "preferred": request["preferred"].get(platform, []),
    }
    return tell(solved({"action": "solve", "question": question, "machine": request["machine"]}), question)


def virtual_packages(platform: str, stated: list[str]) -> list[str]:
    """List what a machine of a platform is said to have: by conda-lock, and in its place by the user."""
    found = dict.fromkeys(_ALWAYS.get(platform.partition("-")[0], ()), "0")
    for variable, value in os.environ.items():
        if variable.startswith("CONDA_OVERRIDE_") and value:
            name = f"__{variable.removeprefix('CONDA_OVERRIDE_').lower()}"
            found[name] = f"1={value}" if name == "__archspec" else value
    own = {text.partition("=")[0] for text in stated}
    return [*(f"{name}={value}" for name, value in found.items() if name not in own), *stated]


def solved(request: dict[str, Any]) -> dict[str, Any]:
    """Solve in this very process."""
    import contextlib

    from kern_conda.worker import answer

    with contextlib.redirect_stdout(sys.stderr):
        return answer(request)


def tell(found: dict[str, Any], question: dict[str, Any]) -> int:
    """Print a solution, or why there is none, as conda does."""
    problem = found.get("problem")
    if problem is not None:
        print(json.dumps({"message": explained(problem, question)}))  # noqa: T201 - the answer
        return 1
    records = [
        {**record, "dist_name": record["fn"].removesuffix(".conda").removesuffix(".tar.bz2")}
        for record in found["records"]
    ]
    print(json.dumps({"success": True, "actions": {"FETCH": records, "LINK": records}}))  # noqa: T201 - the answer
    return 0


def explained(problem: dict[str, str], question: dict[str, Any]) -> str:
    """Put a problem into words, and note it where kern finds it."""
    from kern_conda.explaining import explain
    from kern_conda.questions import Question

    told = explain(problem, Question(**question))
    with open(f"{sys.argv[1]}.problem", "w", encoding="utf-8") as file:
        json.dump({**told._asdict(), "platform": question["platform"]}, file)
    return told.message


if __name__ == "__main__":
    code = 1
    try:
        code = main(sys.argv[1], sys.argv[2:])
    except BaseException:  # noqa: BLE001 - shown, and the process ends with 1
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # rattler's threads would crash the interpreter's ordinary end
