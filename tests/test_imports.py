# SPDX-License-Identifier: MIT
"""The house as docs/architecture.md draws it: imports run one way; modules, functions and excepts keep their measure.

All of it is read from the source with `ast`, so an import inside a function counts like one at the top of its module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"
PACKAGE = "plainfilm"

VALUES = (
    *("errors", "findings", "choices", "redaction", "framing", "showing", "placing"),
    *("record", "picture_options", "options", "version"),
)
CELLS = (*VALUES, "dicom", "decode")
LEVELS = (*CELLS, "grayscale", "color")
PICTURE = (
    *LEVELS,
    "blackout",
    "margin",
    "border",
    "hanging",
    "geometry",
    "resolution",
    "overlays",
    "quality",
    "painting",
    "encode",
    "watch",
)
RIGHT_WING = (*PICTURE, "film", "pipeline", "explanation")
LEFT_WING = ("errors", "record", "sources", "sinks", "ledger", "splits", "tables")
BOTH_WINGS = (*RIGHT_WING, *LEFT_WING, "privacy")

# Who may import whom, the ground floor first. A name is a module, or a package with all that is in it; a package may
# also import itself. A module falls under the longest name that fits, and must fall under one.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # the ground: closed lists, and the values that everybody hands on
    "errors": (),
    "findings": (),
    "version": (),
    "portable": (),
    "watch": (),
    "choices": ("errors", "findings"),
    "showing": (),
    "placing": (),
    "record": ("errors", "findings", "choices", "portable"),
    "redaction": ("errors",),
    "dicom.dictionary": ("errors",),
    "framing": ("errors",),
    "picture_options": ("errors", "findings", "choices", "framing", "showing"),
    "options": (
        *("errors", "findings", "choices", "redaction", "framing", "showing"),
        *("dicom.dictionary", "picture_options"),
    ),
    # the right wing makes pixels and does no I/O
    "dicom": VALUES,
    "decode": (*VALUES, "dicom"),
    "grayscale": CELLS,
    "color": (*CELLS, "grayscale"),
    "blackout": ("findings", "redaction"),
    "margin": ("framing",),
    "border": (*LEVELS, "margin"),
    "hanging": (*VALUES, "dicom.instance"),
    "geometry": (*LEVELS, "hanging"),
    "resolution": (*VALUES, "dicom.instance", "geometry"),
    "overlays": (*LEVELS, "blackout", "geometry"),
    "quality": LEVELS,
    "painting": (*LEVELS, "blackout", "geometry", "overlays", "quality"),
    "encode": LEVELS,
    "film": PICTURE,
    "pipeline": (*PICTURE, "film"),
    "explanation": (*PICTURE, "film", "pipeline"),
    # the left wing moves bytes and knows no pixels
    "sources": ("errors", "record", "portable"),
    "sinks": ("errors", "record"),
    "ledger": ("errors", "record", "sources"),
    "splits": ("errors", "record", "sources", "sinks"),
    "tables": ("errors", "record", "sources", "sinks", "splits"),
    # who an instance is of: its identity, and nothing else of it
    "privacy": ("errors", "findings", "dicom.instance"),
    # the only place that holds both hands, and its doors
    "run": (*BOTH_WINGS, "portable"),
    "api": (*BOTH_WINGS, "run"),
    "cli": (*BOTH_WINGS, "run", "api"),
    # beside the house: synthetic films, and the one command that makes them
    "demo": ("errors",),
    "cli.demo": (*BOTH_WINGS, "run", "api", "cli", "demo"),
    "__init__": ("errors", "version", "api"),
    "__main__": ("cli",),
}

# Where a library may be imported; one that is not listed may be imported anywhere.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "pydicom": ("dicom", "demo", "cli.demo", "api"),
    "cv2": ("decode", "grayscale", "color", "margin", "geometry", "overlays", "quality", "demo", "cli.demo"),
    "numpy": (
        *("placing", "decode", "grayscale", "color", "blackout", "margin", "border", "geometry", "overlays"),
        *("painting", "quality", "encode", "pipeline", "api", "demo"),
    ),
    "imagecodecs": ("decode", "color", "encode", "demo"),
    "simplejpeg": ("decode",),
    "openjpeg": ("decode",),
    "rle": ("decode", "demo"),
    "PIL": ("decode", "demo"),
    "isal": (
        "decode",
        "encode",
    ),
    "rich": ("cli",),
    "platformdirs": ("privacy",),
    "pickle": ("run",),
    "subprocess": ("run",),
    "sqlite3": ("ledger", "sources.crowd", "run.presentations"),
    "xxhash": ("pipeline",),
}

LONGEST_MODULE, LONGEST_FUNCTION, MOST_PARAMETERS = 300, 50, 5
BROAD = ("Exception", "BaseException")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name_of(path: Path) -> str:
    """`grayscale.plan` of src/plainfilm/grayscale/plan.py; a package's own module has the package's name."""
    parts = path.relative_to(SRC / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {_name_of(path): path for path in sorted((SRC / PACKAGE).rglob("*.py"))}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> frozenset[str]:
    """What a module imports, wherever in it: `plainfilm.` stands before what is the project's own."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}"
            found.update(_imported_from(node.module or "", [alias.name for alias in node.names]))
    return frozenset(found)


def _imported_from(origin: str, names: list[str]) -> Iterator[str]:
    """Of `from plainfilm.run import limits` the module plainfilm.run.limits, of any other name its origin."""
    inside = origin.removeprefix(PACKAGE).removeprefix(".")
    for name in names:
        is_module = origin.split(".")[0] == PACKAGE and f"{inside}.{name}".removeprefix(".") in MODULES
        yield f"{origin}.{name}" if is_module else origin


def _own_imports(module: str) -> set[str]:
    """The modules of the project that a module imports."""
    own = {name for name in _imports(module) if name.split(".")[0] == PACKAGE}
    return {name.removeprefix(PACKAGE).removeprefix(".") or "__init__" for name in own}


def _is_in(module: str, places: tuple[str, ...]) -> bool:
    """Whether a module is one of the places, or in one of them."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _row_of(module: str) -> str:
    """The row of the table that a module falls under: the longest name that fits."""
    rows = [row for row in MAY_IMPORT if _is_in(module, (row,))]
    assert rows, f"{module} has no place in the table MAY_IMPORT"
    return max(rows, key=len)


def _functions(module: str) -> list[Function]:
    return [node for node in ast.walk(_tree(module)) if isinstance(node, Function)]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_below_it(module: str) -> None:
    row = _row_of(module)
    allowed = (*MAY_IMPORT[row], row)
    forbidden = sorted(name for name in _own_imports(module) if not _is_in(name, allowed))
    assert not forbidden, f"{module} may import {', '.join(allowed)}; it also imports {', '.join(forbidden)}"


def test_the_table_is_a_house_of_floors() -> None:
    """Every row imports from rows above it in the table, which are the floors below it; so the table has no circle."""
    rows = list(MAY_IMPORT)
    for at, row in enumerate(rows):
        unbuilt = [name for name in MAY_IMPORT[row] if not _is_in(name, tuple(rows[:at]))]
        assert not unbuilt, f"{row} may import {', '.join(unbuilt)}, which stand above it"


@pytest.mark.parametrize("row", MAY_IMPORT)
def test_the_table_speaks_of_what_exists(row: str) -> None:
    for name in (row, *MAY_IMPORT[row]):
        assert any(_is_in(module, (name,)) for module in MODULES), f"there is no {name}"


def test_no_module_imports_itself_through_others() -> None:
    finished: set[str] = set()
    for module in MODULES:
        assert (cycle := _cycle_from(module, (), finished)) == (), " -> ".join(cycle)


def _cycle_from(module: str, way: tuple[str, ...], finished: set[str]) -> tuple[str, ...]:
    """The way from a module back to itself, or (); `finished` holds those from which no way leads to a cycle."""
    if module in way:
        return (*way[way.index(module) :], module)
    if module not in finished:
        for imported in sorted(_own_imports(module)):
            if cycle := _cycle_from(imported, (*way, module), finished):
                return cycle
        finished.add(module)
    return ()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_place(library: str) -> None:
    users = [module for module in MODULES if any(name.split(".")[0] == library for name in _imports(module))]
    assert users, f"nobody imports {library}: take it from the table"
    strangers = [module for module in users if not _is_in(module, ONLY_IN[library])]
    assert not strangers, f"{library} is imported in {', '.join(strangers)}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_begins_with_its_licence_and_says_what_it_does(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.startswith("# SPDX-License-Identifier: MIT\n"), "the first line is not the SPDX line"
    assert ast.get_docstring(_tree(module)), "there is no docstring"


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_MODULE, f"{lines} lines"
    for function in _functions(module):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{function.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES)
def test_a_function_takes_five_parameters_at_most(module: str) -> None:
    for function in _functions(module):
        given = function.args
        names = [parameter.arg for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        names += [parameter.arg for parameter in (given.vararg, given.kwarg) if parameter is not None]
        counted = [name for name in names if name not in ("self", "cls")]
        assert len(counted) <= MOST_PARAMETERS, f"{function.name} takes {', '.join(counted)}"


def test_one_broad_except_stands_at_the_edge_of_the_worker() -> None:
    found = [module for module in MODULES for node in ast.walk(_tree(module)) if _catches_everything(node)]
    assert found == ["run.worker"]


def _catches_everything(node: ast.AST) -> bool:
    """Whether a node is `except:`, or `except` or `suppress` of Exception or BaseException, alone or among others."""
    if isinstance(node, ast.ExceptHandler):
        caught = [node.type]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
        caught = list(node.args)
    else:
        return False
    return any(kind is None or bool(_names_in(kind) & set(BROAD)) for kind in caught)


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
