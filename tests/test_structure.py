# SPDX-License-Identifier: MIT
"""Test the structure of the source: layers, sizes of modules and functions, and where a library may be imported.

The layers are one contract of import-linter, in pyproject.toml; the rest is read from the source with `ast`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "plainfilm"
MOST_ENTRIES, MOST_MODULES = 26, 9
MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 320, 50, 6
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
UNHELPFUL_NAMES = {"utils", "helpers", "common", "misc", "manager"}
BROAD = ("Exception", "BaseException")

# Where these libraries may be imported: a package, or a module. Any other library may be imported anywhere.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "pydicom": (
        "dicom/",
        "demo/",
        "cli/demo.py",
        "api/",
        "sources/pacs/association.py",
        "sources/pacs/network_search.py",
    ),
    "pynetdicom": ("sources/pacs/", "receive/"),
    "dicomweb_client": ("sources/pacs/",),
    "imagecodecs": ("decode/", "rendering/color/", "encode/", "demo/"),
    "simplejpeg": ("decode/", "encode/jpeg.py"),
    "openjpeg": ("decode/",),
    "rle": ("decode/", "demo/"),
    "rich": ("cli/",),
    "platformdirs": ("conversion/pseudonyms.py", "output/remote_out.py"),
    "fsspec": ("sources/object_store.py",),
    "requests": ("sources/web_store.py", "sources/web_adapter.py", "sources/pacs/"),
    "pickle": ("workers/", "conversion/"),
    "subprocess": ("workers/", "engines/local_cluster.py"),
    "dask": ("engines/",),
    "distributed": ("engines/",),
    "sqlite3": ("ledger/", "sources/naming.py", "conversion/presentation_index.py"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def functions_of(module: str) -> list[Function]:
    return [node for node in ast.walk(tree_of(module)) if isinstance(node, Function)]


def imports_of(module: str) -> set[tuple[str, str]]:
    """The (module, name) pairs that a module imports, wherever in it; the name is '' for `import module`."""
    imports: set[tuple[str, str]] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            imports.update((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            imports.update((node.module or "", alias.name) for alias in node.names)
    return imports


def test_packages_import_only_from_lower_layers() -> None:
    # In a process of its own: import-linter configures logging, which disables the loggers of this process.
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_has_few_entries_at_its_top() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "py.typed")]
    modules = [path for path in entries if path.suffix == ".py" and not path.name.startswith("__")]
    assert len(entries) <= MOST_ENTRIES
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    users = [module for module in MODULES if any(name.split(".")[0] == library for name, _ in imports_of(module))]
    assert users, f"no module imports {library}: remove it from ONLY_IN"
    assert not [module for module in users if not module.startswith(ONLY_IN[library])]


def test_private_names_stay_in_their_package() -> None:
    strangers = [
        f"{module}: {origin}.{name}"
        for module in MODULES
        for origin, name in imports_of(module)
        if origin.startswith("plainfilm") and ((name.startswith("_") and not name.startswith("__")) or "._" in origin)
    ]
    assert not strangers


@pytest.mark.parametrize("module", MODULES)
def test_a_module_states_its_licence_and_its_purpose(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.startswith("# SPDX-License-Identifier: MIT\n")
    assert ast.get_docstring(tree_of(module))
    assert Path(module).stem not in UNHELPFUL_NAMES


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines"
    for function in functions_of(module):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= MOST_FUNCTION_LINES, f"{function.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES)
def test_functions_take_few_parameters(module: str) -> None:
    for function in functions_of(module):
        given = function.args
        names = [parameter.arg for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        names += [parameter.arg for parameter in (given.vararg, given.kwarg) if parameter is not None]
        counted = [name for name in names if name not in ("self", "cls")]
        assert len(counted) <= MOST_PARAMETERS, f"{function.name} takes {', '.join(counted)}"


def test_one_broad_except_exists_at_the_edge_of_the_worker() -> None:
    broad = [module for module in MODULES for node in ast.walk(tree_of(module)) if catches_everything(node)]
    assert broad == ["workers/child.py"]


def catches_everything(node: ast.AST) -> bool:
    """Whether a node is `except:`, or `except` or `suppress` of Exception or BaseException, alone or among others."""
    if isinstance(node, ast.ExceptHandler):
        caught = [node.type]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
        caught = list(node.args)
    else:
        return False
    return any(kind is None or any(name.id in BROAD for name in names_in(kind)) for kind in caught)


def names_in(node: ast.AST) -> list[ast.Name]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Name)]


TESTS = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "tests").rglob("*.py"))}
SUPPORT = [module for module in TESTS if module.startswith("tests/support/")]
# Words that say nothing to a reader who does not know the project.
UNCLEAR_WORDS = {
    "house",
    "room",
    "wing",
    "door",
    "books",
    "journal",
    "witness",
    "crowd",
    "fear",
    "doomed",
    "nobody",
    "told",
}


def parsed_test(module: str) -> ast.Module:
    return ast.parse(TESTS[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", TESTS)
def test_a_test_module_states_its_licence_and_its_purpose(module: str) -> None:
    assert TESTS[module].read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: MIT\n")
    assert ast.get_docstring(parsed_test(module))


@pytest.mark.parametrize("module", TESTS)
def test_test_names_are_plain_sentences(module: str) -> None:
    functions = [node.name for node in ast.walk(parsed_test(module)) if isinstance(node, Function)]
    for name in (name for name in functions if name.startswith("test_")):
        words = name.split("_")[1:]
        assert len(words) >= 3, f"{name} is no sentence"
        assert not UNCLEAR_WORDS.intersection(words), name


@pytest.mark.parametrize("module", SUPPORT)
def test_support_modules_and_functions_are_short(module: str) -> None:
    assert len(TESTS[module].read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    for function in (node for node in ast.walk(parsed_test(module)) if isinstance(node, Function)):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= MOST_FUNCTION_LINES, f"{function.name} has {length} lines"


@pytest.mark.parametrize("module", [module for module in TESTS if module.endswith("conftest.py")])
def test_a_conftest_holds_no_builders(module: str) -> None:
    assert not [node for node in ast.walk(parsed_test(module)) if isinstance(node, ast.ClassDef)]


def test_tests_import_their_support_by_its_full_name() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert settings["pythonpath"] == ["."]
