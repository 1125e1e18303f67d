"""A validating webhook on the ConfigMaps of one namespace, as a real server asks it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from apply_stage import obj
from rig.faults import Proxy
from rig.http import Client

NAME = "labels.policy.example.com"


@contextmanager
def webhook(client: Client, space: str, says: str | None) -> Iterator[None]:
    """It denies with these words; None: nobody listens at its address. It fails closed, and is gone afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"uid": asked["request"]["uid"], "allowed": False, "status": {"code": 403, "message": says}}
            data = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True).start()
    with Proxy(f"http://127.0.0.1:{served.server_port}", tls=True) as proxy:
        url = "https://127.0.0.1:9/" if says is None else f"{proxy.url}/"
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]
        hook: dict[str, Any] = {
            "name": NAME,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
            "clientConfig": {
                "url": url,
                "caBundle": base64.b64encode(Path(str(proxy.ca)).read_bytes()).decode(),
            },
            "rules": rules,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}},
        }
        body = obj("ValidatingWebhookConfiguration", f"labels-{space}", "", "admissionregistration.k8s.io/v1")
        client.create({**body, "webhooks": [hook]})
        try:
            yield
        finally:
            client.delete(body)
    served.shutdown()
    served.server_close()
