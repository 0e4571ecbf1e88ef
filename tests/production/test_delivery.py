"""The pipelines and blueprints: what they need is there, what they may do is little, what they start is our shop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.production.manifests import ROOT, read_lines, read_secrets, write_secrets
from tests.production.settings import names_asked_for

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/pipeline.yml").read_text())
LONG = yaml.safe_load((ROOT / ".github/workflows/long.yml").read_text())
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
TRIGGERS = WORKFLOW[True]  # what YAML takes `on` for
ONLY_MAIN = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
ROLES = ("web", "worker", "beat")
RENDER = yaml.safe_load((ROOT / "render.yaml").read_text())
RAILWAY = {role: json.loads((ROOT / f"infra/railway/{role}.json").read_text()) for role in ROLES}
# What an operator is asked for, or the platform fills in.
SHOP = {
    "ALLOWED_HOSTS": "shop.example",
    "PUBLIC_URL": "https://shop.example",
}
# Web and worker share no disk there.
BUCKETS = {
    "S3_BUCKET": "shop",
    "S3_PRIVATE_BUCKET": "shop-private",
    "S3_REGION": "eu-west-1",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "word",
    "S3_PUBLIC_URL": "https://media.shop.example",
}


# Where the platforms' own servers are, as they say it.
OF_RENDER = {
    "DATABASE_URL": "postgresql://nexus:word@dpg-d0example-a/nexus",
    "REDIS_URL": "redis://red-d0example:6379",
    "BROKER_URL": "redis://red-d1example:6379",
}
OF_RAILWAY = {
    "DATABASE_URL": "postgresql://postgres:word@postgres.railway.internal:5432/railway",
    "REDIS_URL": "redis://default:word@redis.railway.internal:6379",
    "BROKER_URL": "amqp://nexus:word@rabbitmq.railway.internal:5672//",
}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("secrets")
    write_secrets(folder)
    return SHOP | BUCKETS | {"S3_ENDPOINT_URL": ""} | read_secrets(folder)["nexus"]


def steps() -> Iterator[dict[str, Any]]:
    return (step for job in JOBS.values() for step in job["steps"])


class TestLongForms:
    def test_are_run_each_night_wherever_there_are_some(self) -> None:
        parts = " ".join(LONG["jobs"]["long"]["strategy"]["matrix"]["part"]).split()
        marked = re.compile(r"\bpytest\.mark[.]long\b")
        files = {
            str(file.relative_to(ROOT))
            for folder in ("src", "tests")
            for file in (ROOT / folder).rglob("test_*.py")
            if marked.search(file.read_text())
        }

        assert LONG[True]["schedule"]
        assert LONG["jobs"]["long"]["steps"][-1]["run"] == 'make test-long ARGS="$PARTS"'
        assert [file for file in files if not any(file == part or file.startswith(f"{part}/") for part in parts)] == []
        assert [part for part in parts if not any(f"{file}/".startswith(f"{part}/") for file in files)] == []


class TestWorkflow:
    def test_checks_every_change_and_what_is_on_the_branches(self) -> None:
        assert "pull_request" in TRIGGERS
        assert TRIGGERS["push"]["branches"] == ["main", "dev"]

    def test_runs_only_actions_that_cannot_change(self) -> None:
        used = [step["uses"] for step in steps() if "uses" in step]

        assert used
        assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)] == []

    def test_may_read_and_writes_packages_in_one_job_alone(self) -> None:
        assert WORKFLOW["permissions"] == {"contents": "read"}
        assert {name for name, job in JOBS.items() if "write" in job.get("permissions", {}).values()} == {"push"}

    def test_leaves_no_sign_in_in_the_checkout(self) -> None:
        checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]

        assert all(step["with"]["persist-credentials"] is False for step in checkouts)

    def test_has_no_value_of_others_in_a_script(self) -> None:
        assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []

    def test_ends(self) -> None:
        assert [name for name, job in JOBS.items() if not job.get("timeout-minutes")] == []

    def test_pushes_and_deploys_from_main_alone_and_what_was_checked(self) -> None:
        assert JOBS["push"]["if"] == ONLY_MAIN
        assert JOBS["push"]["needs"] == ["checked"]
        assert JOBS["deploy"]["needs"] == ["push"]
        assert JOBS["deploy"]["concurrency"] == {"group": "deploy", "cancel-in-progress": False}

    def test_asks_for_all_checks_before_a_merge(self) -> None:
        rules = json.loads((ROOT / ".github/rulesets/branches.json").read_text())["rules"]
        (required,) = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]

        needed = set(JOBS["checked"]["needs"])

        assert [check["context"] for check in required["required_status_checks"]] == [JOBS["checked"]["name"]]
        assert needed == JOBS.keys() - {"checked", "push", "deploy"}
        assert f'"{" ".join(["success"] * len(needed))}"' in JOBS["checked"]["steps"][0]["run"]

    def test_gives_the_tests_the_servers_as_services(self) -> None:
        assert JOBS["test"]["services"].keys() == {"postgres", "redis", "rabbitmq"}
        assert JOBS["test"]["env"]["PGSOCK"] == "postgres"
        given = {name for step in JOBS["test"]["steps"] for name in step.get("env", {})}
        assert {name for name in given if f'"{name}"' in (ROOT / "conftest.py").read_text()} == given


class TestPipelines:
    @pytest.mark.parametrize("file", [".github/workflows/pipeline.yml", "infra/jenkins/Jenkinsfile"])
    def test_call_what_is_there(self, file: str) -> None:
        text = (ROOT / file).read_text()
        makefile = (ROOT / "Makefile").read_text()

        scripts = set(re.findall(r"(?:infra/[\w/-]+\.sh|\.ci/run)", text))

        assert {"infra/k8s/deploy.sh", "infra/push_image.sh", "infra/try_image.sh"} <= scripts
        assert "infra/try_compose.sh" in scripts or file == "infra/jenkins/Jenkinsfile"
        for script in scripts:
            assert (ROOT / script).stat().st_mode & 0o111, script
        for target in re.findall(r"make ([a-z-]+)", text):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


class TestJenkins:
    def test_finds_all_that_its_configuration_names(self) -> None:
        casc = (ROOT / "infra/jenkins/casc.yaml").read_text()
        jenkins = yaml.safe_load((ROOT / "infra/jenkins/compose.yml").read_text())["services"]["jenkins"]
        values = "\n".join(line for line in casc.splitlines() if not line.startswith("#"))

        named = {name.removeprefix("readFileBase64:/run/secrets/") for name in re.findall(r"\$\{([^}]+)\}", values)}

        assert named == {name for name in jenkins["environment"] if not name.startswith("DOCKER_")} | {
            "DOCKER_HUB_ACCOUNT",
            "DOCKER_HUB_REPOSITORY",
            *jenkins["secrets"],
        }

    def test_knows_the_credentials_and_variables_of_the_pipeline(self) -> None:
        pipeline = (ROOT / "infra/jenkins/Jenkinsfile").read_text()
        casc = yaml.safe_load((ROOT / "infra/jenkins/casc.yaml").read_text())
        (domain,) = casc["credentials"]["system"]["domainCredentials"]
        known = {entry["id"] for credential in domain["credentials"] for entry in credential.values()}
        (variables,) = casc["jenkins"]["globalNodeProperties"]

        assert set(re.findall(r"credentials\('([\w-]+)'\)", pipeline)) == known
        for variable in variables["envVars"]["env"]:
            assert f"${variable['key']}" in pipeline

    def test_is_configured_by_plugins_that_it_has(self) -> None:
        casc = yaml.safe_load((ROOT / "infra/jenkins/casc.yaml").read_text())
        plugins = {line.split(":")[0] for line in (ROOT / "infra/jenkins/plugins.txt").read_text().split()}
        (domain,) = casc["credentials"]["system"]["domainCredentials"]
        kinds = {kind for credential in domain["credentials"] for kind in credential}

        assert casc.keys() == {"jenkins", "credentials", "unclassified", "jobs"}
        assert {"configuration-as-code", "job-dsl"} <= plugins
        assert kinds == {"usernamePassword", "file"}
        assert {"credentials-binding", "plain-credentials"} & plugins
        for job in casc["jobs"]:
            assert job["script"].count("{") == job["script"].count("}")

    def test_builds_the_pipeline_of_the_repository(self) -> None:
        casc = (ROOT / "infra/jenkins/casc.yaml").read_text()

        (place,) = re.findall(r"scriptPath\('([^']+)'\)", casc)

        assert (ROOT / place).is_file()


# Of what Render's specification of blueprints and Railway's schema know, what a shop may want: place -> keys.
KNOWN_TO_RENDER = {
    "": {"services", "databases", "envVarGroups", "previews", "projects", "ungrouped", "version"},
    "docker": {
        "type", "name", "runtime", "region", "plan", "dockerfilePath", "dockerContext", "dockerCommand",
        "preDeployCommand", "healthCheckPath", "maxShutdownDelaySeconds", "autoDeployTrigger", "envVars",
        "numInstances", "scaling", "domains", "disk", "buildFilter", "branch", "repo", "rootDir",
    },
    "keyvalue": {"type", "name", "region", "plan", "maxmemoryPolicy", "ipAllowList"},
    "database": {
        "name", "region", "plan", "postgresMajorVersion", "databaseName", "user", "ipAllowList", "diskSizeGB",
        "highAvailability", "readReplicas",
    },
}  # fmt: skip
KNOWN_TO_RAILWAY = {
    "": {"$schema", "build", "deploy", "environments"},
    "build": {"builder", "dockerfilePath", "watchPatterns", "buildCommand"},
    "deploy": {
        "startCommand", "preDeployCommand", "healthcheckPath", "healthcheckTimeout", "overlapSeconds",
        "drainingSeconds", "restartPolicyType", "restartPolicyMaxRetries", "numReplicas",
        "cronSchedule", "region", "multiRegionConfig",
    },
}  # fmt: skip
# A variable has one source, by these keys.
SOURCES = ({"key", "value"}, {"key", "sync"}, {"key", "fromDatabase"}, {"key", "fromService"}, {"fromGroup"})
REGIONS = {"oregon", "ohio", "virginia", "frankfurt", "singapore"}


class TestRender:
    def test_says_nothing_that_render_does_not_know(self) -> None:
        assert RENDER.keys() <= KNOWN_TO_RENDER[""]
        for service in RENDER["services"]:
            kind = service.get("runtime", service["type"])
            assert service.keys() <= KNOWN_TO_RENDER[kind], service["name"]
            assert service["type"] in {"web", "worker", "pserv", "cron", "keyvalue"}
            assert service["region"] in REGIONS
            assert service.get("autoDeployTrigger", "off") in {"commit", "checksPass", "off"}
            assert 1 <= service.get("maxShutdownDelaySeconds", 30) <= 300
        for database in RENDER["databases"]:
            assert database.keys() <= KNOWN_TO_RENDER["database"]
            assert database["postgresMajorVersion"] in {"13", "14", "15", "16", "17", "18"}

    def test_takes_each_variable_from_one_place(self) -> None:
        holders = [*RENDER["envVarGroups"], *(each for each in RENDER["services"] if "envVars" in each)]
        groups = {each["name"] for each in RENDER["envVarGroups"]}
        entries = [entry for holder in holders for entry in holder["envVars"]]

        assert [entry for entry in entries if entry.keys() not in SOURCES] == []
        assert {entry["fromGroup"] for entry in entries if "fromGroup" in entry} <= groups
        assert [entry for entry in entries if not isinstance(entry.get("value", ""), str)] == []
        for holder in holders:
            names = [entry["key"] for entry in holder["envVars"] if "key" in entry]
            assert len(names) == len(set(names))

    def test_has_all_that_the_shop_consists_of(self) -> None:
        services = {service["name"]: service for service in RENDER["services"]}

        started = {service.get("dockerCommand") for service in services.values() if service.get("runtime") == "docker"}

        assert started == {f"nexus {role}" for role in ROLES}
        assert services["nexus-web"]["preDeployCommand"] == "nexus migrate"
        assert services["nexus-web"]["healthCheckPath"] == "/readyz"
        assert [services[name]["maxmemoryPolicy"] for name in ("nexus-cache", "nexus-broker")] == [
            "allkeys-lru",
            "noeviction",
        ]
        assert [server["ipAllowList"] for server in (*RENDER["databases"], services["nexus-cache"])] == [[], []]

    @pytest.mark.parametrize(
        "service", [each["name"] for each in RENDER["services"] if each.get("runtime") == "docker"]
    )
    def test_boots_production(self, service: str, secrets: dict[str, str]) -> None:
        (group,) = RENDER["envVarGroups"]
        (found,) = [each for each in RENDER["services"] if each["name"] == service]
        given = {entry["key"]: entry.get("value") for entry in group["envVars"]}
        given |= {entry["key"]: None for entry in found["envVars"] if "key" in entry}
        there = {server["name"] for server in (*RENDER["services"], *RENDER["databases"])}

        known = secrets | OF_RENDER
        environment = {name: known[name] if value is None else value for name, value in given.items()}

        assert environment.keys() <= names_asked_for(environment)
        for entry in found["envVars"]:
            assert entry.get("fromService", entry.get("fromDatabase", {"name": "nexus-web"}))["name"] in there

    def test_keeps_no_secret(self) -> None:
        (group,) = RENDER["envVarGroups"]

        assert {entry["key"] for entry in group["envVars"] if entry.get("sync") is False} == {
            *SHOP, *BUCKETS, "S3_ENDPOINT_URL", "SECRET_KEY", "FIELD_KEYS", "EMAIL_URL",
        }  # fmt: skip


class TestRailway:
    @pytest.mark.parametrize("role", ROLES)
    def test_says_nothing_that_railway_does_not_know(self, role: str) -> None:
        said = RAILWAY[role]

        assert said.keys() <= KNOWN_TO_RAILWAY[""]
        assert said["$schema"] == "https://railway.com/railway.schema.json"
        for part in ("build", "deploy"):
            assert said[part].keys() <= KNOWN_TO_RAILWAY[part]
        assert said["build"]["builder"] in {"DOCKERFILE", "RAILPACK", "NIXPACKS"}
        assert said["deploy"]["restartPolicyType"] in {"ON_FAILURE", "ALWAYS", "NEVER"}
        assert isinstance(said["deploy"].get("preDeployCommand", []), list)

    @pytest.mark.parametrize("role", ROLES)
    def test_starts_a_role_of_the_image(self, role: str) -> None:
        assert RAILWAY[role]["deploy"]["startCommand"] == f"nexus {role}"
        assert RAILWAY[role]["build"]["dockerfilePath"] == RENDER["services"][0]["dockerfilePath"]

    def test_migrates_before_and_asks_whether_it_is_ready(self) -> None:
        assert RAILWAY["web"]["deploy"]["preDeployCommand"] == ["nexus migrate"]
        assert RAILWAY["web"]["deploy"]["healthcheckPath"] == "/readyz"

    def test_boots_production(self, secrets: dict[str, str]) -> None:
        text = (ROOT / "infra/railway/variables.env").read_text()
        given = read_lines("\n".join(line for line in text.splitlines() if not line.startswith("#")))

        known = secrets | OF_RAILWAY
        environment = {name: known[name] if not value or "${{" in value else value for name, value in given.items()}

        assert environment.keys() <= names_asked_for(environment)
        empty = {name for name, value in given.items() if not value}
        assert empty == {*BUCKETS, "S3_ENDPOINT_URL", "SECRET_KEY", "FIELD_KEYS", "EMAIL_URL"} - {"S3_REGION"}


class TestImage:
    def test_says_where_its_code_is_by_both_pipelines(self) -> None:
        label = 'org.opencontainers.image.source="${SOURCE}"'
        builds = [
            text.count('--build-arg "SOURCE=')
            for text in (
                (ROOT / ".github/workflows/pipeline.yml").read_text(),
                (ROOT / "infra/jenkins/Jenkinsfile").read_text(),
            )
        ]

        assert label in (ROOT / "infra/docker/Dockerfile").read_text()
        assert builds == [2, 2]

    def test_is_built_of_what_is_listed_and_never_of_the_repository(self) -> None:
        listed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
        taken = {line[1:] for line in listed if line.startswith("!")}
        copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "infra/docker/Dockerfile").read_text(), re.MULTILINE)

        assert listed[0] == "*"
        assert not {path for path in taken if path.startswith((".", "*"))}
        assert {path for paths in copied for path in paths.split()} <= taken
