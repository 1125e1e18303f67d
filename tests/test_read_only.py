"""mypy proves that neither export nor diff can name a write: it is run on code that does, and refuses each line."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import migrate

HEAD = """\
from collections.abc import Iterator
from migrate.cli.names import SourceName, TargetName
from migrate.cluster.kube import KubeSource, from_gke, from_kubeconfig
from migrate.cluster.port import Source, Target
from migrate.model.ref import Ref
"""
WRONG = (
    HEAD
    + """
def on_a_source(source: Source) -> None:
    source.apply({}, force=True)  # attr-defined
    source.dry_run({})  # attr-defined
    source.delete(Ref("", "Pod", "a", "b"), "1", "u")  # attr-defined

def on_the_client(source: KubeSource) -> None:
    source.apply({}, force=True)  # attr-defined
    source.dry_run({})  # attr-defined
    source.delete(Ref("", "Pod", "a", "b"), "1", "u")  # attr-defined

def on_what_the_commands_open() -> None:
    from_kubeconfig("prod").apply({}, force=True)  # attr-defined
    from_gke("a/b/c")[0].delete(Ref("", "Pod", "a", "b"), "1", "u")  # attr-defined

def on_what_diff_looks_at(target: TargetName, source: SourceName) -> None:
    target.look().apply({}, force=True)  # attr-defined
    source.open().delete(Ref("", "Pod", "a", "b"), "1", "u")  # attr-defined

def a_source_is_no_target(source: Source) -> Target:
    return source  # return-value

def nor_is_a_look(target: TargetName) -> Target:
    return target.look()  # return-value

def nor_is_the_client(source: KubeSource) -> Target:
    return source  # return-value
"""
)
RIGHT = (
    HEAD
    + """
def reads(source: Source) -> Iterator[object]:
    for kind in source.kinds():
        yield from source.pages(kind)

def as_the_commands_do() -> list[object]:
    return list(reads(from_kubeconfig("prod"))) + list(reads(from_gke("a/b/c")[0]))

def a_target_may(target: Target) -> None:
    target.apply({}, force=True)
    target.dry_run({})
    target.delete(Ref("", "Pod", "a", "b"), "1", "u")
    list(reads(target))
"""
)


# The stories that write to a target while they look at the source.
BOTH = {f"migrate/flow/{name}.py" for name in ("apply", "opening", "preflight", "release")}


SOURCES = ("Source", "Source | None")
# What is called a source and is data: it holds no client.
READ = ("Side", "Mapping[Ref, Hashes]")


def holders(codes: Iterable[str]) -> dict[str, list[str]]:
    """Classes that hold a Source: {name: the fields}."""
    found: dict[str, list[str]] = {}
    for one in (one for code in codes for one in ast.walk(ast.parse(code)) if isinstance(one, ast.ClassDef)):
        fields = [field for field in one.body if isinstance(field, ast.AnnAssign)]
        names = [ast.unparse(field.target) for field in fields if ast.unparse(field.annotation) in SOURCES]
        if names:
            found[one.name] = names
    return found


def sources(function: ast.AST, held: Mapping[str, list[str]]) -> Iterator[str]:
    """The parameters of a function that are a Source, or may be none, and those that hold one."""
    if isinstance(function, ast.FunctionDef):
        for one in (*function.args.args, *function.args.kwonlyargs):
            said = ast.unparse(one.annotation) if one.annotation is not None else ""
            if said in SOURCES:
                yield one.arg
            yield from (f"{one.arg}.{field}" for field in held.get(said, ()))


def spoiled(code: str, held: Mapping[str, list[str]]) -> str:
    """The code with a write at the start of every function that holds a Source."""
    lines = code.splitlines()
    functions = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.FunctionDef)]
    for function in sorted(functions, key=lambda one: -one.body[0].lineno):
        first = function.body[0]
        for name in sources(function, held):
            place = " " * first.col_offset
            lines.insert(first.lineno - 1, f"{place}if {name}: {name}.apply({{}}, force=True)  # attr-defined")
    return "\n".join(lines) + "\n"


def expected(name: str, code: str) -> set[tuple[str, int, str]]:
    marks = (re.search(r"# (attr-defined|return-value)$", line) for line in code.splitlines())
    return {(name, number, mark[1]) for number, mark in enumerate(marks, 1) if mark}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as plain source: mypy looks into no installed one that does not say that it is typed."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(Path(migrate.__file__).parent, root / "migrate", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def flow(tree: Path) -> dict[str, str]:
    """The modules of the flow: name and code."""
    return {f"migrate/flow/{one.name}": one.read_text("utf-8") for one in (tree / "migrate" / "flow").glob("*.py")}


def readers(tree: Path) -> dict[str, str]:
    """Those of them that hold a Source."""
    codes, held = flow(tree), holders(flow(tree).values())
    return {
        name: code for name, code in codes.items() if any(any(sources(one, held)) for one in ast.walk(ast.parse(code)))
    }


def test_mypy_refuses_every_write_of_an_export(repo: Path, tree: Path) -> None:
    holding = readers(tree)
    assert {f"migrate/flow/{name}.py" for name in ("export", "diff", "sides", "watching")} <= set(holding)
    held = holders(flow(tree).values())
    assert held["Given"] == ["target", "source"]
    files = {"wrong.py": WRONG, "right.py": RIGHT} | {name: spoiled(code, held) for name, code in holding.items()}
    for name, code in files.items():
        (tree / name).write_text(code, "utf-8")
    # Without site-packages it takes a third of the time; what is missing then is no part of what is proven.
    command = [sys.executable, "-m", "mypy", "--config-file", repo / "pyproject.toml", "--no-site-packages"]
    command += ["--cache-dir", tree / "cache", "--no-pretty", "--no-color-output", "--hide-error-context", *files]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120, check=False)
    said = re.findall(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    found = {(name, int(line), code) for name, line, code in said if name in files and code != "import-not-found"}
    wanted = {mark for name, code in files.items() for mark in expected(name, code)}
    assert found == wanted, done.stdout + done.stderr
    assert len({name for name, _, _ in wanted}) == len(files) - 1  # all but the right one
    assert done.returncode == 1


def test_what_reads_a_cluster_never_speaks_of_a_target(tree: Path) -> None:
    """What it holds is named as a Source, not as Any, which is how a type checker is talked out of it."""
    names = [*readers(tree), *(f"migrate/cli/{one}.py" for one in ("options", "export", "access", "plan", "diff"))]
    for name in names:
        code = ast.parse((tree / name).read_text("utf-8"))
        speaks = [one for one in ast.walk(code) if isinstance(one, ast.alias) and one.name == "Target"]
        assert not speaks or name in BOTH, name
        for one in ast.walk(code):
            if isinstance(one, ast.arg) and one.arg in ("source", "cluster"):
                said = ast.unparse(one.annotation or one)
                assert said in (*SOURCES, *READ, "Cluster", "SourceName | None"), (name, one.lineno)
        opened = [one for one in ast.walk(code) if isinstance(one, ast.FunctionDef) and one.name == "open"]
        assert all("Source" in ast.unparse(one.returns or one.args) for one in opened)
    assert "migrate/cli/options.py" in names


def test_diff_only_looks(tree: Path) -> None:
    """A target is a Source to a type checker, so that it must be seen here that none is opened."""
    code = ast.parse((tree / "migrate/cli/diff.py").read_text("utf-8"))
    doors = [
        one.attr for one in ast.walk(code) if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "target"
    ]
    assert "look" in doors and "open" not in doors
