"""Finds the programs of a control plane and the files that come with them. Finding is cheap and needs no Go."""

import json
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOOLS = Path(__file__).resolve().parent / "tools"

# Program: the folder under tools/ whose go.mod pins it, and the package that is built.
PROGRAMS = {
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": ("kube", "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": ("kube", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kube-scheduler": ("kube", "k8s.io/kubernetes/cmd/kube-scheduler"),
    "kubectl": ("kube", "k8s.io/kubernetes/cmd/kubectl"),
    "kwok": ("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
}

# Folder in the cache: the module it comes from, and the folders inside that module whose YAML files are copied.
FILES = {
    "stages/node": ("sigs.k8s.io/kwok", "kustomize/stage/node/fast"),
    "stages/pod": ("sigs.k8s.io/kwok", "kustomize/stage/pod/fast"),
    "stages/volume": ("sigs.k8s.io/kwok", "kustomize/stage/volume/fast"),
    "crds/gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
    "crds/gateway-api-experimental": ("sigs.k8s.io/gateway-api", "config/crd/experimental"),
    "crds/karpenter": ("github.com/aws/karpenter-provider-aws", "pkg/apis/crds"),
}


@cache
def required(folder: str) -> dict[str, str]:
    """Module → version, as tools/<folder>/go.mod requires them directly: {"k8s.io/kubernetes": "v1.36.3"}."""
    text = (TOOLS / folder / "go.mod").read_text()
    found = re.findall(r"^(?:require)?\s+([\w./-]+) (v\S+)$", text, re.MULTILINE)
    if not found:
        raise ValueError(f"{TOOLS / folder / 'go.mod'} requires no module")
    return dict(found)


def version() -> str:
    """The pinned version of Kubernetes, without the v: "1.36.3"."""
    return required("kube")["k8s.io/kubernetes"].removeprefix("v")


def pins() -> dict[str, str]:
    """What each program and each folder of files is made from: {"kwok": "sigs.k8s.io/kwok v0.8.0", …}."""
    modules = {name: next(iter(required(folder).items())) for name, (folder, _) in PROGRAMS.items()}
    modules |= {name: (module, required("schemas")[module]) for name, (module, _) in FILES.items()}
    return {name: f"{module} {v}" for name, (module, v) in modules.items()}


def home() -> Path:
    """The cache folder of this Kubernetes version; it may not exist yet."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home).absolute() / "gke2eks" / "control-plane" / version()


def of_the_user() -> Path | None:
    """The folder that KUBEBUILDER_ASSETS names, if it holds every program (envtest's own bundle holds three)."""
    value = os.environ.get("KUBEBUILDER_ASSETS")
    if value and all(os.access(Path(value) / name, os.X_OK) for name in PROGRAMS):
        return Path(value).absolute()
    return None


def missing() -> list[str]:
    """Names of programs and folders of files that are absent, or made from another version than the pinned one."""
    try:
        made = json.loads((home() / "pins.json").read_text())
    except (OSError, ValueError):
        made = {}
    programs = () if of_the_user() else PROGRAMS
    gone = [name for name in programs if not os.access(home() / name, os.X_OK)]
    gone += [name for name in FILES if not any((home() / name).glob("*.yaml"))]
    stale = [name for name in (*programs, *FILES) if made.get(name) != pins()[name]]
    return [name for name in pins() if name in gone or name in stale]


@dataclass(frozen=True, slots=True)
class Assets:
    """Programs are in `programs`, files in `files`; both are folders."""

    programs: Path
    files: Path

    def path(self, name: str) -> Path:
        """The program of that name; KeyError if there is none by that name."""
        PROGRAMS[name]
        return self.programs / name

    def stages(self, *kinds: str) -> list[Path]:
        """kwok's Stage files, sorted: of "node", "pod" or "volume", or of all three."""
        folders = [self.files / "stages" / kind for kind in kinds or ("node", "pod", "volume")]
        return [
            path for folder in folders for path in sorted(folder.glob("*.yaml")) if "kind: Stage" in path.read_text()
        ]

    def crds(self, name: str) -> list[Path]:
        """CRD files, sorted: of "gateway-api", "gateway-api-experimental" or "karpenter"."""
        return sorted((self.files / "crds" / name).glob("*.yaml"))


def find() -> Assets | None:
    """The assets, or None when anything is missing; `why_not` says what."""
    return None if missing() else Assets(of_the_user() or home(), home())


def why_not() -> str:
    """One line that says why `find` found nothing; empty when it found everything."""
    gone = missing()
    if not gone:
        return ""
    ignored = ""
    if os.environ.get("KUBEBUILDER_ASSETS") and not of_the_user():
        ignored = " (KUBEBUILDER_ASSETS does not hold all of " + ", ".join(PROGRAMS) + ")"
    named = ", ".join(gone[:3]) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
    lacks = f"{named} not in {home()}{ignored}"
    return f"no control plane on this machine: {lacks}; `make cluster-tools` builds them, with Go"


if __name__ == "__main__":  # for the Makefile: exit code 3 and one line when something is missing, else 0 and nothing
    reason = why_not()
    if reason:
        print(reason)
    sys.exit(3 if reason else 0)
