"""The house rules that a machine can check: arrows, imports, what the wheel holds, what the README says."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("agentmon", "agent", "server", "store", "tui")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
SQL = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE|PRAGMA \w+)\b")


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def test_arrows_point_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("part", "room"), [("textual", "tui"), ("aiohttp", "server"), ("aiosqlite", "store"), ("sqlite3", "store")]
)
def test_a_part_is_used_in_its_room_alone(part: str, room: str) -> None:
    users = {
        path.relative_to(ROOT).parts[0] for path in SOURCES if any(n.split(".")[0] == part for n in imports_of(path))
    }
    assert users == {room}


def test_only_the_store_speaks_sql() -> None:
    speakers = {path.relative_to(ROOT).parts[0] for path in SOURCES if SQL.search(path.read_text(encoding="utf-8"))}
    assert speakers == {"store"}


def test_no_room_has_an_init_that_does_anything() -> None:
    assert [str(path) for path in SOURCES if path.name == "__init__.py" and path.read_text().strip()] == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_no_room(arguments: list[str]) -> None:
    code = (
        "import sys; from agentmon.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([m for m in sys.modules if m.split('.')[0] in {('agent', 'server', 'store', 'tui', 'textual')}])"
    )
    command = [sys.executable, "-c", code, *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_wheel_holds_the_rooms_and_their_data_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)]
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    data = {".py", ".sql", ".sh", ".ps1", ".tcss"}
    wanted = {
        path.relative_to(source).as_posix()
        for room in ROOMS
        for path in (source / room).rglob("*")
        if path.suffix in data
    }
    assert held == wanted


def readme_commands() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)


def test_the_readme_opens_with_exactly_two_commands() -> None:
    run, test = readme_commands()
    assert run.endswith("agentmon serve --tui --self")
    assert test.endswith("pytest -q -n 6")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [block.strip() for block in blocks[:2]] == [run, test]


def test_ci_runs_the_readmes_test_line() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"sed -n 's/(.*)/\\1/p' README.md", script)
    found = subprocess.run(
        ["sed", "-n", f"s/{pattern}/\\1/p", "README.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == [readme_commands()[1]]
    assert 'bash -c "$tests"' in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_list_of_chosen_parts_is_what_is_installed() -> None:
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = design.partition("## Chosen parts")[2].partition("\n\n")[2].partition("\n\n")[0]
    cells = [line.split("|")[1].partition("own code")[0] for line in table.splitlines()[2:]]
    listed = [part.split()[0] for cell in cells for part in cell.split(",") if part.strip()]
    assert sorted(listed) == sorted(re.split(r"[<>=]", dependency)[0] for dependency in dependencies())


def test_every_dependency_has_both_bounds() -> None:
    for dependency in dependencies():
        assert re.search(r">=[\d.]+,<[\d.]+", dependency) or dependency.startswith("setuptools"), dependency


def dependencies() -> list[str]:
    """Return what agentmon is built, run, tested and checked with."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, build = pyproject["project"], pyproject["build-system"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    return [*build["requires"], *project["dependencies"], *extras]
