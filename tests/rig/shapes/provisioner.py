"""Plays the clouds' storage drivers: a thread that makes a volume when Kubernetes asks for one.

kube-controller-manager asks by an annotation on the claim, the scheduler names the node, and the binder does the
rest. The volume is taken away again when its claim is gone and the policy is Delete. kwok runs the pod without
mounting anything.
"""

import threading

import urllib3

from rig.http import ApiError, Client, Json
from rig.shapes.volumes import DRIVERS, MIGRATED, Place, volume_for

ASKED = "volume.kubernetes.io/storage-provisioner"
NODE = "volume.kubernetes.io/selected-node"


class Provisioner(threading.Thread):
    """`errors`: answers that no retry explains."""

    def __init__(self, client: Client, place: Place):
        super().__init__(name="provisioner", daemon=True)
        self.client, self.place = client, place
        self.errors: list[str] = []
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            try:
                for claim in self.client.list("v1", "PersistentVolumeClaim"):
                    self._provision(claim)
                for volume in self.client.list("v1", "PersistentVolume"):
                    self._remove(volume)
            except ApiError as error:
                if error.status not in (404, 409):  # gone or made meanwhile: the next round sees it
                    self.errors.append(str(error))
            except (urllib3.exceptions.HTTPError, OSError):  # the server restarts, or has gone before this thread
                pass
            self._end.wait(0.2)  # two small lists: cheaper than two watches

    def stop(self) -> None:
        self._end.set()
        if self.is_alive():
            self.join(timeout=5)

    def __enter__(self) -> "Provisioner":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _provision(self, claim: Json) -> None:
        notes = claim["metadata"].get("annotations") or {}
        driver = MIGRATED.get(notes.get(ASKED, ""), notes.get(ASKED))
        if driver not in DRIVERS or claim["spec"].get("volumeName") or claim["metadata"].get("deletionTimestamp"):
            return
        storage_class = self.client.get("storage.k8s.io/v1", "StorageClass", claim["spec"]["storageClassName"])
        late = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        if late and NODE not in notes:
            return
        self.client.create(volume_for(claim, storage_class, self._near(notes[NODE]) if late else self.place))

    def _near(self, node: str) -> Place:
        """The same place, seen from that node: its zone comes first."""
        zone = self.client.get("v1", "Node", node)["metadata"]["labels"]["topology.kubernetes.io/zone"]
        rest = [other for other in self.place.zones if other != zone]
        return Place((zone, *rest), self.place.project)

    def _remove(self, volume: Json) -> None:
        meta, spec = volume["metadata"], volume["spec"]
        ours = (meta.get("annotations") or {}).get("pv.kubernetes.io/provisioned-by") in DRIVERS
        if not ours or spec["persistentVolumeReclaimPolicy"] != "Delete" or volume["status"].get("phase") != "Released":
            return
        if not meta.get("deletionTimestamp"):
            self.client.delete(volume)
            return  # the next round sees it as it is then
        # The drivers' side cars take theirs away once the disk is gone; pv-protection is the business of Kubernetes.
        have = meta.get("finalizers") or []
        left = [name for name in have if not name.startswith("external-")]
        if left != have:
            version = {"resourceVersion": meta["resourceVersion"]}  # or pv-protection, gone meanwhile, would come back
            self.client.patch(volume, {"metadata": {"finalizers": left or None} | version})
