"""As much of GraphQL as Shopify's clients use: documents with variables and fragments, answered
from plain values. A field that nobody rendered does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'(?P<skip>[\s,]+|\#[^\n]*)|(?P<spread>\.\.\.)|(?P<string>"(?:\\.|[^"\\])*")'
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[{}()\[\]:$!=@])"
)
Resolver = Callable[..., Any]


class BadQuery(ValueError):
    """What Shopify puts in `errors`; `code` goes to extensions."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Variable:
    name: str


@dataclass(kw_only=True)
class Selected:
    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selection: list[Selected] | None = None
    fragment: bool = False  # a spread: `name` is the fragment's


@dataclass(kw_only=True)
class Operation:
    kind: str
    name: str
    variables: dict[str, bool]  # name -> whether it must be given
    selection: list[Selected]


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise BadQuery(f"syntax error, unexpected {token or 'end of file'}")
        self.at += 1
        return token

    def document(self) -> tuple[list[Operation], dict[str, list[Selected]]]:
        operations, fragments = [], {}
        while self.peek():
            if self.peek() == "{":  # the short form of a query
                operations.append(
                    Operation(kind="query", name="", variables={}, selection=self.selection())
                )
                continue
            kind = self.take()
            if kind == "fragment":
                name = self.take()
                self.take("on")
                self.take()
                fragments[name] = self.selection()
            elif kind in ("query", "mutation"):
                operations.append(self.operation(kind))
            else:
                raise BadQuery(f"syntax error, unexpected {kind}")
        return operations, fragments

    def operation(self, kind: str) -> Operation:
        name = "" if self.peek() in ("{", "(") else self.take()
        variables: dict[str, bool] = {}
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                self.take("$")
                variable = self.take()
                self.take(":")
                variables[variable] = self.type_()
            self.take(")")
        return Operation(kind=kind, name=name, variables=variables, selection=self.selection())

    def type_(self) -> bool:
        if self.peek() == "[":
            self.take()
            self.type_()
            self.take("]")
        else:
            self.take()
        required = self.peek() == "!"
        if required:
            self.take()
        return required

    def selection(self) -> list[Selected]:
        self.take("{")
        found = []
        while self.peek() != "}":
            if self.peek() == "...":
                self.take()
                name = self.take()
                found.append(Selected(name=name, alias=name, fragment=True))
            else:
                found.append(self.field())
        self.take("}")
        return found

    def field(self) -> Selected:
        alias = name = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        chosen = Selected(name=name, alias=alias)
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                argument = self.take()
                self.take(":")
                chosen.arguments[argument] = self.value()
            self.take(")")
        if self.peek() == "{":
            chosen.selection = self.selection()
        return chosen

    def value(self) -> Any:
        token = self.take()
        if token == "$":
            return Variable(name=self.take())
        if token.startswith('"'):
            return token[1:-1].replace('\\"', '"')
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        return {"true": True, "false": False, "null": None}.get(token, token)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadQuery(f"syntax error, unexpected {text[at]!r}")
        at = match.end()
        if not match["skip"]:
            yield match[0]


class Document:
    """A parsed document, one operation of it chosen. Raises BadQuery."""

    def __init__(self, text: str, name: str, variables: Mapping[str, Any]) -> None:
        operations, self.fragments = _Parser(text).document()
        chosen = [each for each in operations if not name or each.name == name]
        if len(chosen) != 1:
            raise BadQuery(f'No operation named "{name}"')
        self.operation = chosen[0]
        for variable, required in self.operation.variables.items():
            if required and variables.get(variable) is None:
                raise BadQuery(
                    f"Variable ${variable} was provided invalid value", "INVALID_VARIABLE"
                )
        self.variables = variables

    def fields(self) -> list[Selected]:
        return self._flat(self.operation.selection)

    def arguments(self, chosen: Selected) -> dict[str, Any]:
        return {name: self._given(value) for name, value in chosen.arguments.items()}

    def _given(self, value: Any) -> Any:
        if not isinstance(value, Variable):
            return value
        if value.name not in self.operation.variables:
            raise BadQuery(f"Variable ${value.name} is used but not declared", "variableNotDefined")
        return self.variables.get(value.name)

    def _flat(self, selection: list[Selected]) -> list[Selected]:
        found: list[Selected] = []
        for each in selection:
            if not each.fragment:
                found.append(each)
            elif each.name in self.fragments:
                found += self._flat(self.fragments[each.name])
            else:
                raise BadQuery(f"Fragment {each.name} was used, but not defined")
        return found

    def find(self, *path: str) -> Selected | None:
        """The field that was chosen at `path`, None where it was not asked for."""
        selection, chosen = self.operation.selection, None
        for name in path:
            chosen = next((each for each in self._flat(selection) if each.name == name), None)
            if chosen is None:
                return None
            selection = chosen.selection or []
        return chosen

    def answer(self, root: Mapping[str, Any]) -> dict[str, Any]:
        return self._object(root, self.operation.selection)

    def _object(self, value: Mapping[str, Any], selection: list[Selected]) -> dict[str, Any]:
        result = {}
        for each in self._flat(selection):
            if each.name not in value:
                raise BadQuery(f"Field '{each.name}' doesn't exist", "undefinedField")
            found = value[each.name]
            if callable(found):
                found = found(**self.arguments(each))
            elif each.arguments and not isinstance(found, list):
                raise BadQuery(f"Field '{each.name}' takes no arguments", "argumentNotAccepted")
            result[each.alias] = self._value(found, each)
        return result

    def _value(self, found: Any, chosen: Selected) -> Any:
        if isinstance(found, list):
            return [self._value(each, chosen) for each in found]
        if isinstance(found, Mapping):
            if chosen.selection is None:
                raise BadQuery(f"Field '{chosen.name}' must have selections", "selectionMismatch")
            return self._object(found, chosen.selection)
        if chosen.selection is not None and found is not None:
            raise BadQuery(f"Field '{chosen.name}' can't have selections", "selectionMismatch")
        return found
