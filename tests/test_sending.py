"""What a run asks again for a while: things that were made a moment ago, and that not every server has seen yet."""

from types import SimpleNamespace
from typing import Any

import pytest

from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.flow import sending
from migrate.flow.sending import Sender
from migrate.model.ref import Ref

THING = Ref("example.org", "Thing", "shop", "a")
DEFINITION = Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", "things.example.org")
UNSERVED = Rejected(Reason.UNSERVED, "the target does not serve Thing of example.org")
NO_ACCOUNT = Rejected(
    Reason.ADMISSION, 'error looking up service account shop/default: serviceaccount "default" not found'
)
OTHER_ACCOUNT = Rejected(Reason.ADMISSION, 'error looking up service account shop/api: serviceaccount "api" not found')


def sender(*gates: Ref) -> Sender:
    nobody: Any = None
    going: Any = SimpleNamespace(gates=SimpleNamespace(waits={THING: dict.fromkeys(gates, "kind")}))
    return Sender(nobody, going, nobody, b"", {}, nobody)


def asked(one: Sender, answer: Rejected, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a server is asked that answers so twice, and then takes it."""
    monkeypatch.setattr(sending, "_BETWEEN", 0.0)
    answers = [answer, answer, Applied(True, {})]
    one._patiently(THING, lambda: answers.pop(0))
    return 3 - len(answers)


def test_a_kind_that_the_plan_defines_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(sender(DEFINITION), UNSERVED, monkeypatch) == 3


def test_a_kind_that_nobody_defines_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(sender(), UNSERVED, monkeypatch) == 1


def test_the_account_of_a_new_namespace_is_waited_for_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(sender(), NO_ACCOUNT, monkeypatch) == 3
    assert asked(sender(), OTHER_ACCOUNT, monkeypatch) == 1


def test_it_does_not_ask_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PATIENCE", 0.0)
    monkeypatch.setattr(sending.time, "sleep", lambda _: None)
    assert sender(DEFINITION)._patiently(THING, lambda: UNSERVED) is UNSERVED
