"""The README tells the truth: its help texts are those of the commands, its commands and settings exist.

Run as a program, it writes the help texts into the README.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xlsync import config
from xlsync.cli import root as cli
from xlsync.models import ActionLabel

README = Path(__file__).parent.parent / "README.md"
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


def help_section() -> str:
    texts = [
        f"$ xlsync {words} --help\n{help_of(*words.split())}"
        for command in COMMANDS
        for words in (command, *(f"{command} {word}" for word in GROUPS.get(command, ())))
    ]
    return (
        "<!-- help -->\n<details><summary>The help of every command</summary>\n\n```text\n"
        + "\n\n".join(texts)
        + "\n```\n\n</details>\n<!-- /help -->"
    )


def with_help(text: str) -> str:
    return re.sub(r"<!-- help -->.*?<!-- /help -->", lambda _: help_section(), text, flags=re.DOTALL)


def test_the_help_in_the_readme_is_that_of_the_commands():
    text = README.read_text(encoding="utf-8")
    assert with_help(text) == text, "python tests/test_readme.py brings it up to date"


@pytest.mark.parametrize("variable", [*config.BSS_VARIABLES, *config.CONNECTWISE_VARIABLES, "XLSYNC_HOME"])
def test_every_setting_is_in_the_readme(variable: str):
    assert variable in README.read_text(encoding="utf-8")


def test_every_command_is_told_in_the_readme():
    text = README.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"xlsync {command}" not in text] == []


def test_what_the_readme_says_of_ignoring_is_an_action():
    assert f"`{ActionLabel.IGNORE}`" in README.read_text(encoding="utf-8")


def test_every_module_that_the_readme_names_exists():
    package = README.parent / "xlsync"
    table = README.read_text(encoding="utf-8").split("| what | modules |")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)/?`", table)
    assert [name for name in named if not list(package.rglob(f"{name}*"))] == []


if __name__ == "__main__":
    README.write_text(with_help(README.read_text(encoding="utf-8")), encoding="utf-8")
