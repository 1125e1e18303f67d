"""kill -9 at every write of a scripted run, in real processes: what is read back is a prefix of what was done.

A driver without threads forks one child per place to die, so that a hundred deaths take a second or two.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DRIVER = r'''
import json, os, random, signal, sys, threading, time
from pathlib import Path
from migrate.model.journal import *
from migrate.model.ref import Ref
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import Start, open_journal, read_journal
from migrate.workspace.journal_lines import scan

ROOT = Path(sys.argv[1])
START = Start("apply", "sha256:plan", Fingerprint("uid-of-kube-system", "1.36", "standard", "served"))
REFS = [Ref("", "ConfigMap", "shop", f"c{i:02}") for i in range(12)]
KEY = b"k" * 32
real_write, real_sync = os.write, os.fsync


class Target:
    """The cluster: a file for each object, and a log of what was sent that survives the sender."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def uid(self, ref):
        path = self.folder / ref.name
        return path.read_text() if path.exists() else ""

    def create(self, ref, tick=lambda: None):
        tick()
        with open(self.folder / "log", "a") as log:
            log.write(ref.name + "\n")
        (self.folder / ref.name).write_text("uid-" + ref.name)
        tick()

    def log(self):
        path = self.folder / "log"
        return path.read_text().split() if path.exists() else []


def work(ws, target, tick=lambda: None):
    """Apply as apply will: read again what is unknown, then batches of three."""
    with open_journal(ws, START, KEY) as journal:
        todo = []
        for ref in REFS:
            known = journal.past.objects.get(ref) or Known(ref)
            uid = target.uid(ref)
            if known.unknown and uid:
                number = max(known.open)
                journal.record([Result(ref, Outcome.CREATED, number, uid, "1", seen="p", made=True)])
            elif uid:
                assert known.uid == uid, "on the target, and the journal knows nothing of it"
                journal.record([Result(ref, Outcome.UNCHANGED, 0, uid, "1", seen="p")])
            else:
                todo.append(ref)
        for at in range(0, len(todo), 3):
            batch = todo[at : at + 3]
            journal.note([Note(ref, Said.HELD, {"spec.replicas": 3}) for ref in batch if ref.name == "c04"])
            numbers = journal.intend([Intent(ref, Action.APPLY, "s") for ref in batch])
            for number, ref in zip(numbers, batch):
                target.create(ref, tick)
                journal.record([Result(ref, Outcome.CREATED, number, target.uid(ref), "1", "s", "p")])
        journal.close(0)


def dying(at):
    """Make the process kill itself at boundary `at`: before, in the midst of and after each write; around each sync."""
    count = [0]

    def tick():
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(handle, data):
        tick()
        half = len(data) // 2
        done = real_write(handle, data[:half])
        tick()
        done += real_write(handle, data[half:])
        tick()
        return done

    def sync(handle):
        tick()
        real_sync(handle)
        tick()

    os.write, os.fsync = write, sync
    return tick, count


def child(ws, target, at):
    """Run in a process of its own; give how it ended and how many boundaries it passed when it was not killed."""
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            tick, count = dying(at)
            work(ws, target, tick)
            real_write(into, b"%d" % count[0])
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    said = os.read(out, 20)
    os.close(out)
    status = os.waitpid(pid, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, f"the child died of something else: {status}"
    return killed, int(said or 0)


def short(record):
    """A record without what differs from run to run."""
    if isinstance(record, Header):
        return "run"
    if isinstance(record, End):
        return f"end {record.exit}"
    return " ".join([type(record).__name__, record.ref.name, getattr(record, "outcome", "")])


def state(ws, target):
    path = ws.path / "journal.jsonl"
    found = scan(path.read_bytes()) if path.exists() else scan(b"")
    past = read_journal(ws)
    return {
        "records": [short(one) for _, one in found.records],
        "torn": found.torn,
        "sent": target.log(),
        "intended": [one.ref.name for _, one in found.records if isinstance(one, Intent)],
        "resulted": [one.ref.name for _, one in found.records if isinstance(one, Result)],
        "unknown": [ref.name for ref in past.unknown],
        "made": {uid: ref.name for uid, ref in past.made.items()},
        "outcomes": {ref.name: known.outcome for ref, known in past.objects.items()},
        "held": [ref.name for ref, known in past.objects.items() if known.originals is not None],
        "exits": [run.exit for run in past.runs],
    }


def fresh(name):
    return open_workspace(ROOT / name), Target(ROOT / (name + "-target"))


def boundaries():
    """One life per boundary: killed there; run again to the end; run once more with nothing to do."""
    ws, target = fresh("whole")
    _, every = child(ws, target, 0)
    lives = [{"whole": state(ws, target), "boundaries": every}]
    for at in range(1, every + 1):
        ws, target = fresh(str(at))
        killed, _ = child(ws, target, at)
        after = state(ws, target)
        child(ws, target, 0)
        again = state(ws, target)
        child(ws, target, 0)
        lives.append({"at": at, "killed": killed, "after": after, "again": again, "third": state(ws, target)})
    return lives


def twice():
    """Killed, run again and killed again, a few times over, then let live."""
    dice, lives = random.Random(8), []
    for number in range(40):
        ws, target = fresh(f"twice-{number}")
        places = [dice.randrange(1, 60) for _ in range(dice.randrange(2, 5))]
        killed = [child(ws, target, at)[0] for at in places]
        child(ws, target, 0)
        lives.append({"places": places, "killed": killed, "again": state(ws, target)})
    return lives


def storm():
    """Four threads write as fast as they can; the kill comes from outside, whenever it comes."""
    dice, lives = random.Random(9), []
    for number in range(25):
        ws, target = fresh(f"storm-{number}")
        pid = os.fork()
        if not pid:
            with open_journal(ws, START, KEY) as journal:
                log = os.open(target.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

                def many(thread):
                    for i in range(100000):
                        ref = Ref("", "ConfigMap", "shop", f"t{thread}-{i}")
                        (number,) = journal.intend([Intent(ref, Action.APPLY, "s")])
                        real_write(log, ref.name.encode() + b"\n")
                        journal.record([Result(ref, Outcome.CREATED, number, "uid-" + ref.name)])

                threads = [threading.Thread(target=many, args=(i,)) for i in range(4)]
                for one in threads:
                    one.start()
                for one in threads:
                    one.join()
            os._exit(1)
        while not target.log():
            time.sleep(0.002)
        time.sleep(dice.random() * 0.05)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lives.append(state(ws, target))
    return lives


print(json.dumps({"boundaries": boundaries, "twice": twice, "storm": storm}[sys.argv[2]]()))
'''
NAMES = [f"c{i:02}" for i in range(12)]


def drive(what: str, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, folder, what], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def agrees(state: dict[str, Any]) -> None:
    """What must hold whenever a journal is read, whatever happened to its writer."""
    assert set(state["sent"]) <= set(state["intended"]), "something was sent that the journal does not know"
    assert set(state["unknown"]) == set(state["intended"]) - set(state["resulted"])
    assert set(state["sent"]) - set(state["resulted"]) <= set(state["unknown"])


def arrived(state: dict[str, Any]) -> None:
    """All is there, each made once, and the journal knows all of it."""
    assert sorted(state["sent"]) == NAMES, "made twice, or lost"
    assert (state["unknown"], state["torn"]) == ([], 0)
    assert state["made"] == {f"uid-{name}": name for name in NAMES}
    assert set(state["outcomes"]) == set(NAMES)
    assert state["held"] == ["c04"]
    assert state["exits"][-1] == 0


def test_killed_at_every_write_boundary(tmp_path: Path) -> None:
    whole, *lives = drive("boundaries", tmp_path)
    script = whole["whole"]["records"]
    assert len(script) == 1 + 12 * 2 + 1 + 1
    assert len(lives) == whole["boundaries"] > 90
    assert all(life["killed"] for life in lives)
    torn = 0
    for life in lives:
        after = life["after"]
        assert after["records"] == script[: len(after["records"])], life["at"]
        agrees(after)
        torn += after["torn"] > 0
        arrived(life["again"])
        arrived(life["third"])
        assert life["third"]["outcomes"] == dict.fromkeys(NAMES, "unchanged")
    # Had no death left half a line, or none an unknown, or every one an empty journal, this would have shown nothing.
    assert torn >= 15
    assert any(life["after"]["unknown"] for life in lives)
    lengths = {len(life["after"]["records"]) for life in lives}
    assert {0, len(script)} < lengths and len(lengths) > 20


def test_killed_again_and_again(tmp_path: Path) -> None:
    lives = drive("twice", tmp_path)
    assert sum(sum(life["killed"]) for life in lives) > 80
    for life in lives:
        agrees(life["again"])
        arrived(life["again"])


def test_killed_from_outside_while_threads_write(tmp_path: Path) -> None:
    lives = drive("storm", tmp_path)
    for state in lives:
        agrees(state)
        assert len(state["unknown"]) <= 4  # each thread had one request under way
        assert state["exits"] == [None]
    assert max(len(state["sent"]) for state in lives) > 20
