"""The base of every body and query that comes in."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

from core.errors import Malformed


class Input(serializers.Serializer):  # type: ignore[type-arg]
    """A body. Fields that it does not declare are refused."""

    @cached_property
    def fields(self) -> BindingDict:
        """Share the fields of the class: REST framework copies them for each instance, which costs more than their use.

        A field keeps nothing of what it validates. It asks its root for ``partial`` and ``context``, so those who give
        either have fields of their own.
        """
        root = self.root
        return _own_fields(self) if root.partial or root._context else _fields_of(type(self))  # noqa: SLF001

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in data if name not in self.fields or self.fields[name].read_only)
            if unknown:
                raise serializers.ValidationError(
                    {
                        name.encode("utf-8", "replace").decode()[:100]: [
                            serializers.ErrorDetail("This field is not known here.", code="unknown")
                        ]
                        for name in unknown[:20]
                    }
                )
        return super().to_internal_value(data)


def _own_fields(serializer: Input) -> BindingDict:
    fields = BindingDict(serializer)
    for name, field in serializer.get_fields().items():
        fields[name] = field
    return fields


@cache
def _fields_of(kind: type[Input]) -> BindingDict:
    return _own_fields(kind())


class Query(Input):
    """The query string of a list. Each name at most once; names that it does not declare are refused."""

    @classmethod
    def read(cls, parameters: Any, **context: Any) -> dict[str, Any]:
        """Return the validated values.

        :raises ValidationError: an unknown name or a wrong value
        :raises Malformed: a name is given twice
        """
        doubled = [name for name in parameters if len(parameters.getlist(name)) > 1]
        if doubled:
            raise Malformed.field(doubled[0][:100], "Give this once.", code="doubled")
        query = cls(data=parameters.dict(), context=context)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)
