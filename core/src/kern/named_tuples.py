"""`NamedTuple`, as in `typing`, for less than it costs to define one.

A start that changes nothing defines some seventy named tuples. `typing.NamedTuple` compiles a function for each, checks the
type of every field, and works out the class twice, in every start. Here classes of as many fields share the
code of their constructor, and annotations are kept as they are, strings included, as dataclasses do. What is wrong in the
body of a class (a field without a default behind one that has some) is left to the type checker.

See https://docs.python.org/3/library/collections.html#collections.namedtuple for what such a class has.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 14):  # from then on annotations are not in the body of a class
    from typing import NamedTuple
else:
    from functools import cache
    from operator import itemgetter
    from types import CodeType, FunctionType

    try:
        from _collections import _tuplegetter as _member
    except ImportError:  # not CPython

        def _member(index: int, doc: None) -> property:
            return property(itemgetter(index), doc=doc)

    class _Named(tuple):
        """What all named tuples can do."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values: object) -> _Named:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"expected {len(cls._fields)} values, got {len(made)}")
            return made

        def _replace(self, /, **changes: object) -> _Named:
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"there are no fields {list(changes)!r}")
            return made

        __replace__ = _replace

        def _asdict(self) -> dict[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

        def __getnewargs__(self) -> tuple[object, ...]:
            return tuple(self)

    @cache
    def _constructor(count: int) -> CodeType:
        """The code of a ``__new__`` that takes so many values, with names that stand for those of the fields."""
        values = "".join(f"_{index}, " for index in range(count))
        return eval(f"lambda _cls, {values}: _new(_cls, ({values}))").__code__  # noqa: S307 - nothing from outside

    def _new(fields: tuple[str, ...], defaults: tuple[object, ...]) -> FunctionType:
        code = _constructor(len(fields)).replace(co_varnames=("_cls", *fields), co_name="__new__")
        return FunctionType(code, {"_new": tuple.__new__}, "__new__", defaults)

    class _Defining(type):
        """Makes a class out of the fields and the methods in its body."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            annotations = body.get("__annotations__", {})
            fields = tuple(annotations)
            defaults = {field: body[field] for field in fields if field in body}
            made = {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
            made["__new__"] = new = _new(fields, tuple(defaults.values()))
            new.__annotations__ = annotations
            members = {field: _member(index, None) for index, field in enumerate(fields)}
            return type(name, (_Named,), {**body, **made, **members})

    class NamedTuple(metaclass=_Defining):
        """See `typing.NamedTuple`."""


__all__ = ["NamedTuple"]
