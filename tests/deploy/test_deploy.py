"""What `deploy/` ships is what its readers take: compose, systemd, Kubernetes, Prefect; and what it starts exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import get_current_settings

from cli.stack.worker import options

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
UNITS = [*sorted((DEPLOY / "systemd").glob("nija*.service")), DEPLOY / "systemd" / "nija.target"]
MANIFESTS = [
    doc for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for doc in yaml.safe_load_all(path.read_text())
]
TEMPLATE: dict[str, Any] = json.loads((DEPLOY / "kubernetes" / "base-job-template.json").read_text())
PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")
KNOWN = {
    "Unit": {"Description", "Documentation", "After", "Wants", "Requires", "PartOf"},
    "Install": {"WantedBy"},
    "Service": {
        *("Type", "RemainAfterExit", "User", "Group", "WorkingDirectory", "StateDirectory", "StateDirectoryMode"),
        *("EnvironmentFile", "Environment", "LoadCredential", "ExecStart", "KillMode", "Restart", "RestartSec"),
        *(
            "TimeoutStartSec",
            "TimeoutStopSec",
            "UMask",
            "NoNewPrivileges",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
        ),
        *("PrivateDevices", "ProtectProc", "ProtectClock", "ProtectHostname", "ProtectKernelLogs"),
        *("ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "RestrictAddressFamilies"),
        *("RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "SystemCallArchitectures"),
        *("SystemCallFilter", "SystemCallErrorNumber", "CapabilityBoundingSet", "AmbientCapabilities"),
    },
}
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
}


def test_compose_takes_the_file() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def test_compose_publishes_nothing_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_images_are_names_with_a_version() -> None:
    composed = [service["image"] for service in SERVICES.values()]
    based = re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    deployed = re.findall(r"image: (\S+)", (DEPLOY / "kubernetes" / "worker.yaml").read_text())

    assert all(re.fullmatch(r"[a-z]+(/[a-z]+)?:[\w.-]+", image) for image in (*composed, *based, *deployed))
    assert not any(image.endswith(":latest") for image in composed + based + deployed)


def test_what_services_wait_for_is_there_and_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[name]


def test_no_secret_is_written_down() -> None:
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and path.suffix in {".yaml", ".example"}]

    found = [value for text in texts for value in re.findall(r"PASSWORD\w*[:=] *\"?([^\s\"]*)", text)]

    assert found
    assert all(value.startswith(("${", "?", "@")) or not value for value in found)


def parsed(unit: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return parser


def commands() -> Iterator[list[str]]:
    """Every command that compose and systemd start, as words."""
    yield from (service["command"] for service in SERVICES.values() if "command" in service)
    for unit in UNITS:
        start = parsed(unit).get("Service", "ExecStart", fallback="")
        if start:
            yield start.replace("/opt/nija/.venv/bin/", "").replace("%H", "host").split()


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_what_is_started_exists_and_takes_its_options(command: list[str]) -> None:
    if command[:2] == ["python", "-m"]:
        assert find_spec(command[2]) is not None
    if command[2:3] == ["cli.stack.worker"]:
        assert options(command[3:]).pool == "nija"
    elif command[0] != "python":
        assert shutil.which(command[0], path=str(Path(sys.executable).parent))


def test_prefect_knows_every_setting_it_is_given() -> None:
    words = [
        path.read_text() for path in DEPLOY.rglob("*") if path.suffix in {".yaml", ".json", ".service", ".example"}
    ]
    named = {name for text in words for name in re.findall(r"\bPREFECT_[A-Z_]+", text)}

    unknown = named - {name.upper() for name in known_settings(get_current_settings())}

    assert len(named) > 5
    assert unknown == set()


def known_settings(settings: Any) -> Iterator[str]:
    """Every name by which Prefect reads one of its settings from the environment."""
    prefix = settings.model_config["env_prefix"]
    for name, field in type(settings).model_fields.items():
        yield f"{prefix}{name}"
        aliases = getattr(field.validation_alias, "choices", [field.validation_alias])
        yield from (alias for alias in aliases if isinstance(alias, str))
        value = getattr(settings, name)
        if hasattr(value, "model_config"):
            yield from known_settings(value)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_only_sections_and_keys_that_systemd_knows(unit: Path) -> None:
    found = parsed(unit)

    assert {
        (section, key) for section in found.sections() for key in found[section] if key not in KNOWN[section]
    } == set()
    if unit.suffix == ".service":
        assert {key: found["Service"][key] for key in HARDENED} == HARDENED
        assert found["Service"]["User"] == "nija"


def test_units_name_units_that_are_there() -> None:
    ours = {unit.name for unit in UNITS}
    elsewhere = {"network-online.target", "postgresql.service", "multi-user.target"}

    for unit in UNITS:
        found = parsed(unit)
        named = [
            word for key in ("After", "Wants", "Requires", "PartOf") for word in found["Unit"].get(key, "").split()
        ]
        assert set(named) <= ours | elsewhere


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:  # the program is where it is installed, not here
        (tmp_path / unit.name).write_text(re.sub(r"/opt/nija/\.venv/bin/\w+", "/bin/true", unit.read_text()))
    tool = shutil.which("systemd-analyze")
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    command = [tool, "verify", *(str(path) for path in tmp_path.iterdir())] if tool else ["true"]

    verified = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert verified.returncode == 0, verified.stderr
    assert not [line for line in verified.stderr.splitlines() if str(tmp_path) in line]


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']}-{manifest['metadata']['name']}"
)
def test_kubernetes_takes_the_manifests(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_a_job_made_of_the_template_is_one_that_kubernetes_takes() -> None:
    values = {name: variable.get("default") for name, variable in TEMPLATE["variables"]["properties"].items()}
    values |= {"name": "watch", "labels": {"run": "1"}, "command": ["prefect", "flow-run", "execute"]}
    values["env"] = [{"name": name, "value": value} for name, value in values["env"].items()]  # as the worker writes it

    job = filled(TEMPLATE["job_configuration"]["job_manifest"], values)

    kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)
    assert (job["spec"]["backoffLimit"], job["spec"]["template"]["spec"]["restartPolicy"]) == (0, "Never")


def test_the_template_uses_every_variable_that_it_offers_and_no_other() -> None:
    used = set(PLACEHOLDER.findall(json.dumps(TEMPLATE["job_configuration"])))

    assert used == set(TEMPLATE["variables"]["properties"])
    assert WorkPoolCreate(name="nija", type="kubernetes", base_job_template=TEMPLATE).base_job_template == TEMPLATE


def filled(part: Any, values: dict[str, Any]) -> Any:
    """Put values into their places, as Prefect does."""
    if isinstance(part, dict):
        return {key: filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, values) for value in part]
    if not isinstance(part, str):
        return part
    whole = PLACEHOLDER.fullmatch(part)
    return values[whole[1]] if whole else PLACEHOLDER.sub(lambda found: str(values[found[1]]), part)
