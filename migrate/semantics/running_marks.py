"""Marks on a workload: that it takes work by itself although a Service selects it, or that the API server asks it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest.pods import PodTemplate
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.model.rules import Known

_WORK = r"(?:workers?|consumers?|scheduler|subscriber|poller|crons?|beat|sidekiq)"
# Charts give a Service to everything; names are more honest. What such a program shows to people is served.
_NAMED = re.compile(rf"(?:^|[-.])(?:{_WORK}|celery|resque)(?:$|[-.0-9])")
_SHOWS = re.compile(
    r"[-.](?:api|ui|web|www|http|server|frontend|dashboard|flower|exporter|metrics|proxy|gateway|webhook)$"
)
_COMMAND = re.compile(rf"(?:.*[/:._-])?(?:{_WORK}|consume|crond|supercronic)(?:\.(?:[cm]?js|ts|py|rb|php|sh|jar))?")
_GROUP = re.compile(
    r"(?:^|_)(?:KAFKA_(?:CONSUMER_)?GROUP(?:_?ID)?|CONSUMER_GROUP(?:_?(?:ID|NAME))?|PUBSUB_SUBSCRIPTION.*)$"
)
_SUBSCRIPTION = re.compile(r"^projects/[^/]+/subscriptions/")
_HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def takes_work(obj: Object, pod: PodTemplate | None) -> str:
    """What says that this workload takes work by itself; '' for nothing."""
    if _NAMED.search(obj.ref.name) and not _SHOWS.search(obj.ref.name):
        return "Its name says so."
    for _, container in pod.items("containers") if pod else ():
        for word in _words(container):
            if not word.startswith("-") and _COMMAND.fullmatch(word):
                return f"Its command names {word}."
        env = container.get("env")
        for one in map(_map, env if isinstance(env, list) else ()):
            name, value = one.get("name"), one.get("value")
            if isinstance(name, str) and (_GROUP.search(name) or _SUBSCRIPTION.search(str(value))):
                return f"The variable {name} says where from."
    return ""


def _words(container: Body) -> Iterator[str]:
    for part in (container.get("command"), container.get("args")):
        for text in part if isinstance(part, list) else ():
            if isinstance(text, str) and "\n" not in text.strip():
                yield from (word.strip("\"';&") for word in text.split())


def asking(known: Known) -> Mapping[Ref, str]:
    """What makes the API server ask a Service: webhooks, conversions, and APIs that it serves."""
    return known.once("runs.asking", lambda: dict(_asking(known)))


def _asking(known: Known) -> Iterator[tuple[Ref, str]]:
    for kind in _HOOKS:
        for obj in known.all("admissionregistration.k8s.io", kind):
            hooks = obj.body.get("webhooks")
            for hook in map(_map, hooks if isinstance(hooks, list) else ()):
                yield from _service(_map(hook.get("clientConfig")).get("service"), obj)
    for obj in known.all("apiregistration.k8s.io", "APIService"):
        yield from _service(obj.spec.get("service"), obj)
    for obj in known.all("apiextensions.k8s.io", "CustomResourceDefinition"):
        webhook = _map(_map(obj.spec.get("conversion")).get("webhook"))
        yield from _service(_map(webhook.get("clientConfig")).get("service"), obj)


def _service(named: Any, obj: Object) -> Iterator[tuple[Ref, str]]:
    name, space = _map(named).get("name"), _map(named).get("namespace")
    if isinstance(name, str) and isinstance(space, str):
        yield Ref("", "Service", space, name), str(obj.ref)


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
