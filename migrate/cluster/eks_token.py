"""Tokens that EKS takes: a GetCallerIdentity request, signed for one cluster and not sent; EKS sends it."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from migrate.cluster.eks_regions import sts_host
from migrate.errors import Refused

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
# AWS takes a token for 15 minutes after its date, whatever X-Amz-Expires says; old servers want at most 60 there.
RENEW_AFTER = 13 * 60.0
_SAYS_60 = 60


def sign(credentials: Any, region: str, cluster: str) -> str:
    """The token for `cluster`, by frozen credentials.

    Made without a client of the service, which AWS_ENDPOINT_URL or a FIPS setting would lead to another host than
    the one that EKS compares with.
    """
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    url = f"https://{sts_host(region)}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest(method="GET", url=url, headers={CLUSTER_HEADER: cluster})
    SigV4QueryAuth(credentials, "sts", region, expires=_SAYS_60).add_auth(request)
    return PREFIX + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


class Tokens:
    """Bearer tokens of one cluster, made anew by one thread at a time: when one is old, or the credentials changed.

    `words` turns what boto3 raises into an error for people.
    """

    def __init__(
        self,
        credentials: Any,
        region: str,
        cluster: str,
        words: Callable[[Exception], Refused],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credentials, self._region, self._cluster, self._words = credentials, region, cluster, words
        self._clock, self._lock = clock, threading.Lock()
        self._signed_by: Any = None
        self._signed_at = 0.0
        self._token = ""

    def forget(self) -> None:
        """Make another token the next time: this one was refused, as it is where this machine's clock is wrong."""
        with self._lock:
            self._token = ""

    def __call__(self) -> str:
        """The token to use now. Refused when there are no credentials for one any more."""
        from botocore.exceptions import BotoCoreError, ClientError

        with self._lock:
            # Wall clock: it is what AWS compares with, and it goes on while a laptop sleeps.
            young = bool(self._token) and 0 <= self._clock() - self._signed_at < RENEW_AFTER
            try:
                # Temporary credentials are renewed in here, at the latest 10 minutes before their end; a token ends
                # with the credentials that signed it.
                current = self._credentials.get_frozen_credentials()
            except (BotoCoreError, ClientError, OSError, ValueError) as error:
                if young:  # not renewed, but not at its end either
                    return self._token
                raise self._words(error) from None
            if not young or current != self._signed_by:
                self._signed_at = self._clock()
                self._token = sign(current, self._region, self._cluster)
                self._signed_by = current
            return self._token
