"""What applications need of Google Cloud and say in env, args, commands and ConfigMaps. Nothing of it is rewritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from migrate.model.effects import Effect, Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics.dependencies import Hit
from migrate.semantics.dependencies_parts import Parts, parts

_FEW = 4


def _says(rule: str) -> Callable[[Object, Known], Iterator[Effect]]:
    def effects(obj: Object, known: Known) -> Iterator[Effect]:
        made = parts(known)
        fields: dict[tuple[Path, str], list[Hit]] = {}
        for hit in made.of(obj):
            if hit.service.rule == rule:
                fields.setdefault((hit.path, hit.service.name), []).append(hit)
        for (path, _), hits in fields.items():
            service = hits[0].service
            names = f"{_where(hits)} {service.said('what')}: {_seen(hits)}."
            yield Flag(
                path,
                f"{names} {service.said('say')}.{_others(obj, hits, made)}",
                service.said("fix"),
                Severity(service.said("severity")),
            )

    return effects


def _where(hits: list[Hit]) -> str:
    first = hits[0]
    if not first.line:
        return "This names"
    numbers = [str(hit.line) for hit in hits]
    shown = numbers if len(numbers) <= 20 else [*numbers[:19], f"{len(numbers) - 19} more"]
    words = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    keys = f" ({first.keys})" if len(hits) == 1 and first.keys else ""
    file = first.path[-1]
    return (
        f"Line{'s' if len(hits) > 1 else ''} {words} of {file if isinstance(file, str) else 'this text'}{keys} "
        f"name{'s' if len(hits) == 1 else ''}"
    )


def _seen(hits: list[Hit]) -> str:
    seen = list(dict.fromkeys(hit.seen for hit in hits))
    return ", ".join(seen[:_FEW]) + (f" and {len(seen) - _FEW} more" if len(seen) > _FEW else "")


def _others(obj: Object, hits: list[Hit], made: Parts) -> str:
    service = hits[0].service
    if not service.fields.get("together"):
        return ""
    members = made.others(obj.ref, service)
    places = dict.fromkeys(_place(obj.ref, ref, hit) for ref, hit in members)
    mine = {_place(obj.ref, obj.ref, hit) for hit in hits}
    rest = [place for place in places if place not in mine]
    if not rest:
        return ""
    more = f" and {len(rest) - _FEW} more" if len(rest) > _FEW else ""
    return f" It is one of {len(places)} places of this dependency: {', '.join(rest[:_FEW])}{more}."


def _place(here: Ref, ref: Ref, hit: Hit | None) -> str:
    if hit is None:
        return str(ref)
    path = _short(hit)
    return path if ref == here else f"{ref} {path}"


def _short(hit: Hit) -> str:
    text = str(hit.path)
    for head in ("spec.jobTemplate.spec.template.spec.", "spec.template.spec.", "spec."):
        text = text.removeprefix(head)
    return text


def _service(rule: str, title: str, services: str, instead: str, gke: str, docs: str) -> Rule:
    page: dict[str, Any] = {
        "area": "dependencies",
        "severity": Severity.REVIEW,
        "kinds": frozenset[tuple[str, str]](),
        "change": "overrides and waivers in gke2eks.yaml, rows of your own in an overlay's dependencies.yaml",
    }
    return Rule(
        id=rule,
        title=title,
        what=f"Nothing is changed; each place that speaks of {services} is named, to the line.",
        why="No manifest says what an application needs of its cloud; its settings do, and they move unchanged.",
        do=instead,
        docs=docs,
        effects=_says(rule),
        gke=gke,
        eks="unchanged, and named in a finding",
        **page,
    )


_AWS, _GOOGLE = "https://docs.aws.amazon.com", "https://cloud.google.com"
RULES: tuple[Rule, ...] = (
    _service(
        "DEP001",
        "Databases behind a proxy: Cloud SQL, AlloyDB",
        "Cloud SQL or AlloyDB: the proxy, its arguments, sockets, connection names, and hosts that lead to the proxy",
        "Move the database, then replace host, credentials and TLS in all the places that the finding lists.",
        "image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2",
        f"{_AWS}/dms/latest/userguide/Welcome.html",
    ),
    _service(
        "DEP002",
        "Private addresses, written out",
        "an address of the source's network: Memorystore, Filestore, Cloud SQL and machines carry no other mark",
        "Name what takes its place by a DNS name.",
        "REDIS_ADDR: 10.32.4.19:6379",
        f"{_AWS}/vpc/latest/userguide/vpc-cidr-blocks.html",
    ),
    _service(
        "DEP003",
        "Queues: Pub/Sub, Cloud Tasks",
        "Pub/Sub or Cloud Tasks",
        "Move to SNS, SQS, EventBridge or MSK, or give pods federated credentials.",
        "TOPIC: projects/acme/topics/orders",
        f"{_AWS}/sns/latest/dg/sns-sqs-as-subscriber.html",
    ),
    _service(
        "DEP004",
        "Cloud Storage",
        "a bucket of Cloud Storage or its interface",
        "Copy the data to S3 and change URL, SDK and credentials together.",
        "EXPORT: gs://acme-export/daily",
        f"{_AWS}/datasync/latest/userguide/tutorial_transfer-google-cloud-storage.html",
    ),
    _service(
        "DEP005",
        "Databases with an interface of their own",
        "BigQuery, Spanner, Bigtable, Firestore or Datastore",
        "Redesign for a database of AWS, or give pods federated credentials.",
        "SPANNER_DATABASE: projects/acme/instances/i/databases/d",
        f"{_AWS}/aurora-dsql/latest/userguide/what-is-aurora-dsql.html",
    ),
    _service(
        "DEP006",
        "Secrets and keys: Secret Manager, Cloud KMS",
        "Secret Manager or Cloud KMS",
        "Copy secrets to AWS Secrets Manager; encrypt anew with AWS KMS.",
        "SECRET: projects/acme/secrets/db/versions/latest",
        f"{_AWS}/secretsmanager/latest/userguide/integrating_csi_driver.html",
    ),
    _service(
        "DEP007",
        "Vertex AI",
        "Vertex AI",
        "Use Bedrock or SageMaker, or give pods federated credentials.",
        "GOOGLE_GENAI_USE_VERTEXAI: 'true'",
        f"{_AWS}/bedrock/latest/userguide/what-is-bedrock.html",
    ),
    _service(
        "DEP008",
        "Telemetry to Google",
        "Cloud Logging, Monitoring, Trace or Profiler, by address, exporter, agent or switch",
        "Send it to AWS or elsewhere, or switch it off.",
        "exporters: {googlecloud: {}}",
        f"{_AWS}/AmazonCloudWatch/latest/monitoring/install-CloudWatch-Observability-EKS-addon.html",
    ),
    _service(
        "DEP009",
        "Google's metadata server",
        "the metadata server, by any of its names and addresses",
        "Put what is asked for into the environment.",
        "curl http://metadata.google.internal/computeMetadata/v1/",
        f"{_AWS}/eks/latest/userguide/al2023.html",
    ),
    _service(
        "DEP010",
        "Other addresses of Google",
        "an API of Google, its private addresses, its load balancers, Cloud DNS, or a service hosted by Google",
        "Use what takes its place on AWS, or give pods federated credentials.",
        "URL: https://vision.googleapis.com/v1",
        f"{_GOOGLE}/iam/docs/workload-identity-federation-with-other-clouds",
    ),
    _service(
        "DEP011",
        "Google's command line tools",
        "gcloud, gsutil, bq or an image that holds them",
        "Rewrite with the AWS CLI.",
        "command: [gsutil, cp, …]",
        f"{_AWS}/cli/latest/userguide/cli-chap-welcome.html",
    ),
    _service(
        "DEP012",
        "Projects, regions and zones",
        "a project, region or zone of Google Cloud",
        "Take it out, or set the AWS region.",
        "GOOGLE_CLOUD_PROJECT: acme-prod",
        f"{_AWS}/sdkref/latest/guide/feature-region.html",
    ),
    _service(
        "DEP013",
        "Names that only Google's network resolves",
        "a machine by Google's internal DNS, or a Service of several clusters",
        "Move what it leads to, and name it anew.",
        "HOST: vm-1.europe-west1-b.c.acme.internal",
        f"{_AWS}/Route53/latest/DeveloperGuide/hosted-zones-private.html",
    ),
    _service(
        "DEP014",
        "Emulators",
        "an emulator of a service of Google; it needs none",
        "Nothing, if this is a test.",
        "PUBSUB_EMULATOR_HOST: emulator:8085",
        f"{_GOOGLE}/pubsub/docs/emulator",
    ),
)
