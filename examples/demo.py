"""`make demo`: a whole move of the bundled cluster, from one practice cluster to another. Standard library only.

Every line after `$` is given to a shell as it stands, and what follows is what the command printed. There is no kubectl
on a fresh machine, so what kubectl would send to the practice source is sent by HTTP, and said.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = ROOT / "examples" / "gke2eks.yaml"
VOLUMES = """\
volumes:
  data/data-redis-0: copied
  data/data-redis-1: copied
  edge/caddy-data: copied
  ops/tsdb-prometheus-0: empty-ok # two weeks of metrics may be lost
"""
PATHS = {
    "configmap": "api/v1",
    "deployment": "apis/apps/v1",
    "statefulset": "apis/apps/v1",
    "cronjob": "apis/batch/v1",
}
DONE, LOOK, BAD_INPUT, INTERRUPTED = 0, 1, 3, 130


class Demo:
    """The two clusters, the shell, and what is said between the commands."""

    def __init__(self, out: str, home: Path) -> None:
        self.out, self.home = shlex.quote(out), home
        self.files = {name: home / f"{name}.kubeconfig" for name in ("gke", "eks")}
        # Variables of the user must not change what the lines below say.
        self.env = {name: text for name, text in os.environ.items() if not name.startswith("GKE2EKS_")}
        self.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), self.env.get("PATH", os.defpath)])
        self.env["KUBECONFIG"] = os.pathsep.join(map(str, self.files.values()))
        self.env["NO_PROXY"] = self.env["no_proxy"] = "127.0.0.1"
        self.running: list[subprocess.Popen[bytes]] = []

    def play(self) -> None:
        """The story."""
        say("Two practice clusters: gke holds the bundled example, eks is empty.")
        self.start("gke2eks practice --name gke --from examples/gke-cluster.json", "gke")
        self.start("gke2eks practice --name eks", "eks")
        print(f"$ export KUBECONFIG={shlex.quote(self.env['KUBECONFIG'])}")

        say("1. Export and plan. The source is only read, and the first plan asks what only you know.")
        self.shell(f"gke2eks export -w {self.out} --context gke")
        self.shell(f"gke2eks plan -w {self.out}")

        say("2. The bundled answers, and plan again. What becomes of volumes is left open.")
        self.shell(f"cp examples/gke2eks.yaml {self.out}/")
        self.shell(f"gke2eks plan -w {self.out} | head -13")

        target = f"-w {self.out} --context eks --source-context gke"
        say("3. Preflight. The practice target has no nodes and no add-ons, so it finds that much; it exits with 1.")
        self.shell(f"gke2eks preflight {target}", LOOK)

        say("4. Apply. What must not run twice arrives held. --yes stands for typing the target's name.")
        self.shell(f"gke2eks apply {target} --yes")

        say("5. Release refuses: the twins still run on the source, and nobody said what becomes of their data.")
        refused = self.shell(f"gke2eks release {target} --yes", LOOK, keep=True)

        say("6. So stop the twins (this is what a person does; the demo sends by HTTP what kubectl would send),")
        print("#    copy the data (there is none here), answer, and plan again.")
        self.stop(re.findall(r"(kubectl --context gke .+)", refused))
        self.shell(f"cat >> {self.out}/gke2eks.yaml <<'END'\n{VOLUMES}END")
        self.shell(f"gke2eks plan -w {self.out} | head -4")

        say("7. Release. Then apply once more: everything is there, nothing is written.")
        self.shell(f"gke2eks release {target} --yes")
        self.shell(f"gke2eks apply {target} --yes")

        say("8. Diff. Is the target what was planned, and nothing else? Somebody changes one value there meanwhile")
        print("#    (again, the demo sends by HTTP what kubectl would send). Diff finds it, and exits with 1.")
        self.patch("eks", "app", "configmap", "app-config", {"data": {"LOG_LEVEL": "debug"}})
        found = self.shell(f"gke2eks diff {target}", LOOK, keep=True)

        say("9. It names the command that puts the planned value back. Then there is no difference any more.")
        again = re.search(r"^ +next +(gke2eks apply .+)", found, re.MULTILINE)
        if again is None or "No: 1 unexpected." not in found:
            fail("diff did not find the one value that was changed")
        self.shell(f"{again[1]} --yes")
        self.shell(f"gke2eks diff {target}")

    def start(self, line: str, name: str) -> None:
        """Run a practice cluster beside us until the end."""
        print(f"$ {line} --kubeconfig {shlex.quote(str(self.files[name]))} &", flush=True)
        words = [*shlex.split(line), "--kubeconfig", str(self.files[name])]
        with (self.home / f"{name}.log").open("wb") as log:
            command = [shutil.which(words[0], path=self.env["PATH"]) or words[0], *words[1:]]
            process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        self.running.append(process)
        until = time.monotonic() + 20
        while not self.files[name].exists():
            if process.poll() is not None or time.monotonic() > until:
                fail(f"the practice cluster did not start\n{(self.home / f'{name}.log').read_text('utf-8')}")
            time.sleep(0.02)

    def shell(self, line: str, code: int = DONE, *, keep: bool = False) -> str:
        """Show a line, run it, and be content with one exit code only."""
        print(f"\n$ {line}", flush=True)
        done = subprocess.run(
            line, shell=True, cwd=ROOT, env=self.env, stderr=subprocess.STDOUT, stdout=subprocess.PIPE if keep else None
        )
        text = (done.stdout or b"").decode("utf-8", "replace")
        print(text, end="", flush=True)
        if done.returncode != code:
            fail(f"exit {done.returncode}, and {code} was expected of: {line}")
        return text

    def stop(self, lines: list[str]) -> None:
        """Send to the source what these kubectl commands would send, and wait until its pods have ended."""
        assert lines, "release printed no command"
        url, gone = self.url("gke"), []
        for line in lines:
            print(f"\n$ {line}")
            words = shlex.split(line)
            space, (verb, what) = words[words.index("-n") + 1], words[words.index("-n") + 2 :][:2]
            kind, name = what.split("/")
            patch = {"spec": {"replicas": 0}} if verb == "scale" else json.loads(words[words.index("-p") + 1])
            send(f"{url}/{PATHS[kind]}/namespaces/{space}/{kind}s/{name}", patch)
            print(f"{kind}/{name} {'scaled' if verb == 'scale' else 'patched'}   (by HTTP)")
            gone += [(space, f"{name}-")] if verb == "scale" else []
        until = time.monotonic() + 20
        while True:
            pods = [pod["metadata"] for pod in send(f"{url}/api/v1/pods")["items"]]
            left = [pod["name"] for pod in pods for space, name in gone if pod["name"].startswith(name)]
            if not left:
                return
            if time.monotonic() > until:
                fail(f"pods did not end on the source: {', '.join(left)}")
            time.sleep(0.05)

    def patch(self, cluster: str, space: str, kind: str, name: str, patch: object) -> None:
        """Show a kubectl patch, and send what it would send."""
        text = json.dumps(patch, separators=(",", ":"))
        print(f"\n$ kubectl --context {cluster} -n {space} patch {kind}/{name} --type=merge -p '{text}'")
        place = f"{PATHS[kind]}/namespaces/{space}/{kind}s/{name}?fieldManager=kubectl-patch"
        send(f"{self.url(cluster)}/{place}", patch)
        print(f"{kind}/{name} patched   (by HTTP)", flush=True)

    def url(self, cluster: str) -> str:
        """Where a practice cluster listens."""
        found = re.search(r'server: "(http://127\.0\.0\.1:\d+)"', self.files[cluster].read_text("utf-8"))
        assert found, "a practice cluster writes its address"
        return found[1]

    def close(self) -> None:
        """Leave nothing running."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def say(text: str) -> None:
    """A remark of the demo, which no command printed."""
    print(f"\n# {text}", flush=True)


def fail(text: str) -> NoReturn:
    """End with words."""
    print(f"demo: {text}", file=sys.stderr, flush=True)
    raise SystemExit(LOOK)


def send(url: str, patch: object = None) -> dict[str, list[dict[str, dict[str, str]]]]:
    """GET, or a merge patch; never through a proxy."""
    data = None if patch is None else json.dumps(patch).encode()
    request = urllib.request.Request(url, data, method="GET" if data is None else "PATCH")
    request.add_header("Content-Type", "application/merge-patch+json")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        found: dict[str, list[dict[str, dict[str, str]]]] = json.load(answer)
        return found


def fresh(folder: Path) -> None:
    """Take away what an earlier demo left, unless a person has worked there since."""
    if not folder.exists():
        return
    ours, answers = ANSWERS.read_text("utf-8"), folder / "gke2eks.yaml"
    text = answers.read_text("utf-8") if answers.exists() else ours
    if not (folder / ".gke2eks").is_file() or text not in (ours, ours + VOLUMES):
        print(f"demo: {folder} is not only the demo's. Move it away, then run again.", file=sys.stderr)
        raise SystemExit(BAD_INPUT)
    shutil.rmtree(folder)


def interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM ends like Ctrl-C: through every `finally`."""
    raise KeyboardInterrupt


def main() -> int:
    """Play it in the folder that was named, or in demo-out."""
    out = sys.argv[1] if len(sys.argv) > 1 else "demo-out"
    signal.signal(signal.SIGTERM, interrupted)
    start = time.monotonic()
    fresh(ROOT / out)
    with tempfile.TemporaryDirectory(prefix="gke2eks-demo-") as home:
        demo = Demo(out, Path(home))
        try:
            demo.play()
        except KeyboardInterrupt:
            say("Interrupted; nothing is left running.")
            return INTERRUPTED
        finally:
            demo.close()
    say(f"Done in {time.monotonic() - start:.0f} s; the practice clusters are gone. Read {out}/report.md, or why one")
    print(f"# object changed: gke2eks explain -w {demo.out} Service/edge/caddy")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
