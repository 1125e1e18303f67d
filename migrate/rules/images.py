"""Images: those in Google's registries are copied to yours or come from elsewhere; what is public stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from migrate.manifest import pods
from migrate.model.effects import Effect, Flag, Question, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.registries import Judged, Verb, judge, places

_REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
_CRANE = "https://github.com/google/go-containerregistry/blob/main/cmd/crane/doc/crane_copy.md"


def _copied(obj: Object, known: Known) -> Iterator[Effect]:
    for place, found in _judged(obj, known, Verb.COPY):
        if found.ref is None:
            continue
        because = _because(found)
        if found.target != str(found.ref):
            yield Set(place, found.target, because)
        if found.open:
            yield _asked(place, found)
            continue
        google = judge(found.target, known).verb is not Verb.NONE
        yield Flag(
            place,
            f"{found.ref} is expected at {found.target}"
            + (", which is a registry of Google again." if google else "."),
            f"{_copy(found)}.",
            Severity.REVIEW if google else Severity.INFO,
        )


def _asked(place: Path, found: Judged) -> Flag:
    path = found.source.partition("/")[2]
    if found.trouble:
        return Flag(
            place,
            f"{found.trouble}.",
            f"Name where {found.source} goes under images.repositories in gke2eks.yaml, then copy it there.",
            Severity.DECIDE,
            Question(
                key=found.open,
                group="images.repositories",
                title="Where do images go whose name does not fit, or would meet another one?",
                until="The image cannot be pulled.",
                example=f"{_REGISTRY}/{path.replace('__', '-').replace('--', '-')}-2",
            ),
        )
    return Flag(
        place,
        f"{found.ref} is in a registry of Google, and nodes of EKS have no login there.",
        "Name the registry under images.registry in gke2eks.yaml, and copy the image there (crane copy).",
        Severity.DECIDE,
        Question(
            key=found.open,
            group="images.registry",
            title="Which registry are the images copied to?",
            until="No image of yours can be pulled.",
            example=_REGISTRY,
        ),
    )


def _copy(found: Judged) -> str:
    """The command that copies one image with all its platforms. A tag beside a digest is for the target only."""
    name, _, digest = found.target.partition("@")
    tagged = found.ref is not None and bool(found.ref.tag)
    target = name if tagged or not digest else found.target
    remote = (
        ""
        if "/library/" not in found.source or "-docker.pkg.dev/" not in found.source
        else (
            "If its repository is a cache of Docker Hub, name a pull-through cache of ECR under images.repositories; "
            "else run "
        )
    )
    return f"{remote or 'Run '}crane copy {found.ref} {target} before its pods start"


def _because(found: Judged) -> str:
    if found.answered or found.row is None:
        return "images.repositories in gke2eks.yaml says so"
    return f"{found.row.fields['because']} ({found.row.where})"


def _replaced(obj: Object, known: Known) -> Iterator[Effect]:
    for place, found in _judged(obj, known, Verb.REPLACE):
        yield Set(place, found.target, _because(found))
        yield from _said(place, found)


def _staying(obj: Object, known: Known) -> Iterator[Effect]:
    for place, found in _judged(obj, known, Verb.STAY):
        if found.answered:
            yield Flag(
                place,
                f"{found.ref} stays where it is, as images.repositories says.",
                "Nothing if everybody may pull it; else keep the Secret that its pods pull with.",
                Severity.INFO,
            )
        elif found.row is not None and "say" in found.row.fields:
            yield from _said(place, found)
        elif found.row is not None:
            said = f"{found.ref} stays where it is: {found.row.fields['because']} ({found.row.where})."
            yield Flag(place, said, "Nothing; copy it too if a cluster of yours must not depend on it.", Severity.INFO)
    for place, found in _judged(obj, known, Verb.COPY):
        yield from _said(place, found)


def _said(place: Path, found: Judged) -> Iterator[Effect]:
    fields = found.row.fields if found.row is not None else {}
    if "say" in fields and "fix" in fields:
        yield Flag(place, fields["say"], fields["fix"], Severity(fields.get("weight", "info")))


def _broken(obj: Object, known: Known) -> Iterator[Effect]:
    for place, text in places(obj):
        if judge(text, known).verb is not Verb.BROKEN:
            continue
        answer = known.answer("images", "replace", text)
        if isinstance(answer, str):
            yield Set(place, answer, "images.replace in gke2eks.yaml says so")
            if judge(answer, known).verb is not Verb.NONE:
                said = f"{answer}, which images.replace names, is in a registry of Google, or no image either."
                yield Flag(place, said, "Name an image that EKS can pull under images.replace.", Severity.REVIEW)
            continue
        yield Flag(
            place,
            f"{text} is no name of an image; pods with it do not start on any cluster.",
            "Name the image under images.replace in gke2eks.yaml, or leave the workload behind.",
            Severity.DECIDE,
            Question(
                key=("images", "replace", text),
                group="images.replace",
                title="Which image takes the place of each text that is none?",
                until="Its pods do not start.",
                example=f"{_REGISTRY}/app:1.0",
            ),
            already=True,
        )


def _moving(obj: Object, known: Known) -> Iterator[Effect]:
    for place, found in _judged(obj, known, Verb.COPY):
        if found.ref is not None and found.ref.moves:
            yield Flag(
                place,
                f"{found.ref} is no fixed version: what you copy may differ from what runs on GKE now.",
                "Copy the digest that its pods show in status.containerStatuses, or name a version.",
                Severity.REVIEW,
            )


def _judged(obj: Object, known: Known, verb: Verb) -> Iterator[tuple[Path, Judged]]:
    for place, text in places(obj):
        found = judge(text, known)
        if found.verb is verb:
            yield place, found


def _rule(
    id: str, title: str, words: tuple[str, str, str], effects: Callable[[Object, Known], Iterator[Effect]], **page: Any
) -> Rule:
    what, why, do = words
    given: dict[str, Any] = {
        "severity": Severity.INFO,
        "change": "images.registry, images.repositories in gke2eks.yaml",
    }
    given |= page
    return Rule(
        id=id, title=title, what=what, why=why, do=do, effects=effects, area="images", kinds=pods.KINDS, **given
    )


def _pod(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "api", "image": image}]}}


RULES: tuple[Rule, ...] = (
    _rule(
        "IMG001",
        "Images move to your registry",
        (
            "Images of your projects in gcr.io and Artifact Registry are named in the registry that you answer. "
            "Project, repository, tag and digest stay in the name.",
            "Nodes of GKE pull from Google's registries with their service account; nodes of EKS pull from ECR with "
            "their role, and get 403 from Google. A digest stays the same only when all platforms are copied.",
            "Copy the images (crane copy keeps all platforms), and create a repository for each first.",
        ),
        _copied,
        docs="https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html",
        gke="image: gcr.io/acme-prod/api:1.4",
        eks=f"image: {_REGISTRY}/acme-prod/api:1.4",
        example=Example(
            before=_pod("gcr.io/acme-prod/api:1.4"), after=_pod("UNDECIDED: images.registry/acme-prod/api:1.4")
        ),
    ),
    _rule(
        "IMG002",
        "Frozen registries and mirrors",
        (
            "k8s.gcr.io and google-containers become registry.k8s.io, mirror.gcr.io becomes docker.io; releases of "
            "Tekton and Istio come from where their projects moved them.",
            "The first two are frozen, mirror.gcr.io is Google's own cache, and keeps what it likes. The projects "
            "close theirs.",
            "Check that the old ones are still there.",
        ),
        _replaced,
        docs="https://kubernetes.io/blog/2023/03/10/image-registry-redirect/",
        gke="image: k8s.gcr.io/pause:3.9",
        eks="image: registry.k8s.io/pause:3.9",
        change="images.repositories in gke2eks.yaml, or a row in your own overlay of mappings/registries.yaml",
        example=Example(before=_pod("k8s.gcr.io/pause:3.9"), after=_pod("registry.k8s.io/pause:3.9")),
    ),
    _rule(
        "IMG003",
        "Images that stay in a registry of Google",
        (
            "Nothing is changed; images that everybody may pull, parts of GKE, and images with a licence are named.",
            "A name says nothing about who may pull. What the table knows to be public works from AWS.",
            "Look at what is no image of yours.",
        ),
        _staying,
        docs="https://cloud.google.com/artifact-registry/docs/transition/gcr-repositories",
        gke="image: gcr.io/distroless/static-debian12",
        eks="unchanged, and named in a finding",
        change="images.repositories in gke2eks.yaml, or a row in your own overlay of mappings/registries.yaml",
    ),
    _rule(
        "IMG004",
        "Text that is no image",
        (
            "A text such as <IMAGE> or PROJECT_ID is asked about; the answer takes its place.",
            "It was meant to be filled in; no node can pull it, and the API server takes it all the same.",
            "Name the image, or leave the workload behind.",
        ),
        _broken,
        severity=Severity.DECIDE,
        docs="https://kubernetes.io/docs/concepts/containers/images/#image-names",
        gke="image: REGION-docker.pkg.dev/PROJECT_ID/app:v1",
        eks="unchanged until images.replace names one",
        change="images.replace in gke2eks.yaml",
    ),
    _rule(
        "IMG005",
        "Moving tags",
        (
            "Nothing is changed; an image that is copied and has no version is named.",
            "latest on the day of the copy may be another image than latest on the day when the pods started. ECR with "
            "immutable tags refuses a second latest.",
            "Copy what runs, or name a version.",
        ),
        _moving,
        severity=Severity.REVIEW,
        docs=_CRANE,
        gke="image: gcr.io/acme-prod/api:latest",
        eks="the same tag, and a finding",
    ),
)
