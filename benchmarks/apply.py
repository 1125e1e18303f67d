"""How fast the whole `apply` is, beside kubectl and beside a bare connection pool that sends the very same bytes.

Usage: python benchmarks/apply.py [secrets|mixed|many] [OBJECTS] [ROUNDS]. Starts a real control plane (no controllers:
nothing else works there) and lets each write the same objects, interleaved in one run; in between all is deleted.

`ours` is what people run: the plan made again and compared, the target listed, intents on disk before each request.
`kubectl` is `kubectl apply --server-side` with one file. `pool N` sends the recorded requests of ours over N kept
connections by N threads, and reads the answers without a look at them. Objects per second are those of whole
processes; `sending` has only the time between the first request and the last answer. `many` writes once, then runs
again, which must write nothing, and once more without the journal. No figure here is a test.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from apply_help import Watched
from export import made
from rig import assets
from rig.controlplane import ControlPlane

from migrate.cluster import target as targets
from migrate.cluster import writing
from migrate.cluster.pace import Pace
from migrate.flow.apply import prepare
from migrate.flow.practice import start, write_kubeconfig
from migrate.flow.run import Wait

Json = dict[str, Any]
NAMESPACES = 40
# An image that needs no answer: a Pod of Google's registry would wait for one.
ANSWERED = (b"europe-docker.pkg.dev/acme/shop/api:", b"docker.io/acme/api:")
MIXED = {"ConfigMap": 35, "Secret": 20, "Deployment": 20, "Service": 15, "ServiceAccount": 5, "Job": 5}
PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets", "Service": "services", "ServiceAccount": "serviceaccounts"}
PLURALS |= {"Deployment": "deployments", "Job": "jobs"}
SIZES = {"secrets": 3000, "mixed": 5000, "many": 31000}
POOLS = (1, 4, 8)

POOL = """
import pickle, sys, threading, time
import urllib3
file, ca, token, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
url, waves = pickle.load(open(file, "rb"))
more = {"ca_certs": ca, "cert_reqs": "CERT_REQUIRED"} if ca else {}
pool = urllib3.connection_from_url(url, maxsize=threads, block=True, **more)
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/apply-patch+yaml"}
headers |= {"Accept": "application/json", "Accept-Encoding": "gzip"}
began = time.monotonic()
for wave in waves:
    rest = iter(wave)
    lock = threading.Lock()
    def work():
        while True:
            with lock:
                one = next(rest, None)
            if one is None:
                return
            answer = pool.urlopen("PATCH", one[0], body=one[1], headers=headers, retries=False)
            assert answer.status in (200, 201), answer.data
    crew = [threading.Thread(target=work) for _ in range(threads)]
    for one in crew: one.start()
    for one in crew: one.join()
print(time.monotonic() - began)
"""


def environment(folder: Path) -> dict[str, str]:
    """As people have it: a home, and modules that are compiled once, whatever is said to the benchmark itself."""
    home = str(folder / "home")
    rest = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**rest, "HOME": home, "XDG_STATE_HOME": home}


def objects(sort: str, number: int) -> list[Json]:
    """Namespaces, and so many objects of about 3 kB in them; the same for the same numbers."""
    dice = random.Random(9)
    names = [{"name": f"team-{i}"} for i in range(NAMESPACES)]
    found: list[Json] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": name} for name in names]
    for kind, share in (MIXED if sort == "mixed" else {"Secret": 100}).items():
        found += [made(kind, i, dice) for i in range(number * share // 100)]
    return found


@dataclass
class Bench:
    """A planned workspace, the control plane that it goes to, and what was measured: name → (wall, CPU, sending)."""

    folder: Path
    config: Path
    url: str
    ca: str
    token: str
    kubectl: str
    sort: str
    servers: tuple[int, ...]
    rows: dict[str, list[tuple[float, float, float, float, float]]] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return environment(self.folder)

    def ours(self, *more: str) -> Json:
        """The command, as people run it, in a process of its own."""
        line = [sys.executable, "-m", "migrate.cli", "apply", "-w", str(self.folder / "out"), "--yes", "-o", "json"]
        line += ["--context", "rig", "--kubeconfig", str(self.config), "--age-identity", str(self.folder / "key")]
        line += ["--wait", "none"] if self.sort == "mixed" else []  # no controllers: nothing gets ready
        said = self.timed("ours" + "".join(more), line)
        return dict(json.loads(said))

    def theirs(self) -> None:
        line = [self.kubectl, "--kubeconfig", str(self.config), "apply", "--server-side"]
        self.timed("kubectl", [*line, "-f", str(self.folder / "all.json")])

    def pool(self, threads: int) -> None:
        line = [sys.executable, "-c", POOL, str(self.folder / "requests"), self.ca, self.token, str(threads)]
        self.timed(f"pool {threads}", line)

    def timed(self, name: str, line: list[str]) -> bytes:
        """Run a process to its end and note what it took. Anything but success ends the benchmark."""
        out = self.folder / "stdout"
        began, before = time.monotonic(), self.served()
        with out.open("wb") as file, (self.folder / "stderr").open("wb") as errors:
            child = subprocess.Popen(line, stdout=file, stderr=errors, env=self.env)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        said = out.read_bytes()
        if child.returncode:
            raise SystemExit(f"{name}: exit {child.returncode}\n{(self.folder / 'stderr').read_text()[-2000:]}")
        sending = wall if name == "kubectl" else float(said if name[0] == "p" else json.loads(said)["seconds"])
        row = (wall, used.ru_utime + used.ru_stime, sending, used.ru_maxrss / 1024, self.served() - before)
        self.rows.setdefault(name, []).append(row)
        return said

    def served(self) -> float:
        """CPU seconds of API server and etcd so far."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.servers]
        return sum(int(one[11]) + int(one[12]) for one in stats) / os.sysconf("SC_CLK_TCK")

    def forget(self) -> None:
        """A first run again."""
        (self.folder / "out" / "journal.jsonl").unlink(missing_ok=True)


def prepare_all(folder: Path, sort: str, number: int) -> None:
    """What people have before apply: an export with its encrypted values, and a plan of it."""
    from pyrage import x25519

    me = x25519.Identity.generate()
    (folder / "key").write_text(f"{me}\n")
    (folder / "key").chmod(0o600)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects(sort, number)}).encode()
    (folder / "source.json").write_bytes(text.replace(*ANSWERED))
    practising = start([str(folder / "source.json")], stdin=lambda: b"", port=0)
    write_kubeconfig(folder / "source.config", practising.server.url)
    env = environment(folder)
    tool, out = [sys.executable, "-m", "migrate.cli"], str(folder / "out")
    named = ["--context", "practice", "--kubeconfig", str(folder / "source.config")]
    run([*tool, "export", *named, "-w", out, "--age-recipient", str(me.to_public())], env)
    practising.server.stop()
    run([*tool, "plan", "-w", out], env)


def run(line: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"exit {done.returncode}: {line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def recorded(bench: Bench) -> int:
    """Apply once in this process, and keep the requests for the pool and the objects for kubectl."""
    kept: list[writing.Request] = []
    send = writing.Sender.send

    def noted(self: writing.Sender, request: writing.Request) -> Any:
        if request.method == "PATCH" and ("dryRun", "All") not in request.query:
            kept.append(request)
        return send(self, request)

    writing.Sender.send = noted  # type: ignore[method-assign]
    try:
        target = targets.from_kubeconfig("rig", str(bench.config), pace=Pace(100_000, 100_000))
        today = datetime.now(UTC).date()
        ids = [bench.folder / "key"]
        os.environ["XDG_STATE_HOME"] = bench.env["XDG_STATE_HOME"]
        with prepare(target, bench.folder / "out", today=today, age_identities=ids) as ready:
            report = ready.run(wait=Wait.NONE, ready_timeout=60, watcher=Watched(), stop=Event())
    finally:
        writing.Sender.send = send  # type: ignore[method-assign]
    if report.exit:
        raise SystemExit(f"the first run came to {report.counts}")
    kept.sort(key=lambda one: one.path.count("/") > 4)  # Namespaces first
    query = "&".join(f"{key}={value}" for key, value in kept[0].query)
    rows = [(f"{one.path}?{query}", one.data) for one in kept]
    spaces = [one for one in rows if one[0].count("/") == 4]
    with (bench.folder / "requests").open("wb") as file:
        pickle.dump((bench.url, [spaces, rows[len(spaces) :]]), file)
    (bench.folder / "all.json").write_bytes(b"\n".join(data for _, data in rows))
    return len(rows)


def clean(client: Any, kinds: Iterable[str]) -> int:
    """Delete all that was written, but for the Namespaces, which need a controller to go; count it."""
    prefix = {"Deployment": "/apis/apps/v1", "Job": "/apis/batch/v1"}

    def one(path: str) -> int:
        there = len(client.raw("GET", path)["items"])
        client.raw("DELETE", path, {"propagationPolicy": "Background"})
        return there

    paths = [f"{prefix.get(k, '/api/v1')}/namespaces/team-{i}/{PLURALS[k]}" for k in kinds for i in range(NAMESPACES)]
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(one, paths))


def report(bench: Bench, number: int) -> None:
    found = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in bench.rows.items()
    }
    for name, (wall, cpu, sending, memory, served) in found.items():
        least, most = min(row[0] for row in bench.rows[name]), max(row[0] for row in bench.rows[name])
        print(f"{name:18} {wall:6.2f} s ({least:.2f} to {most:.2f}) {number / wall:5.0f}/s, sending ", end="")
        print(f"{sending:6.2f} s {number / sending:5.0f}/s, CPU {cpu:6.2f} s, servers {served:6.2f} s, {memory:.0f} MB")
    if "kubectl" not in found:
        return
    ours, kubectl, pools = found["ours"], found["kubectl"], [found[f"pool {n}"] for n in POOLS]
    print(f"whole processes: kubectl / ours {kubectl[0] / ours[0]:.2f}, best pool / ours {min(pools)[0] / ours[0]:.2f}")
    print(
        f"sending: kubectl / ours {kubectl[0] / ours[2]:.2f}, pool / ours {min(row[2] for row in pools) / ours[2]:.2f}"
    )
    # Where others work on the machine, too, this says more: with nothing to wait for, all time is CPU time.
    both, least = ours[1] + ours[4], min(row[1] + row[4] for row in pools)
    print(f"CPU of both sides: kubectl / ours {(kubectl[1] + kubectl[4]) / both:.2f}, pool / ours {least / both:.2f}")


def many(bench: Bench) -> int:
    first = bench.ours()
    again = bench.ours(" again")
    bench.forget()
    bare = bench.ours(", journal lost")
    for said in (first, again, bare):
        print({key: value for key, value in said["counts"].items() if value}, "written", said["written"])
    return sum(first["counts"].values())


def rounds_of(bench: Bench, client: Any, rounds: int) -> int:
    kinds = MIXED if bench.sort == "mixed" else ("Secret",)
    number = recorded(bench)
    clean(client, kinds)
    for _ in range(rounds):
        for name in ("kubectl", *POOLS, "ours"):
            if name == "ours":
                bench.forget()
                bench.ours()
            elif isinstance(name, int):
                bench.pool(name)
            else:
                bench.theirs()
            if clean(client, kinds) < number - NAMESPACES:
                raise SystemExit(f"{name} did not write all of {number}")
    return number


def measure(bench: Bench, client: Any, rounds: int) -> None:
    before = os.getloadavg()[0]
    number = many(bench) if bench.sort == "many" else rounds_of(bench, client, rounds)
    print(f"{bench.sort}: {number:,} objects; Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after")
    report(bench, number)


def main(sort: str, number: int, rounds: int) -> None:
    found = assets.find()
    if found is None:
        raise SystemExit(assets.why_not())
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = Path(temporary).absolute()
        (folder / "home").mkdir()
        prepare_all(folder, sort, number)
        with ControlPlane(found).start(with_controllers=False) as plane:
            config, kubectl = plane.kubeconfig(), str(found.path("kubectl"))
            pids = tuple(plane.pids.values())
            bench = Bench(folder, config, plane.url, str(plane.ca), plane.token(), kubectl, sort, pids)
            measure(bench, plane.client(timeout=120), rounds)


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "secrets"
    main(asked, int(sys.argv[2]) if len(sys.argv) > 2 else SIZES[asked], int(sys.argv[3]) if len(sys.argv) > 3 else 5)
