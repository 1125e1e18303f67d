"""Reads a whole cluster, as an export would. Kept apart from the tool's own export: tests compare with this."""

from rig.http import Client, Json
from rig.shapes.loading import is_stand_in


def everything(client: Client) -> list[Json]:
    """Every object that can be listed, as an export of the cluster would find them; without the rig's stand-ins."""
    found: list[Json] = []
    groups = [group["preferredVersion"]["groupVersion"] for group in client.raw("GET", "/apis")["groups"]]
    for version in ["v1", *groups]:
        base = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        for resource in client.raw("GET", base)["resources"]:
            if "list" in resource["verbs"] and "/" not in resource["name"]:
                found += client.list(version, resource["kind"])
    return [obj for obj in found if not is_stand_in(obj)]
