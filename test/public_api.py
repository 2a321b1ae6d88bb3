"""Lists the public names and their signatures, one a line: what the guide promises between versions.

    cd test && python -m public_api

writes `public_api.txt` anew. The guide's tables say which modules and types are public; their names and signatures
are found in the code. The list is the same on every Python that is supported.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ForwardRef, NamedTuple, ParamSpec, TypeVar

from pages import ROOT, section, table

import coactive
from coactive import request
from coactive.local import __main__ as command_line
from coactive.model.members import Method, Time
from coactive.operation import Operation

GUIDE = ROOT / "docs/guides/public-api.md"
LIST = Path(__file__).with_name("public_api.txt")

_SPECIAL = (
    *("__await__", "__call__", "__contains__", "__enter__", "__eq__", "__exit__", "__getitem__", "__iter__"),
    *("__len__", "__setitem__"),
)
"""The methods that stand for something a program writes: `with`, `await`, `==`."""


class Promise(NamedTuple):
    """What the guide's tables name."""

    modules: list[str]
    paths: list[str]
    types: list[str]
    internal: list[str]


def promise(guide: Path = GUIDE) -> Promise:
    """The public modules, the other paths to their names, the types beside them, and members that are not public."""
    internal = [(f"{owner}.{name}") for (owner,), names in _rows(guide, "## Not public") for name in names]
    modules, paths, types = ([name for names, _ in _rows(guide, f"## {head}") for name in names] for head in _HEADS)
    return Promise(modules, [path for pattern in paths for path in _expanded(pattern)], types, internal)


_HEADS = ("Modules", "Import paths of generated clients", "Types")


def _rows(guide: Path, heading: str) -> Iterator[tuple[list[str], list[str]]]:
    """What stands in code in the first two cells of each row."""
    for first, second in table(section(guide, heading)):
        yield re.findall(r"`([^`]+)`", first), re.findall(r"`([^`]+)`", second)


def _expanded(pattern: str) -> Iterator[str]:
    """The modules of a package for `package.*`."""
    package, star, _ = pattern.partition(".*")
    if not star:
        yield pattern
        return
    for found in pkgutil.iter_modules(import_module(package).__path__):
        yield f"{package}.{found.name}"


def listed() -> list[str]:
    """The whole list, sorted."""
    told = promise()
    public = [f"{module}.{name}" for module in told.modules for name in names_of(import_module(module))]
    public += [name for name in told.types if name not in public]
    entries = Entries({name: resolved(name) for name in public}, told)
    found = [*entries.all(), *_same_elsewhere(entries.objects, told.paths), *_options(), *_environment(), *_commands()]
    return [f"{name}: {what}" if what else name for name, what in sorted(found)]


def names_of(module: ModuleType) -> list[str]:
    """What a module offers: its `__all__`, or else what it defines itself, type variables left out."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    defined = [name for node in _tree(module).body for name in _bound_by(node) if not name.startswith("_")]
    return [name for name in defined if not isinstance(getattr(module, name), TypeVar | ParamSpec)]


def resolved(name: str) -> Any:
    """The object of a dotted name."""
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _bound_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _same_elsewhere(objects: dict[str, Any], paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for name, it in objects.items():
            last = name.rpartition(".")[2]
            if inspect.isclass(it) and it.__module__ == path != name.rpartition(".")[0]:
                yield f"{path}.{last}", f"is {name}"


class Entries:
    """The lines of the public names, each a name and what it is."""

    def __init__(self, objects: dict[str, Any], told: Promise) -> None:
        self.objects = objects
        self._told = told
        self._classes = [it for it in objects.values() if inspect.isclass(it)]

    def all(self) -> Iterator[tuple[str, str]]:
        """Those of all names."""
        for name, it in self.objects.items():
            if inspect.isclass(it):
                yield from self._of_class(name, it)
            else:
                yield name, _of_name(name, it)

    def _of_class(self, name: str, cls: type) -> Iterator[tuple[str, str]]:
        bases = ", ".join(base.__qualname__ for base in self._bases(cls) if base is not object)
        yield name, "class" + (f" of {bases}" if bases else "") + self._made_by(cls)
        members = {member: what for it in reversed(self._own(cls)) for member, what in _members(it)}
        for member, what in members.items():
            if f"{name}.{member}" not in self._told.internal:
                yield f"{name}.{member}", what

    def _made_by(self, cls: type) -> str:
        """How one is made, where that is public and not as a base of the list says."""
        made = [it for public, it in self.objects.items() if public not in self._told.types]
        for it in _ours(cls) if cls in made else []:
            if it is not cls and it in made:
                break
            if "__init__" in vars(it):
                return f", made by {_signature(vars(it)['__init__'])}"
        return ""

    def _own(self, cls: type) -> list[type]:
        """The class, and the bases that it has its members of and that are not public."""
        return [it for it in _ours(cls) if it is cls or it not in self._classes]

    def _bases(self, cls: type) -> Iterator[type]:
        for base in cls.__bases__:
            yield from self._bases(base) if base in self._own(cls) else [base]


def _ours(cls: type) -> list[type]:
    """The class and its bases, those of other packages left out."""
    return [it for it in cls.__mro__ if it.__module__.partition(".")[0] == cls.__module__.partition(".")[0]]


def _members(cls: type) -> Iterator[tuple[str, str]]:
    for name, value in _assigned_by_init(cls).items():
        yield name, value
    for name, annotation in inspect.get_annotations(cls).items():
        if not name.startswith("_"):
            default = vars(cls).get(name, ...)
            yield name, f"attribute {_text(annotation)}{_default(None if isinstance(default, Time) else default)}"
    for name, member in vars(cls).items():
        if name in _SPECIAL and member is not None:
            yield name, "method"
        elif not name.startswith("_") and name not in inspect.get_annotations(cls):
            yield name, _of_member(member)


def _assigned_by_init(cls: type) -> dict[str, str]:
    """The attributes that `__init__` gives an object; with a type where it says one, or where an argument has it."""
    init = vars(cls).get("__init__")
    if not inspect.isfunction(init) or "__dataclass_fields__" in vars(cls):
        return {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    kinds = inspect.get_annotations(init)
    said: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            said[ast.unparse(node.target)] = ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            said.update({ast.unparse(target): _text(kinds.get(node.value.id, "")) for target in node.targets})
    stored = (it for it in ast.walk(tree) if isinstance(it, ast.Attribute) and isinstance(it.ctx, ast.Store))
    names = [it.attr for it in stored if ast.unparse(it.value) == "self" and not it.attr.startswith("_")]
    return {name: f"attribute {said.get(f'self.{name}', '')}".rstrip() for name in names}


def _of_member(member: Any) -> str:
    if isinstance(member, Method):
        return _of_member(member.__wrapped__)
    if isinstance(member, property):
        kind = "settable property" if member.fset else "property"
        return f"{kind} {_text(inspect.signature(member.fget).return_annotation)}" if member.fget else kind
    if isinstance(member, classmethod | staticmethod):
        return f"{type(member).__name__} {_signature(member.__func__, bound=isinstance(member, classmethod))}"
    if isinstance(member, Operation):
        return f"operation {_signature(member)}"
    return f"method {_signature(member)}" if inspect.isfunction(member) else f"attribute{_default(member)}"


_QUOTES = "'\""


def _of_name(name: str, it: Any) -> str:
    """What a function, a fixture of pytest, an alias of types or a constant is."""
    module, _, last = name.rpartition(".")
    node = next((node for node in _tree(import_module(module)).body if last in _bound_by(node)), None)
    if isinstance(node, ast.FunctionDef) and "fixture" in (decorators := _decorators(node)):
        return f"{decorators} -> {ast.unparse(node.returns)}" if node.returns else decorators
    if inspect.isfunction(it):
        return f"function {_signature(it, bound=False)}"
    if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.annotation) == "TypeAlias":
        return f"alias {ast.unparse(node.value).strip(_QUOTES)}"
    return f"constant {type(it).__name__}"


def _decorators(node: ast.FunctionDef) -> str:
    return ", ".join(ast.unparse(decorator) for decorator in node.decorator_list)


class _As(str):
    """Text that shows itself without quotes, in a signature too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(function: Any, *, bound: bool = True) -> str:
    """A signature with its annotations as they are written, without the object of a method."""
    told = inspect.signature(function)
    parameters = [it.replace(annotation=_As(_text(it.annotation))) for it in told.parameters.values()][bound:]
    parameters = [it if it.annotation else it.replace(annotation=it.empty) for it in parameters]
    returns = _text(told.return_annotation)
    listed = str(told.replace(parameters=parameters, return_annotation=told.empty))
    return f"{listed} -> {returns}" if returns and returns != "None" else listed


def _text(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(annotation))


def _default(value: Any) -> str:
    return "" if value is ... or hasattr(value, "__get__") else f" = {value!r}"


def _options() -> Iterator[tuple[str, str]]:
    kinds = {name: _text(kind) for name, kind in request.RequestOptions.__annotations__.items()}
    for name in {*kinds, *request.GENERATED_OPTIONS, *request.ANSWER_OPTIONS}:
        yield f"option of operations {name}", kinds.get(name, "")


def _environment() -> Iterator[tuple[str, str]]:
    files = Path(coactive.__file__).parent.rglob("*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for text in texts:
        if re.fullmatch(r"COACTIVE_[A-Z_]+", text):
            yield f"environment variable {text}", ""


def _commands() -> Iterator[tuple[str, str]]:
    parser = command_line._parser()
    (commands,) = (it for it in parser._actions if isinstance(it, argparse._SubParsersAction))
    for command, its in commands.choices.items():
        yield f"{parser.prog} {command}", ""
        for argument in its._actions:
            if argument.dest != "help":
                kind = getattr(argument.type, "__name__", "str") if argument.nargs != 0 else ""
                shown = ", ".join(argument.option_strings) or f"[{argument.metavar}]"
                yield f"{parser.prog} {command} {shown}", f"{kind} = {argument.default!r}" if kind else "flag"


def main() -> None:
    """Write the list anew."""
    lines = listed()
    LIST.write_text("\n".join([*lines, ""]), "utf-8")
    print(f"{LIST.name}: {len(lines)} lines, of {Path(coactive.__file__).parent}")


if __name__ == "__main__":
    main()
