"""`python -m rig keep`: a control plane to look at, until Ctrl-C."""

import argparse
import sys
import time
from contextlib import ExitStack

from rig.controlplane import ControlPlane, ControlPlaneError
from rig.services import Addresses
from rig.shapes import eks, gke
from rig.shapes.provisioner import Provisioner

SHAPES = ("none", "gke", "eks-standard", "eks-auto")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rig", description=__doc__)
    keep = parser.add_subparsers(required=True).add_parser(
        "keep", help="start a control plane and keep it until Ctrl-C"
    )
    keep.add_argument("--shape", choices=SHAPES, default="none", help="what it looks like")
    keep.add_argument("--without-kwok", action="store_true", help="no pretended nodes: pods stay Pending")
    keep.add_argument("--user", action="append", default=[], help="one more user, who may do nothing yet; repeatable")
    given = parser.parse_args()
    try:
        with ControlPlane().start(with_kwok=not given.without_kwok, tokens=given.user) as plane:
            run(plane, given.shape, given.user)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is left")
    return 0


def run(plane: ControlPlane, shape: str, users: list[str]) -> None:
    assert plane.found is not None
    with ExitStack() as stack:
        put_on(plane, shape, stack)
        print(f"export KUBECONFIG={plane.kubeconfig()}")
        for user in users:
            print(f"# as {user}: {plane.kubeconfig(user)}")
        print(f"# kubectl: {plane.found.path('kubectl')}")
        print(f"# logs:    {plane.folder / 'logs'}")
        print("# runs until Ctrl-C", flush=True)
        while True:
            time.sleep(1)
            plane.check()


def put_on(plane: ControlPlane, shape: str, stack: ExitStack) -> None:
    """Loads the shape, and plays the controllers of its cloud until the stack is closed."""
    if shape == "none":
        return
    if shape == "gke":
        gke.load(plane.client())
    else:
        eks.load(plane.client(), "auto" if shape == "eks-auto" else "standard")
    cloud = {"gke": "gke", "eks-standard": "standard", "eks-auto": "auto"}[shape]
    stack.enter_context(Addresses(plane.client(), cloud))
    stack.enter_context(Provisioner(plane.client(), gke.PLACE if shape == "gke" else eks.PLACE))


if __name__ == "__main__":
    sys.exit(main())
