"""Read YAML and validate it with pydantic, so that every fault names its file, line and place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipelines.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
_VALUE = re.compile(r" with value .*", re.DOTALL)


def load_model(path: Path, model: type[Model]) -> Model:
    """Parse one YAML file into `model`.

    Raises
    ------
    ConfigError
        With one line a fault: file, line, place, what is wrong, what was expected.
    """
    tree = read_yaml(path)
    try:
        return model.model_validate(plain(tree))
    except ValidationError as error:
        faults = [_fault_line(path, tree, model, fault) for fault in error.errors()]
        raise ConfigError("\n".join(faults)) from None


def read_yaml(path: Path) -> Any:
    """The file as a tree that remembers its lines; for reading only, others may hold the same tree.

    Raises
    ------
    ConfigError
        When the file does not exist, is not UTF-8 text, or is not valid YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. `lohko init DIR` creates a project to start from; "
            "LOHKO_PROJECT or --project names the folder."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    return _parse(path, text)


@lru_cache(maxsize=256)
def _parse(path: Path, text: str) -> Any:
    """Kept: places are looked up in the same files again and again, and the parser is slow."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark else ""
        # What stands at a key that comes twice may be half a file.
        reason = f"{_VALUE.sub('', error.problem or error.context or '')}{_hint(error)}"
        raise ConfigError(f"{path}{line}: not valid YAML: {reason}") from None
    except YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, found {_kind(tree)}")
    return tree


def _hint(error: MarkedYAMLError) -> str:
    """What helps with the fault that conditions with labelled arguments run into."""
    if error.problem != "mapping values are not allowed here":
        return ""
    return "; a text that holds a colon and a space, such as did(orders, where: …), must be in double quotes"


def plain(node: Any) -> Any:
    """Containers of ruamel as plain ones, so that pydantic's messages speak of dict and list."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return node


def line_of(tree: Any, location: Sequence[str | int]) -> int | None:
    """The 1-based line of a place in the tree, or of its nearest parent that exists."""
    line: int | None = None
    node = tree
    for part in location:
        marks = getattr(node, "lc", None)
        try:
            if isinstance(node, dict) and part in node and marks is not None:
                line = marks.key(part)[0] + 1
            elif isinstance(node, list) and isinstance(part, int) and marks is not None:
                line = marks.item(part)[0] + 1
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return line


def place_in(path: Path, tree: Any, location: Sequence[str | int]) -> str:
    """How a fault names a place: file, line where it is known, and the settings that lead there."""
    line = line_of(tree, location)
    return f"{path}{f':{line}' if line else ''}: {'.'.join(str(part) for part in location)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean a or b?` for a misspelt name, or an empty text; names as they are written."""
    written = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(written), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(written[near] for near in close)}?" if close else ""


def _kind(tree: object) -> str:
    return "nothing" if tree is None else type(plain(tree)).__name__


def _fault_line(path: Path, tree: Any, model: type[BaseModel], fault: Any) -> str:
    location = list(fault["loc"])
    if issubclass(model, RootModel) and location:
        # One of several kinds: pydantic's location opens with the kind, which stands nowhere in the file.
        model = _of_kind(model, location.pop(0))
    if fault["type"] == "union_tag_invalid":
        location.append(_discriminator(fault))
    line = line_of(tree, location)
    place = ".".join(str(part) for part in location)
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {place + ': ' if place else ''}{_explain(model, fault, location)}"


def _discriminator(fault: Any) -> str:
    """The setting that says which kind a place is."""
    return str(fault["ctx"]["discriminator"]).strip("'")


def _of_kind(model: type[BaseModel], kind: object) -> type[BaseModel]:
    """The member of a discriminated union that a kind stands for."""
    for member in get_args(model.model_fields["root"].annotation):
        if kind in get_args(member.model_fields["kind"].annotation):
            found: type[BaseModel] = member
            return found
    return model


def _kinds(model: type[BaseModel]) -> str:
    """The kinds of a discriminated union."""
    members = get_args(model.model_fields["root"].annotation)
    return ", ".join(kind for member in members for kind in get_args(member.model_fields["kind"].annotation))


def _explain(model: type[BaseModel], fault: Any, location: Sequence[str | int]) -> str:
    if fault["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        hint = nearest(str(location[-1]), known)
        listed = f" (known here: {', '.join(sorted(known))})" if known else ""
        return f"no such setting{hint}{listed}"
    if fault["type"] == "missing":
        return "is required and missing"
    if fault["type"] == "union_tag_not_found":
        return f"{_discriminator(fault)} says which kind it is; expected one of {_kinds(model)}"
    if fault["type"] == "union_tag_invalid":
        tag = str(fault["ctx"]["tag"])
        kinds = str(fault["ctx"]["expected_tags"]).replace("'", "")
        return (
            f"{tag} is no {_discriminator(fault)}{nearest(tag, kinds.split(', '))}; expected one of {kinds}"
        )
    message = str(fault["msg"]).removeprefix("Value error, ")
    shown = fault.get("input")
    if not isinstance(shown, (str, int, float, bool)) or _may_hold_a_secret(shown, location):
        return message
    return f"{message}, found {shown!r}"


def _may_hold_a_secret(shown: object, location: Sequence[str | int]) -> bool:
    """Whether a value is not to be repeated: someone wrote a token where a variable's name belongs."""
    named = any(str(part).endswith("_from") for part in location)
    return named or ("://" in str(shown) and "@" in str(shown))


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    """The settings that a place knows, found by walking the model's annotations."""
    annotation: Any = model
    for part in location:
        annotation = _descend(annotation, part)
    found = _model_in(annotation)
    return {field.alias or name for name, field in found.model_fields.items()} if found else set()


def _descend(annotation: Any, part: str | int) -> Any:
    """The annotation one step into a model, `dict[str, X]`, `list[X]`, or a union of such."""
    found = _model_in(annotation)
    if found is not None:
        field = found.model_fields.get(str(part))
        return field.annotation if field else None
    inner = get_args(annotation)
    if get_origin(annotation) in (dict, list):
        return inner[-1]
    return next((step for branch in inner if (step := _descend(branch, part)) is not None), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or that stands in `Model | None` or `Annotated[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, list):
        return None
    return next((found for arg in get_args(annotation) if (found := _model_in(arg)) is not None), None)
