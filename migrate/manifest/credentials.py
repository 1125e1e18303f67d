"""Google credentials, known by their form alone: the `type` that stands in a credential file."""

from __future__ import annotations

import base64
import binascii
import re

import orjson

# Where the reader of Secrets keeps which key holds one.
FOUND = "googleCredentials"
# A word that must stand beside each type: "type: service_account" by itself may be anything.
_BESIDE = {
    "service_account": (b"private_key", b"client_email", b"project_id"),
    "external_account": (b"credential_source", b"subject_token_type", b"iam.googleapis.com"),
    "authorized_user": (b"refresh_token",),
    "impersonated_service_account": (b"source_credentials", b"service_account_impersonation_url"),
}
# The id of an HMAC key of Cloud Storage, which programs that speak S3 have for an access key. Google's documentation
# shows GOOG56JBMFZX6PMPTQ62VD2; those of service accounts are longer.
_HMAC = re.compile(rb"\s*GOOG(?!LE)[0-9A-Z]{16,60}\s*")
_NEEDLE = re.compile(rb"_account|authorized_user")
# JSON, JSON inside JSON (\"type\"), YAML and properties.
_TYPE = re.compile(
    rb"(?<![A-Za-z0-9_])type\\*[\"']?\s*[:=]\s*\\*[\"']?"
    rb"(service_account|external_account|authorized_user|impersonated_service_account)(?![A-Za-z0-9_])"
)
# What '{"' and '{' with a line end look like in base64: a value that was encoded once more.
_TWICE = (b"eyJ", b"eyA", b"ewo", b"ew0")


def sort_of(value: bytes) -> str:
    """Name the `type` of the Google credential in a value; '' when there is none. Looks through one more base64."""
    if value.lstrip()[:3] in _TWICE:
        try:
            value = base64.b64decode(b"".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            return ""
    if _HMAC.fullmatch(value):
        return "hmac"
    if not _NEEDLE.search(value):
        return ""
    for found in _TYPE.finditer(value):
        sort = found[1].decode()
        if any(word in value for word in _BESIDE[sort]):
            return sort
    return ""


def is_file(text: str) -> bool:
    """Tell whether a text is a credential file as a whole, not a configuration that holds one among other things."""
    if not text.lstrip().startswith("{") or not sort_of(text.encode("utf-8", "surrogatepass")):
        return False
    try:
        found = orjson.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("type") in _BESIDE
