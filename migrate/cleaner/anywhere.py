"""What goes from objects of any kind: metadata, and what is always generated inside templates."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.cleaner.found import Found, Place, account, items, mapping, null_time
from migrate.cleaner.tables import Cleaning
from migrate.model.objects import Body


def metadata_of(metadata: Body, tables: Cleaning) -> Found:
    """Names in an object's metadata that the tables list, and a prefix that has become a name."""
    for key in metadata:
        if key in tables.metadata or (key == "generateName" and metadata.get("name")):
            yield "metadata", key
    for key in mapping(metadata.get("annotations")):
        if key in tables.annotations:
            yield "metadata", "annotations", key
    for at, name in enumerate(items(metadata.get("finalizers"))):
        if name in tables.finalizers:
            yield "metadata", "finalizers", at


def templates(spec: Body) -> Found:
    """Fields that are always generated inside templates: null times, status of claims, the deprecated account."""
    where: Place = ("spec",)
    job = spec.get("jobTemplate")
    if isinstance(job, Mapping):
        yield from null_time(job, ("spec", "jobTemplate"))
        where, spec = ("spec", "jobTemplate", "spec"), mapping(job.get("spec"))
    template = spec.get("template")
    if isinstance(template, Mapping):
        yield from null_time(template, (*where, "template"))
        yield from account(mapping(template.get("spec")), (*where, "template", "spec"))
    for at, claim in enumerate(items(spec.get("volumeClaimTemplates"))):
        here = (*where, "volumeClaimTemplates", at)
        yield from null_time(mapping(claim), here)
        if "status" in mapping(claim):
            yield (*here, "status")
