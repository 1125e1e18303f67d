"""What Google says no to, for docs/refusals.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gke_fake import ends, sample


def google_scenes(shop: str) -> list[tuple[str, str, Callable[[Any], None], int, str]]:
    """(title, command, what to make of the world, exit code, remark)."""
    export = f"gke2eks export --gke {shop} -w live"

    def nobody(w: Any) -> None:
        w.patch.delenv("GOOGLE_APPLICATION_CREDENTIALS")

    def no_file(w: Any) -> None:
        w.patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(w.home / "key.json"))

    def expired(w: Any) -> None:
        w.google.token_answer = (400, {"error": "invalid_grant", "error_description": "Token expired: 1//0gabcdefgh"})

    def refuse(code: int, message: str, reason: str = "", **metadata: str) -> Callable[[Any], None]:
        return lambda w: w.google.refuse("get", code, message, reason, **metadata)

    def unreachable(**how: Any) -> Callable[[Any], None]:
        def make(w: Any) -> None:
            host = w.silent(listening=False)
            public = not how.get("private")
            where = ends(dns=False, public=public, guarded=True, private=host)
            if public:
                where.ip_endpoints_config.public_endpoint = host
            w.google.clusters = [sample(control_plane_endpoints_config=where)]

        return make

    def closed(w: Any) -> None:
        w.google.clusters = [sample(control_plane_endpoints_config=ends(dns=False, ip=False))]

    off = "Kubernetes Engine API has not been used in project 42 before or it is disabled."
    hurry = f"gke2eks export --gke {shop} --timeout 0.5 -w live"
    may_not = 'Required "container.clusters.get" permission(s) for "projects/acme-prod/locations/europe-west1".'
    return [
        ("A name in another form", "gke2eks export --gke shop -w live", lambda w: None, 3, ""),
        ("No credentials", export, nobody, 4, ""),
        ("A credentials file that is not there", export, no_file, 4, ""),
        ("Expired credentials of Google", export, expired, 4, ""),
        ("Google does not take the credentials", export, refuse(401, "Bad token {authorization}"), 4, ""),
        ("Wrong project", f"gke2eks export --gke {shop.replace('prod', 'prd')} -w live", lambda w: None, 4, ""),
        ("No such cluster", f"gke2eks export --gke {shop.replace('shop', 'shpo')} -w live", lambda w: None, 4, ""),
        ("The API is not enabled", export, refuse(403, off, "SERVICE_DISABLED", consumer="projects/42"), 4, ""),
        ("No right to look at the cluster", export, refuse(403, may_not), 4, ""),
        ("The Container API is down", export, refuse(503, "The service is currently unavailable."), 4, ""),
        ("A private endpoint, from outside", hurry, unreachable(private=True), 4, ""),
        ("A public endpoint that is guarded", hurry, unreachable(), 4, ""),
        ("A control plane without an open door", export, closed, 4, ""),
    ]
