"""What stands before the question of apply and release: who is who, what is sent and what is not."""

from __future__ import annotations

from dataclasses import replace

from ran_help import API, PREPARED, Who

from migrate.model.journal import Outcome
from migrate.model.ran import Ran
from migrate.render import before


def test_who_is_who_before_the_first_write() -> None:
    assert before.frame(PREPARED) == (
        "  Source  GKE prod, us-central1          read only, and only for Secret values\n"
        "  Target  EKS us-east-2/prod, account 111122223333, Kubernetes 1.36\n"
        "  Plan    sha256:7c1e 09b2 44d8          750 objects in 9 waves; 5 arrive held\n"
        "  Left out 97 objects: 61 wait for an answer, 18 by hand, 18 blocked; 23 folded need nothing\n"
    )
    assert before.question("us-east-2/prod") == "  Type us-east-2/prod to go on: "


def test_who_is_who_with_less_and_with_more() -> None:
    small = replace(
        PREPARED,
        source=None,
        target=Who("kind", "", "", "auto"),
        objects=1,
        wave_count=1,
        held=1,
        left_out={"wait for an answer": 1},
        folded=0,
        changes=(f"the plan was sha256:{'0a' * 32} and is sha256:{'7c' * 32}", "what the target serves was a and is b"),
        resumed="2026-11-23T07:14:00Z",
    )
    assert before.frame(small).splitlines() == [
        "  Source  GKE prod, us-central1          not asked",
        "  Target  kind, uid 9f02c1e4, Auto Mode",
        "  Plan    sha256:7c1e 09b2 44d8          1 object in 1 wave; 1 arrives held",
        "  Left out 1 object: 1 waits for an answer",
        "  Going on from 23 Nov 2026, 07:14 UTC: that run did not come to its end.",
        "  Since the last run: the plan was sha256:0a0a 0a0a 0a0a and is sha256:7c7c 7c7c 7c7c.",
        "  Since the last run: what the target serves was a and is b.",
    ]
    runs = Ran(API, Outcome.LEFT_OUT, 6, "it still runs on the source", fix="kubectl -n shop scale deployment/api")
    text = before.frame(replace(PREPARED, command="release", refused=(runs,), left_out={}, held=0))
    assert "read only, and only to see what still runs there" in text and "Left out" not in text
    assert "  Refused 1 object, for reasons told at the end: Deployment/shop/api\n" in text
