"""The operator's handbook and the program say the same: commands, options, codes, anchors."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app
from models.fleet import load_fleet
from rules.advice import _STEPS  # every code's next step, as `nija doctor` says it

ROOT = Path(__file__).parents[2]
HANDBOOK, README = ROOT / "docs/operations.md", ROOT / "README.md"
RULES = ROOT / "deploy/prometheus/rules.yml"
ROOMS = ("models", "validations", "rules", "brokers", "tasks", "flows", "cli")
NIJA = get_command(app)
LINK = re.compile(r"docs/operations\.md#([\w-]+)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(?:\s{2,}|\s+# |\s+\| |\s+&$).*")  # what a column, a comment or a pipe adds to a command line


def _typed(document: Path) -> list[list[str]]:
    """Return the arguments of every `nija` command line that a document shows, in blocks and in its sentences."""
    text = document.read_text(encoding="utf-8")
    shown = [line.strip() for _, block in FENCE.findall(text) for line in block.splitlines()]
    inline = re.findall(r"`(nija [^`]+)`", FENCE.sub("", text))
    lines = [COMMENT.sub("", line.removeprefix("$ ")) for line in shown if re.match(r"(?:\$ )?nija ", line)]
    whole = [line for line in (*lines, *inline) if not re.search("…|, ", re.sub(r'"[^"]*"', "", line))]
    return [shlex.split(line)[1:] for line in dict.fromkeys(whole)]


@pytest.mark.parametrize("words", _typed(HANDBOOK), ids=" ".join)
def test_a_command_of_the_handbook_is_one_that_the_program_takes(words: list[str]) -> None:
    _parse(words)


def test_the_commands_of_the_first_page_exist() -> None:
    for words in _typed(README):
        _parse(words, whole=False)


def test_every_deployment_of_the_handbook_is_deployed() -> None:
    text = HANDBOOK.read_text(encoding="utf-8")
    there = {
        f"{d['entrypoint'].rpartition('.')[2]}/{d['name']}"
        for d in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    } | {"normalize/on-demand", "normalize/approve"}  # their flow has a name of its own

    named = set(re.findall(r"\b([a-z_]+/[a-z-]+)\b(?=[`\s])", " ".join(re.findall(r"`([^`\n]+)`", text)) + " "))
    named = {name for name in named if name.split("/")[0] in {flow.split("/")[0] for flow in there}}

    assert len(named) > 5
    assert named <= there


def test_every_link_to_a_runbook_arrives() -> None:
    wanted = {anchor for source in (RULES, *ROOT.glob("docs/*.md")) for anchor in LINK.findall(source.read_text())}
    wanted |= {anchor for step in _STEPS.values() for anchor in LINK.findall(step)}

    assert len(wanted) >= 10
    assert wanted <= _anchors(HANDBOOK)


@pytest.mark.parametrize("document", [HANDBOOK, README], ids=lambda path: path.name)
def test_every_link_out_of_the_handbook_arrives(document: Path) -> None:
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if not target.startswith("http"):
            there = (document.parent / path).resolve() if path else document
            assert there.exists(), target
            assert not anchor or anchor in _anchors(there), target


def test_every_code_of_the_handbook_is_one_of_the_program() -> None:
    codes = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", HANDBOOK.read_text(encoding="utf-8")))
    source = "\n".join(p.read_text(encoding="utf-8") for room in ROOMS for p in (ROOT / room).rglob("*.py"))

    assert len(codes) > 20
    assert {code for code in codes if not re.search(rf"\b{code}\b", source)} == set()


def test_every_fleet_file_of_the_handbook_is_valid(tmp_path: Path) -> None:
    blocks = [text for kind, text in FENCE.findall(HANDBOOK.read_text(encoding="utf-8")) if kind == "yaml"]
    accounts = next(text for text in blocks if "accounts:" in text)
    for number, text in enumerate(blocks):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text if text == accounts else accounts + text, encoding="utf-8")

        assert load_fleet(path, {}).accounts[0].id == "demo"


def test_help_keeps_the_defaults_that_stand_in_brackets() -> None:
    shown = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["doctor", "--help"]).output

    assert "[default: NIJA_FLEET, else ./fleet.yaml]" in shown


def _parse(words: list[str], *, whole: bool = True) -> None:
    """Let Click read a command line as it would before running it; `whole`: what is required must be there."""
    command: Any = NIJA
    parent: Any = None
    name = "nija"
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"nija has no {words[0]!r} under {name!r}"
        parent = command.make_context(name, [words[0]], parent=parent, resilient_parsing=True)
        command, name, words = command.commands[words[0]], words[0], words[1:]
    try:
        with command.make_context(name, list(words), parent=parent, resilient_parsing=not whole or not words):
            pass
    except typer.Exit:  # a group that shows its help
        assert not words


def _anchors(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
