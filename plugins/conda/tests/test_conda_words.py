"""What is said when it does not work out: the reason first, and nothing that only kern understands."""

from __future__ import annotations

from kern_conda.explaining import explain
from kern_conda.questions import Question
from kern_conda.recipe import _last_words

ASKED = Question(("x",), ("https://host/a",))


def unsolvable(tree: str) -> tuple[str, str, str]:
    """The message, the hint and the first lines of an unsolvable question."""
    told = explain({"kind": "SolverError", "message": f"Cannot solve the request because of: {tree}"}, ASKED)
    return told.message, told.hint, told.tail.partition("\nspecs: ")[0]


def test_a_name_that_no_channel_has() -> None:
    message, hint, tail = unsolvable("No candidates were found for nump >=2.")
    assert (message, tail) == ("no channel has nump >=2", "No candidates were found for nump >=2.")
    assert hint.startswith("is the name right")


def test_a_dependency_of_the_package_under_test_that_no_channel_has() -> None:
    found = f'demo [sha256="{"0a" * 32}"] cannot be installed because\n└─ demo 1.0 would require\n   └─ '
    message, hint, tail = unsolvable(f"{found}other >=1, for which no candidates were found.")
    assert message == "the packages do not go together"
    assert hint.startswith("is the name right")
    assert tail.startswith("demo cannot be installed because\n")


def test_packages_that_do_not_go_together() -> None:
    message, hint, _ = unsolvable(
        "The following packages are incompatible\n├─ a, for which no candidates were found.\n└─ b"
    )
    assert message == "the packages do not go together"
    assert hint.startswith("loosen")


def test_a_failed_build_ends_with_its_own_words() -> None:
    own = "\n".join(f"line {number}" for number in range(60))
    printed = f"{own}\nScript failed with status 1\n\nScript execution failed.\n\n  Work directory: /x\n\n  cd /x && ./build.sh\n"
    assert _last_words(printed).splitlines() == [*(f"line {n}" for n in range(21, 60)), "Script failed with status 1"]
    assert _last_words("one\n") == "one"
