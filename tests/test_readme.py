"""The pages for people tell the truth: help texts, commands, settings, links and packages exist as written.

Run as a program, it writes the page of commands anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xlsync import config
from xlsync.cli import root as cli
from xlsync.commands.tenant_checks import NEEDED
from xlsync.config.names import KNOWN, SECRETS, VARIABLES
from xlsync.models import ActionLabel

README = Path(__file__).parent.parent / "README.md"
COMMANDS_PAGE = README.parent / ".github/docs/commands.md"
CONTRIBUTING = README.parent / ".github/CONTRIBUTING.md"
COMMANDS = (
    "export", "check", "apply", "undo", "history", "links", "invoice", "report", "login", "doctor",
    "ribbon", "sandbox",
)  # fmt: skip
GROUPS = {
    "links": ("list", "export", "import", "forget", "rules", "ignore", "units"),
    "ribbon": ("install", "remove", "build"),
}


def help_of(*words: str) -> str:
    ran = CliRunner().invoke(
        cli.app, [*words, "--help"], prog_name="xlsync", env={"COLUMNS": "100", "NO_COLOR": "1"}
    )
    assert ran.exit_code == 0, ran.output
    lines = (line.rstrip() for line in ran.output.strip().splitlines())
    return "\n".join(lines)


def commands_page() -> str:
    words = [c for name in COMMANDS for c in (name, *(f"{name} {word}" for word in GROUPS.get(name, ())))]
    return "# The help of every command\n" + "".join(
        f"\n## xlsync {command}\n\n```text\n{help_of(*command.split())}\n```\n" for command in words
    )


def test_the_page_of_commands_is_the_help_of_the_commands():
    page = COMMANDS_PAGE.read_text(encoding="utf-8")
    assert page == commands_page(), "`python -m tests.test_readme` brings it up to date"


def test_the_readme_is_short_enough_to_be_read():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 300


def test_every_link_of_the_pages_leads_to_a_file():
    pages = [README, *(README.parent / ".github").rglob("*.md")]
    links = {
        page.parent / target
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    }
    assert links
    assert [str(target) for target in links if not target.exists()] == []


@pytest.mark.parametrize("variable", [*config.BSS_VARIABLES, *config.CONNECTWISE_VARIABLES, "XLSYNC_HOME"])
def test_every_setting_is_in_the_readme(variable: str):
    assert variable in README.read_text(encoding="utf-8")


def test_every_setting_of_the_file_is_in_a_table_of_the_pages():
    pages = (README, README.parent / ".github/docs/settings.md")
    lines = (line for page in pages for line in page.read_text(encoding="utf-8").splitlines())
    rows = [line for line in lines if line.lstrip().startswith("|")]
    told = {word for row in rows for code in re.findall(r"`[^`]+`", row) for word in re.findall(r"\w+", code)}
    secrets = {name for variables in VARIABLES.values() for key, name in variables.items() if key in SECRETS}
    assert {name for names in KNOWN.values() for name in names} - secrets <= told


def test_every_command_is_told_in_the_readme():
    text = README.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"xlsync {command}" not in text] == []


def test_every_right_that_doctor_looks_at_is_in_a_table_of_the_readme():
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("|")]
    lacking = [
        f"{function}: {verb}"
        for function, verbs in NEEDED.items()
        for verb in verbs
        if not any(function in row and verb.capitalize() in row for row in rows)
    ]
    assert lacking == []


def test_what_the_readme_says_of_ignoring_is_an_action():
    assert f"`{ActionLabel.IGNORE}`" in README.read_text(encoding="utf-8")


def test_every_package_is_on_the_page_for_contributors():
    tree = CONTRIBUTING.read_text(encoding="utf-8").split("```text")[1].split("```")[0]
    named = set(re.findall(r"\b(\w+)(?:/|\.py)", tree)) - {"xlsync"}
    package = README.parent / "xlsync"
    there = {p.stem for p in package.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert named == there - {"__init__"}


if __name__ == "__main__":
    COMMANDS_PAGE.write_text(commands_page(), encoding="utf-8")
