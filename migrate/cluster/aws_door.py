"""Ask AWS beside EKS: every answer is a value, also a no, which names the IAM action that was wanting."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from migrate.cluster.eks import client_of, session_of
from migrate.cluster.eks_refusals import DENIED, Wanted, refusal
from migrate.cluster.gke_refusals import masked
from migrate.model.aws import Blind

_THREADS = 8
_AT_ONCE = 100  # names in one question: what ECR takes, and less than EC2's 200 values of a filter
_WHO = re.compile(r"User: (arn:[\w-]+:(?:iam|sts)::\d*:[\w+=,.@/-]+) is not authorized")
Answer = TypeVar("Answer")
Name = TypeVar("Name")


class Door:
    """Clients of one set of credentials. May be used by many threads."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str = "") -> Any:
        """The client of a service, in the cluster's region or another one."""
        where = region or self.wanted.region
        with self._lock:  # a session makes one client at a time
            if self._session is None:
                self._session = session_of(self.wanted)[0]
            if (service, where) not in self._clients:
                self._clients[service, where] = client_of(self._session, service, where)
            return self._clients[service, where]

    def ask(self, action: str, call: Callable[[], Answer]) -> Answer | Blind:
        """What the call says. `action` is the IAM action that it needs."""
        found = self.find(action, call)
        return Blind(f"AWS did not answer {action}", "run preflight again.") if found is None else found

    def find(self, action: str, call: Callable[[], Answer], absent: Collection[str] = ()) -> Answer | Blind | None:
        """The same; None when AWS says that there is no such thing, by one of these codes."""
        from botocore.exceptions import BotoCoreError, ClientError

        from migrate.errors import Error

        try:
            return call()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in absent:
                return None
            return self._blind(error, action)
        except Error as error:  # the credentials are gone
            return Blind(_clause(error.what), error.next)
        except (BotoCoreError, OSError, ValueError, LookupError) as error:  # LookupError: an answer that lacks a part
            return self._blind(error, action)

    def each(self, names: Iterable[Name], look: Callable[[Name], Answer]) -> dict[Name, Answer]:
        """Look at many things that AWS shows one at a time."""
        every = sorted(set(names), key=repr)
        if not every:
            return {}
        with ThreadPoolExecutor(min(_THREADS, len(every))) as pool:
            return dict(zip(every, pool.map(look, every), strict=True))

    def _blind(self, error: Any, action: str) -> Blind:
        said = getattr(error, "response", {}).get("Error", {})
        text = str(said.get("Message", ""))
        if said.get("Code") in DENIED or "not authorized to perform" in text:
            match = _WHO.search(text)
            who = masked(match[1]) if match else "the caller"
            forbids = " (a policy denies it)" if "explicit deny" in text else ""
            return Blind(f"{who} may not {action}{forbids}", f"allow {action} in IAM, then run preflight again.")
        no = refusal(error, self.wanted)
        return Blind(f"{action}: {_clause(no.what)}", no.next)


def portions(names: Iterable[str]) -> list[list[str]]:
    """As many names as one question may have."""
    every = sorted(set(names))
    return [every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE)]


def _clause(text: str) -> str:
    return text.rstrip(".")
