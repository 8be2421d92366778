"""Named tuples that are cheap to define are like those of `typing`, which each test is tried on as well."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import typing
from pathlib import Path

import pytest

import kern
from kern import named_tuples


class Ours(named_tuples.NamedTuple):
    """What is known of a place."""

    name: str
    size: int = 3
    parts: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.size

    @classmethod
    def of(cls, text: str) -> Ours:
        return cls(text)

    def longer(self, by: int) -> Ours:
        return self._replace(size=self.size + by)


class Theirs(typing.NamedTuple):
    """What is known of a place."""

    name: str
    size: int = 3
    parts: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.size

    @classmethod
    def of(cls, text: str) -> Theirs:
        return cls(text)

    def longer(self, by: int) -> Theirs:
        return self._replace(size=self.size + by)


class Deeper(Ours):
    """A class of a class."""

    def name_of(self) -> str:
        return self.name.upper()


both = pytest.mark.parametrize("kind", [Ours, Theirs])


@both
def test_values_come_by_place_and_by_name_and_from_defaults(kind):
    one = kind("a", parts=("b",))
    assert one == ("a", 3, ("b",))
    assert (one.name, one.size, one.parts) == (one[0], one[1], one[2]) == ("a", 3, ("b",))
    assert isinstance(one, tuple)
    assert hash(one) == hash(("a", 3, ("b",)))
    name, *rest = one
    assert (name, rest) == ("a", [3, ("b",)])


@both
@pytest.mark.parametrize(
    ("values", "named"), [((), {}), (("a", 1, (), 2), {}), (("a",), {"name": "b"}), (("a",), {"x": 1})]
)
def test_wrong_values_are_refused(kind, values, named):
    with pytest.raises(TypeError, match=r"argument"):
        kind(*values, **named)


@both
def test_a_changed_copy(kind):
    one = kind("a")
    assert one._replace(size=4) == ("a", 4, ())
    assert type(one._replace(size=4)) is kind
    assert one == ("a", 3, ())
    with pytest.raises((TypeError, ValueError), match="color"):
        one._replace(color=1)


@both
def test_nothing_can_be_set(kind):
    one = kind("a")
    with pytest.raises(AttributeError):
        one.name = "b"
    with pytest.raises(AttributeError):
        one.other = "b"


@both
def test_what_else_named_tuples_have(kind):
    one = kind("a")
    assert kind._fields == kind.__match_args__ == ("name", "size", "parts")
    assert kind._field_defaults == {"size": 3, "parts": ()}
    assert kind._make(iter(("a", 1, ()))) == ("a", 1, ())
    with pytest.raises(TypeError, match=r"xpected 3"):
        kind._make(("a",))
    assert one._asdict() == {"name": "a", "size": 3, "parts": ()}
    assert repr(one) == f"{kind.__name__}(name='a', size=3, parts=())"


@both
def test_methods_of_the_class(kind):
    assert kind("a").double == 6
    assert kind.of("b").name == "b"
    assert kind("a").longer(2).size == 5


@both
def test_a_pattern_takes_it_apart(kind):
    match kind("a", 4):
        case kind(name, size):
            assert (name, size) == ("a", 4)


@both
def test_copies_are_of_the_same_class(kind):
    one = kind("a", 2, ("b",))
    for again in (copy.copy(one), copy.deepcopy(one), *(pickle.loads(pickle.dumps(one, way)) for way in range(2, 6))):
        assert again == one
        assert type(again) is kind


@both
def test_what_is_said_of_the_class(kind):
    assert kind.__doc__ == "What is known of a place."
    assert (kind.__module__, kind.__qualname__) == (__name__, kind.__name__)
    assert typing.get_type_hints(kind) == {"name": str, "size": int, "parts": tuple[str, ...]}
    fields = inspect.signature(kind).parameters.values()
    assert [(each.name, each.default) for each in fields] == [
        ("name", inspect.Parameter.empty),
        ("size", 3),
        ("parts", ()),
    ]


def test_a_class_of_a_class():
    assert Deeper("a").name_of() == "A"
    assert Deeper("a")._replace(name="b").name_of() == "B"
    assert Deeper("a") == Ours("a")


def test_two_of_as_many_fields_don_t_share_their_names():
    class First(named_tuples.NamedTuple):
        one: int
        two: int = 2

    class Second(named_tuples.NamedTuple):
        three: int
        four: int

    assert First(one=1) == (1, 2)
    assert Second(four=4, three=3) == (3, 4)
    with pytest.raises(TypeError, match="'four'"):
        Second(3)


def test_the_kernel_takes_its_named_tuples_from_there():
    root = Path(kern.__file__).parent
    modules = {path: ast.parse(path.read_text()) for path in root.rglob("*.py") if "templates" not in path.parts}
    found = [
        path.relative_to(root).as_posix()
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        if "NamedTuple" in (name.name for name in node.names)
    ]
    assert found == ["named_tuples.py"]
