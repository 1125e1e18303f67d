"""Names of images are read as registries read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.semantics.imagerefs import ImageRef, parse

SHA = "sha256:" + "f" * 64
SHA512 = "sha512:" + "0" * 128
ECR = "111122223333.dkr.ecr.us-east-1.amazonaws.com"

# text: host, repository, tag, digest
GOOD = {
    "nginx": ("docker.io", "library/nginx", "", ""),
    "nginx:1.27": ("docker.io", "library/nginx", "1.27", ""),
    f"nginx@{SHA}": ("docker.io", "library/nginx", "", SHA),
    f"nginx:1.27@{SHA}": ("docker.io", "library/nginx", "1.27", SHA),
    f"nginx@{SHA512}": ("docker.io", "library/nginx", "", SHA512),
    "lumen/api": ("docker.io", "lumen/api", "", ""),
    "lumen/team/api:2": ("docker.io", "lumen/team/api", "2", ""),
    "docker.io/nginx": ("docker.io", "library/nginx", "", ""),
    "docker.io/library/nginx:1": ("docker.io", "library/nginx", "1", ""),
    "index.docker.io/lumen/api": ("docker.io", "lumen/api", "", ""),
    "gcr.io/acme/api": ("gcr.io", "acme/api", "", ""),
    "gcr.io/acme/api:v1": ("gcr.io", "acme/api", "v1", ""),
    "GCR.IO/acme/api:v1": ("gcr.io", "acme/api", "v1", ""),
    "gcr.io:443/acme/api:v1": ("gcr.io", "acme/api", "v1", ""),
    f"eu.gcr.io/example.com/proj/api@{SHA}": ("eu.gcr.io", "example.com/proj/api", "", SHA),
    "us-central1-docker.pkg.dev/acme/apps/api:1": ("us-central1-docker.pkg.dev", "acme/apps/api", "1", ""),
    "us-docker.pkg.dev/acme/gcr.io/api:1": ("us-docker.pkg.dev", "acme/gcr.io/api", "1", ""),
    "registry.k8s.io/pause:3.9": ("registry.k8s.io", "pause", "3.9", ""),
    "localhost/api": ("localhost", "api", "", ""),
    "localhost:5000/api:1": ("localhost:5000", "api", "1", ""),
    "test:5000/repo": ("test:5000", "repo", "", ""),
    f"test:5000/repo:tag@{SHA}": ("test:5000", "repo", "tag", SHA),
    "test.com:tag": ("docker.io", "library/test.com", "tag", ""),
    "test.com:5000": ("docker.io", "library/test.com", "5000", ""),
    "192.168.1.1/repo": ("192.168.1.1", "repo", "", ""),
    "192.168.1.1:5000/repo:5050": ("192.168.1.1:5000", "repo", "5050", ""),
    "[2001:db8::1]:5000/repo": ("[2001:db8::1]:5000", "repo", "", ""),
    "[::1]/repo:x": ("[::1]", "repo", "x", ""),
    "test_com": ("docker.io", "library/test_com", "", ""),
    "a__b/c--d/e.f_g-h": ("docker.io", "a__b/c--d/e.f_g-h", "", ""),
    "a/b:_under": ("docker.io", "a/b", "_under", ""),
    "lowercase:Uppercase": ("docker.io", "library/lowercase", "Uppercase", ""),
    "xn--n3h.com/myimage:xn--n3h.com": ("xn--n3h.com", "myimage", "xn--n3h.com", ""),
    "foo/foo_bar.com:8080": ("docker.io", "foo/foo_bar.com", "8080", ""),
    f"{ECR}/shop/api:1": (ECR, "shop/api", "1", ""),
    "public.ecr.aws/docker/library/busybox:1": ("public.ecr.aws", "docker/library/busybox", "1", ""),
    "a" * 255: ("docker.io", "library/" + "a" * 255, "", ""),
    "a/b:" + "t" * 128: ("docker.io", "a/b", "t" * 128, ""),
    "Acme/api": ("acme", "api", "", ""),
}
BAD = [
    *("", " ", " nginx", "nginx ", "nginx\n", ":tag", "/nginx", "nginx/", "a//b", "nginx:", "nginx@", "nginx::1"),
    *("<IMAGE>", "$IMAGE", "${IMAGE}", "$(IMAGE)", "{{ .Values.image }}", "IMAGE", "PROJECT_ID/x", "nginx:1:2"),
    *(
        "gcr.io/PROJECT_ID/api:v1",
        "REGION-docker.pkg.dev/PROJECT/REPO/api",
        "gcr.io/acme/Api",
        "https://gcr.io/acme/api",
    ),
    *(
        "-nginx",
        "nginx-",
        "_a",
        "a___b",
        "a._b",
        "a..b",
        "nginx:-tag",
        "nginx:.tag",
        "nginx:ü",
        "über",
        "a/b:" + "t" * 129,
    ),
    *(
        f"nginx@{SHA[:-1]}",
        f"nginx@{SHA}f",
        f"nginx@{SHA.upper()}",
        "nginx@sha256:" + "g" * 64,
        "nginx@md5:" + "0" * 32,
    ),
    *(
        f"@{SHA}",
        f"nginx@{SHA}@{SHA}",
        f"nginx@{SHA}:tag",
        "f" * 64,
        "a" * 256,
        "foo_bar.com/x:1",
        "[fe80::1%eth0]/repo",
    ),
    *("ko://example.com/cmd", "x" * 5000, "gcr.io/", "gcr.io//x", "[2001:db8::1]"),
]


@pytest.mark.parametrize("text", GOOD, ids=lambda text: text[:60])
def test_a_reference_is_read(text: str) -> None:
    found = parse(text)
    assert found is not None and str(found) == text
    assert (found.host, found.repository, found.tag, found.digest) == GOOD[text]


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:60]))
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert parse(text) is None


COMPONENT = st.from_regex(r"[a-z0-9]{1,5}(([._]|__|-{1,3})[a-z0-9]{1,3}){0,2}", fullmatch=True)
HOST = st.one_of(
    st.just(""),
    st.just("localhost"),
    st.from_regex(r"[a-z0-9]{1,4}(\.[a-zA-Z0-9]{1,4}){1,2}(:[0-9]{1,5})?", fullmatch=True),
    st.sampled_from(["gcr.io", "us-docker.pkg.dev", "[::1]:5000"]),
)
TAG = st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True))
PATHS = st.lists(COMPONENT, min_size=1, max_size=4)


@settings(derandomize=True, database=None, deadline=None)
@given(host=HOST, path=PATHS, tag=TAG, digest=st.sampled_from(["", SHA, SHA512]))
def test_what_is_built_by_the_grammar_is_read_as_it_was_built(
    host: str, path: list[str], tag: str, digest: str
) -> None:
    made = ImageRef(host, "/".join(path), tag, digest)
    found = parse(str(made))
    if host or (len(path) == 1 or ("." not in path[0] and path[0] != "localhost")):
        assert found == made
    assert found is None or str(found) == str(made)


@settings(derandomize=True, database=None, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.text("abAB/:@._-0[]", max_size=40)))
def test_any_text_that_is_read_is_written_the_same(text: str) -> None:
    found = parse(text)
    assert found is None or str(found) == text
