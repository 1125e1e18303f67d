"""How the whole `export` compares with kubectl, with the official client, and with the least that any tool must do.

Usage: python benchmarks/export.py [OBJECTS] [ROUNDS]. Starts a real control plane, fills it, lets each read the same
kinds and write them to a file, interleaved in one run. Prints medians of CPU seconds (user and system) of whole
processes, their largest resident memory, and the ratios. No figure here is a test.

`ours` is what people run: discovery, all kinds, redaction, the second look, the snapshot on disk. `floor` asks for the
same kinds over the same pool with gzip, parses with orjson and writes canonical JSON: no less can be done in Python.
`kubectl` is given the kinds that have objects. Only `ours` also asks for the kinds that have none.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from rig import assets
from rig.controlplane import ControlPlane
from rig.http import Client
from rig.shapes.loading import define, definitions

Json = dict[str, Any]
NAMESPACES = 40
SHARE = {"ConfigMap": 30, "Secret": 15, "Deployment": 20, "Service": 15, "ServiceAccount": 5, "Job": 5, "Shop": 10}
GROUPS = {"Deployment": "apps/v1", "Job": "batch/v1", "Shop": "acme.example/v1"}
RESOURCES = ["configmaps", "secrets", "deployments.apps", "services", "serviceaccounts", "jobs.batch"]
RESOURCES += [
    "shops.acme.example",
    "ipaddresses.networking.k8s.io",
    "namespaces",
    "clusterroles.rbac.authorization.k8s.io",
]
RESOURCES += ["clusterrolebindings.rbac.authorization.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"]
PATHS = [f"/api/v1/{n}" for n in ("configmaps", "secrets", "services", "serviceaccounts", "namespaces")]
PATHS += ["/apis/apps/v1/deployments", "/apis/batch/v1/jobs", "/apis/acme.example/v1/shops"]
PATHS += ["/apis/networking.k8s.io/v1/ipaddresses"]  # the server makes one for each Service
PATHS += [f"/apis/rbac.authorization.k8s.io/v1/{name}" for name in ("clusterroles", "clusterrolebindings")]
PATHS += ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]

FLOOR = """
import sys, orjson
from urllib.parse import urlencode
from migrate.cluster.kubeconfig import connect
import gc; gc.disable()
door = connect(None, sys.argv[1])
headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "Authorization": door.authorization()}
rows = []
for path in sys.argv[3:]:
    token = ""
    while True:
        url = f"{door.url}{path}?{urlencode({'limit': 500, 'continue': token})}"
        page = orjson.loads(door.pool.request("GET", url, headers=headers).data)
        rows += [orjson.dumps(one, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for one in page["items"]]
        token = page["metadata"].get("continue") or ""
        if not token:
            break
with open(sys.argv[2], "wb") as file:
    file.write(b"".join(rows))
"""

TYPED = """
import json, sys
from kubernetes import client, config
config.load_kube_config(sys.argv[1])
api, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
rbac, crds, custom = client.RbacAuthorizationV1Api(), client.ApiextensionsV1Api(), client.CustomObjectsApi()
lists = [api.list_config_map_for_all_namespaces, api.list_secret_for_all_namespaces]
lists += [api.list_service_for_all_namespaces, api.list_service_account_for_all_namespaces, api.list_namespace]
lists += [apps.list_deployment_for_all_namespaces, batch.list_job_for_all_namespaces]
lists += [client.NetworkingV1Api().list_ip_address, rbac.list_cluster_role]
lists += [rbac.list_cluster_role_binding, crds.list_custom_resource_definition]
plain = api.api_client.sanitize_for_serialization
with open(sys.argv[2], "w") as file:
    for ask in lists:
        token = None
        while True:
            page = ask(limit=500, _continue=token)
            for one in page.items:
                file.write(json.dumps(plain(one), sort_keys=True) + "\\n")
            token = page.metadata._continue
            if not token:
                break
    token = None
    while True:
        page = custom.list_cluster_custom_object("acme.example", "v1", "shops", limit=500, _continue=token)
        for one in page["items"]:
            file.write(json.dumps(one, sort_keys=True) + "\\n")
        token = page["metadata"].get("continue")
        if not token:
            break
"""


def words(dice: random.Random, size: int) -> str:
    """Text that gzip shrinks as it shrinks configuration, not as it shrinks zeros."""
    found = []
    while size > 0:
        found.append(f"{dice.choice(WORDS)}={dice.getrandbits(32)}")
        size -= len(found[-1]) + 1
    return "\n".join(found)


WORDS = ["timeout", "upstream.host", "log_level", "cache", "retry.policy", "feature.flag", "endpoint", "database.pool"]


def made(kind: str, number: int, dice: random.Random) -> Json:
    """One object of about 3 kB, as people write them."""
    name = f"{kind.lower()}-{number}"
    labels = {"app.kubernetes.io/name": name, "team": dice.choice(WORDS), "app.kubernetes.io/managed-by": "Helm"}
    notes = {"example.com/owner": words(dice, 60).splitlines()[0]}
    meta = {"name": name, "namespace": f"team-{number % NAMESPACES}", "labels": labels, "annotations": notes}
    body: Json = {"apiVersion": GROUPS.get(kind, "v1"), "kind": kind, "metadata": meta}
    if kind == "ConfigMap":
        return {**body, "data": {f"file-{i}.conf": words(dice, dice.randrange(500, 2500)) for i in range(2)}}
    if kind == "Secret":
        values = (words(dice, dice.randrange(200, 2200)) for _ in range(2))
        return {**body, "data": {f"key-{i}": base64.b64encode(one.encode()).decode() for i, one in enumerate(values)}}
    if kind == "Service":
        ports = [{"name": f"p{i}", "port": 80 + i, "targetPort": 8080 + i} for i in range(4)]
        return {**body, "spec": {"selector": labels, "ports": ports}}
    if kind == "ServiceAccount":
        return body
    template = {"metadata": {"labels": labels}, "spec": pod(dice)}
    if kind == "Deployment":
        return {**body, "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}}
    if kind == "Job":
        template["spec"] = pod(dice) | {"restartPolicy": "Never"}
        return {**body, "spec": {"template": template}}
    return {**body, "spec": {**pod(dice), "template": template}, "status": {"phase": "Running"}}


def pod(dice: random.Random) -> Json:
    env = [{"name": f"SETTING_{i}", "value": str(dice.getrandbits(60))} for i in range(8)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    ask = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
    image = f"europe-docker.pkg.dev/acme/shop/api:{dice.getrandbits(24)}"
    return {
        "containers": [{"name": "api", "image": image, "env": env, "readinessProbe": probe, "resources": ask}],
        "serviceAccountName": "default",
    }


def objects(number: int) -> Iterator[Json]:
    dice = random.Random(6)
    for i in range(NAMESPACES):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"team-{i}"}}
    for kind, share in SHARE.items():
        for i in range(number * share // 100):
            yield made(kind, i, dice)


def fill(client: Client, number: int) -> None:
    define(client, definitions({"acme.example": [["Shop", "shops", "N", ["v1"]]]}))
    every = list(objects(number))
    for name in every[:NAMESPACES]:
        client.create(name)
    for kind in SHARE:
        client.path(GROUPS.get(kind, "v1"), kind)  # discovery before the threads, which would all ask
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda obj: client.create(obj, strict=False), every[NAMESPACES:]):
            pass


def spent(command: list[str], output: Path | None, env: dict[str, str]) -> tuple[float, float]:
    """CPU seconds and the largest resident megabytes of one process and of what it starts."""
    with open(output or os.devnull, "wb") as file:
        child = subprocess.Popen(command, stdout=file, env=env)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"exit {child.returncode}: {command[:4]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(number: int, rounds: int) -> None:
    found = assets.find()
    if found is None:
        raise SystemExit(assets.why_not())
    with ControlPlane(found).start(with_controllers=False) as plane, tempfile.TemporaryDirectory() as temporary:
        fill(plane.client(), number)
        measure(plane, Path(temporary), rounds, str(found.path("kubectl")))


def measure(plane: ControlPlane, folder: Path, rounds: int, kubectl: str) -> None:
    config, me = str(plane.kubeconfig()), sys.executable
    env = {**os.environ, "XDG_STATE_HOME": str(folder), "KUBECONFIG": config}
    jobs: dict[str, tuple[list[str], Path | None]] = {
        "ours": ([me, "-m", "migrate.cli", "export", "-w", str(folder / "out")], None),
        "floor": ([me, "-c", FLOOR, config, str(folder / "floor.jsonl"), *PATHS], None),
        "kubectl": ([kubectl, "get", ",".join(RESOURCES), "-A", "-o", "json"], folder / "kubectl.json"),
        "typed": ([me, "-c", TYPED, config, str(folder / "typed.jsonl")], None),
    }
    cpu: dict[str, list[float]] = {name: [] for name in jobs}
    rss: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (command, output) in jobs.items():
            seconds, megabytes = spent(command, output, env)
            cpu[name].append(seconds)
            rss[name].append(megabytes)
    size = sum(file.stat().st_size for file in (folder / "out" / "snapshot").iterdir()) / 1e6
    rows = (folder / "floor.jsonl").read_bytes().count(b"\n")
    wanted = {
        "floor": rows,
        "typed": (folder / "typed.jsonl").read_bytes().count(b"\n"),
        "kubectl": len(json.loads((folder / "kubectl.json").read_bytes())["items"]),
    }
    if len(set(wanted.values())) != 1:
        raise SystemExit(f"they did not read the same: {wanted}")
    ours = (folder / "out" / "snapshot" / "objects.jsonl").read_bytes().count(b"\n")
    raw = (folder / "floor.jsonl").stat().st_size
    print(
        f"{rows:,} objects of {len(PATHS)} kinds, {raw / rows / 1000:.1f} kB each, {rounds} rounds; ours read {ours:,}"
    )
    print(
        f"snapshot on disk {size:.0f} MB; {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}"
    )
    median = {name: statistics.median(times) for name, times in cpu.items()}
    for name, times in cpu.items():
        spread = f"{median[name]:7.2f} s CPU ({min(times):.2f} to {max(times):.2f})"
        print(f"{name:8} {spread}  {max(rss[name]):7.0f} MB   {median[name] / median['floor']:6.2f} × floor")
    print(
        f"ours / floor {median['ours'] / median['floor']:.2f}; kubectl / ours {median['kubectl'] / median['ours']:.1f}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
