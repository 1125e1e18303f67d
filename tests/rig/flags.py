"""The flags of each program, one function per program. "{folder}" stands for the folder of the instance."""

from pathlib import Path

# etcd listens on sockets in the folder, its working directory: no port, and nobody else can reach it. In such an
# address "clients:1" is the name of the file; Go wants the number, which means nothing.
CLIENTS, PEERS = "unix://clients:1", "unix://peers:2"

# With the defaults (20 and 50 a second) a cluster of some hundred pods takes half a minute to come to rest.
_FAST = ("--kube-api-qps=300", "--kube-api-burst=300")


def etcd() -> list[str]:
    return [
        "--name=rig",
        "--data-dir={folder}/etcd",
        "--unsafe-no-fsync",  # the data does not outlive the process
        f"--listen-client-urls={CLIENTS}",
        f"--advertise-client-urls={CLIENTS}",
        f"--listen-peer-urls={PEERS}",
        f"--initial-advertise-peer-urls={PEERS}",
        f"--initial-cluster=rig={PEERS}",
        "--log-level=warn",
    ]


def apiserver(port: int, with_controllers: bool) -> list[str]:
    """Without controllers nobody makes service accounts, and the admission plugin would refuse every pod."""
    return [
        f"--etcd-servers={CLIENTS}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",
        "--cert-dir={folder}/certs",
        "--tls-cert-file={folder}/server.crt",
        "--tls-private-key-file={folder}/server.key",
        "--token-auth-file={folder}/tokens.csv",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file={folder}/sa.pub",
        "--service-account-signing-key-file={folder}/sa.key",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/12",
        "--allow-privileged",  # as on GKE and EKS
        *([] if with_controllers else ["--disable-admission-plugins=ServiceAccount"]),
    ]


def controller_manager(kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--service-account-private-key-file={folder}/sa.key",
        "--root-ca-file={folder}/ca.crt",  # without it no namespace gets kube-root-ca.crt
        "--node-monitor-grace-period=24h",  # nodes of kwok send no heartbeats
        *_FAST,
    ]


def scheduler(kubeconfig: Path) -> list[str]:
    return [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0", *_FAST]


def kwok(kubeconfig: Path, stages: list[Path]) -> list[str]:
    """kwok ends with "no stages found" unless it is given each file."""
    return [
        f"--kubeconfig={kubeconfig}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=0",
        *(f"--config={path}" for path in stages),
    ]
