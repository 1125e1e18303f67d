"""What goes wrong before the first object: each mistake, what it says, and the exit code."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from export_help import kubeconfig, run
from rig import pki
from rig.faults import Faults, Proxy, Rule, Status, Unauthorized, WrongType

from migrate.cluster.discovery import discover
from migrate.errors import Refused
from migrate.flow import practice
from migrate.flow.asking import choose
from migrate.model.listing import Kind, Outcome

EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    running = practice.start([], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


def refused(*args: str | Path, code: int, env: dict[str, str] | None = None) -> str:
    """Run the export and give its two or more lines on stderr."""
    done = run("export", *args, **(env or {}))
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert (
        lines[0].startswith("error: ") and lines[-1].startswith(("next:", "       ")) and "Traceback" not in done.stderr
    )
    assert "no-such-secret-token" not in done.stderr
    return " ".join(done.stderr.split())


def test_no_kubeconfig(tmp_path: Path) -> None:
    out = ("-w", tmp_path / "out")
    said = refused("--kubeconfig", tmp_path / "none", *out, code=3)
    assert "no kubeconfig at" in said and "get-credentials" in said
    assert "~/.kube/config (the default place)" in refused(*out, code=3, env={"HOME": str(tmp_path), "KUBECONFIG": ""})
    (tmp_path / "bad").write_text("users: [{token: *no-such-secret-token}]")
    assert "bad cannot be read: not YAML" in refused("--kubeconfig", tmp_path / "bad", *out, code=3)
    (tmp_path / "list").write_text("[]")
    assert "holds no contexts" in refused("--kubeconfig", tmp_path / "list", *out, code=3)
    assert not (tmp_path / "out").exists()


def test_no_such_context(tmp_path: Path, url: str) -> None:
    config = kubeconfig(tmp_path, url)
    said = refused("--kubeconfig", config, "--context", "prod", "-w", tmp_path / "out", code=3)
    assert "no context prod in" in said and "it has: here next: name one" in said
    text = json.loads(config.read_text())
    text["clusters"] = []
    config.write_text(json.dumps(text))
    assert "a cluster that" in refused("--kubeconfig", config, "-w", tmp_path / "out", code=3)
    del text["current-context"]
    config.write_text(json.dumps(text))
    assert "no current context" in refused("--kubeconfig", config, "-w", tmp_path / "out", code=3)


def test_login_programs(tmp_path: Path, url: str) -> None:
    def said(code: int, **more: Any) -> str:
        config = kubeconfig(tmp_path, url, {"exec": EXEC | more})
        return refused("--kubeconfig", config, "-w", tmp_path / "out", code=code)

    missing = said(3, command="gke-gcloud-auth-plugin-of-nobody", installHint="gcloud components install it")
    assert "gke-gcloud-auth-plugin-of-nobody of the context here is not installed" in missing
    assert "gcloud components install it" in missing
    failing = said(4, command="sh", args=["-c", "echo Reauthentication failed >&2; exit 1"])
    assert "gave no credentials" in failing and "Reauthentication failed" in failing and "log in again" in failing
    assert "gave no credentials" in said(4, command="true")


def test_expired_credentials(tmp_path: Path, url: str) -> None:
    with Proxy(url, Faults(rules=[Rule(Unauthorized())])) as proxy:
        config = kubeconfig(tmp_path, proxy.url, {"token": "no-such-secret-token"})
        said = refused("--kubeconfig", config, "-w", tmp_path / "out", code=4)
    assert "does not accept the credentials of here: missing or expired" in said
    assert f"kubectl --kubeconfig {config} --context here get namespaces" in said


def test_everything_is_forbidden(tmp_path: Path, url: str) -> None:
    with Proxy(url, Faults(rules=[Rule(Status(403), path="limit=")])) as proxy:
        said = refused("--kubeconfig", kubeconfig(tmp_path, proxy.url), "-w", tmp_path / "out", code=4)
        assert "no kind of here could be read" in said and "gke2eks access source" in said
        proxy.faults = Faults(rules=[Rule(Status(403), path="/apis?$")])
        assert "which kinds it has" in refused(
            "--kubeconfig", kubeconfig(tmp_path, proxy.url), "-w", tmp_path / "out", code=4
        )


def test_nobody_answers(tmp_path: Path) -> None:
    out = ("-w", tmp_path / "out")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = kubeconfig(tmp_path, f"https://127.0.0.1:{nobody.getsockname()[1]}")
        said = refused("--kubeconfig", closed, *out, code=4)
        assert "the connection was refused (2 attempts)" in said and "check the address of here" in said
        nobody.listen(8)
        silent = kubeconfig(tmp_path, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert "no answer within 0.3 s" in refused("--kubeconfig", silent, "--timeout", "0.3", *out, code=4)
    unknown = kubeconfig(tmp_path, "https://user:no-such-secret-token@nowhere.invalid")
    assert "its name is not known here" in refused("--kubeconfig", unknown, *out, code=4)
    assert "names no server" in refused("--kubeconfig", kubeconfig(tmp_path, "nowhere"), *out, code=3)


def test_something_else_answers(tmp_path: Path, url: str) -> None:
    with Proxy(url, Faults(rules=[Rule(WrongType(body=b"<html>Log in</html>"))])) as proxy:
        config = kubeconfig(tmp_path, proxy.url)
        assert "not that of a Kubernetes API server" in refused("--kubeconfig", config, "-w", tmp_path / "out", code=4)


def test_a_certificate_of_somebody_else(tmp_path: Path, url: str) -> None:
    (tmp_path / "other").mkdir()
    pki.write(tmp_path / "other")
    with Proxy(url, tls=True) as proxy:
        config = kubeconfig(tmp_path, proxy.url, {"token": "no-such-secret-token"}, ca=tmp_path / "other" / "ca.crt")
        said = refused("--kubeconfig", config, "-w", tmp_path / "out", code=4)
        assert "is not the one that here expects" in said and "get-credentials" in said
        assert proxy.log == []
        assert proxy.ca
        name = kubeconfig(tmp_path, proxy.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"), ca=proxy.ca)
        refused("--kubeconfig", name, "-w", tmp_path / "out", code=4)
        good = kubeconfig(tmp_path, proxy.url, ca=proxy.ca)
        assert run("export", "--kubeconfig", good, "-w", tmp_path / "out", XDG_STATE_HOME=str(tmp_path)).returncode == 0


class Said:
    """A wire that answers from a table."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def ask(self, verb: str, path: str, query: Any = (), accept: str = "", fits: Any = None) -> Any:
        if path not in self.answers:
            raise Refused(f"{path}: 503", "wait.")
        assert fits(self.answers[path])
        return self.answers[path]


def group(name: str, **versions: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name} if name else {}, "versions": [{"version": v, **x} for v, x in versions.items()]}


def row(plural: str, kind: str, *verbs: str, scope: str = "Namespaced") -> dict[str, Any]:
    answer = {"group": "", "version": "", "kind": kind}
    return {"resource": plural, "responseKind": answer, "scope": scope, "verbs": [*verbs] or ["get", "list"]}


def test_aggregated_discovery() -> None:
    new = {"resources": [row("as", "A")]}
    old = {"resources": [row("as", "A"), row("bs", "B", scope="Cluster"), row("tokens", "Token", "create")]}
    stale: dict[str, Any] = {"resources": [], "freshness": "Stale"}
    kinds = discover(
        Said(
            {
                "/api": {"kind": "APIGroupDiscoveryList", "items": [group("", v1={"resources": [row("pods", "Pod")]})]},
                "/apis": {
                    "kind": "APIGroupDiscoveryList",
                    "items": [
                        group("x.io", v2=new, v1=old),
                        group("custom.metrics.k8s.io", v1=stale),
                        group("y.io", v1=stale),
                    ],
                },
            }
        )  # type: ignore[arg-type]
    )
    assert [(str(k), k.version, k.namespaced) for k in kinds] == [
        ("Pod", "v1", True),
        ("A.x.io", "v2", True),
        ("B.x.io", "v1", False),
        ("Token.x.io", "v1", True),
        ("all of custom.metrics.k8s.io/v1", "v1", False),
        ("all of y.io/v1", "v1", False),
    ]
    asked, left_out = choose(kinds)
    assert [str(k) for k in asked] == ["Pod", "A.x.io", "B.x.io", "all of y.io/v1"]
    assert {str(x.kind): x.why for x in left_out}["Token.x.io"] == "it has no list"
    assert {x.outcome for x in left_out} == {Outcome.LEFT_OUT}


def test_discovery_by_group() -> None:
    kinds = discover(
        Said(
            {
                "/api": {"kind": "APIVersions", "versions": ["v1"]},
                "/api/v1": {
                    "resources": [
                        {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]},
                        {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
                    ]
                },
                "/apis": {
                    "kind": "APIGroupList",
                    "groups": [
                        {
                            "name": "x.io",
                            "preferredVersion": {"version": "v2"},
                            "versions": [{"version": "v1"}, {"version": "v2"}],
                        },
                        {"name": "y.io", "versions": [{"version": "v1"}]},
                    ],
                },
                "/apis/x.io/v1": {"resources": [{"name": "as", "kind": "A"}, {"name": "bs", "kind": "B"}]},
                "/apis/x.io/v2": {"resources": [{"name": "as", "kind": "A", "verbs": ["list"]}]},
            }
        )  # type: ignore[arg-type]
    )
    assert kinds[0] == Kind("", "v1", "pods", "Pod", True, ("list",))
    assert [(str(k), k.version) for k in kinds[1:]] == [("A.x.io", "v2"), ("B.x.io", "v1"), ("all of y.io/v1", "v1")]
    assert [k.path for k in kinds[:2]] == ["/api/v1/pods", "/apis/x.io/v2/as"]
