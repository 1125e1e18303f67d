"""docs/apply.md and docs/preflight.md say what the code says: tables here, outputs where they are made to happen."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from migrate.manifest.waves import WAVES
from migrate.preflight import dryrun

WRITE = bool(os.environ.get("GKE2EKS_WRITE_DOCS"))
TABLE = re.compile(r"(?ms)^\| Wave \|.*?(?=\n\n)")


def waves() -> str:
    """The table of waves with a reason per row; one group of kinds is one row."""
    lines = ["| Wave | What | Why |", "|---|---|---|"]
    for number, wave in enumerate(WAVES, 1):
        for row in wave.rows:
            kinds = ", ".join(f"{kind}.{row.group}" if "." in row.group else kind for kind in row.kinds.split())
            lines.append(f"| {number} {wave.title} | {kinds} | {row.why} |")
        if not wave.rows:
            lines.append(f"| {number} {wave.title} | what definitions brought | their controllers run |")
    return "\n".join(lines)


def test_the_table_of_waves(repo: Path) -> None:
    place = repo / "docs" / "apply.md"
    text = place.read_text("utf-8")
    page = TABLE.sub(lambda _: waves(), text, count=1)
    assert TABLE.search(text)
    if WRITE:
        place.write_text(page, "utf-8")
    assert WRITE or text == page


def test_the_table_of_checks(repo: Path) -> None:
    pages = [(repo / "docs" / name).read_text("utf-8") for name in ("preflight.md", "preflight-aws.md")]
    listed = [id for page in pages for id in re.findall(r"^\| (PRE\d{3}) \|", page, re.MULTILINE)]
    assert listed == sorted(set(listed))
    assert set(listed) == known(repo)


def known(repo: Path) -> set[str]:
    """The ids that code and tables can give."""
    files = [*(repo / "migrate" / "preflight").glob("*.py"), *(repo / "migrate" / "flow").glob("*.py")]
    text = "".join(file.read_text("utf-8") for file in (*files, repo / "mappings" / "eks-addons.yaml"))
    made = {dryrun.TAKEN, dryrun.CLASH, dryrun.SPACE, dryrun.OFFLINE, dryrun.ENDING, dryrun.MADE_UP, dryrun.REMARK}
    return set(re.findall(r"PRE\d{3}", text)) | made | {dryrun.DROPPED}


def test_every_message_of_the_page_is_made_to_happen(repo: Path) -> None:
    """The cluster lane compares each block with what is printed; here none is forgotten, and all have a next step."""
    sys.path.append(str(Path(__file__).parent / "cluster"))
    try:
        from apply_scenes import SCENES
        from apply_scenes_lost import LOST, PROCESSES
        from apply_scenes_policy import CONFLICTS
    finally:
        sys.path.remove(str(Path(__file__).parent / "cluster"))
    text = (repo / "docs" / "apply.md").read_text("utf-8")
    part = text.partition("\n## What it says when something is wrong\n")[2].partition("\n## ")[0]
    titles = re.findall(r"^### (.*)$", part, re.MULTILINE)
    made = [scene.title for scene in (*SCENES, *CONFLICTS, *LOST)] + [row[0] for row in PROCESSES]
    assert sorted(titles) == sorted(made) and len(set(titles)) == len(titles)
    for piece in part.split("\n### ")[1:]:
        title, _, rest = piece.partition("\n")
        before, said, after = re.fullmatch(r"(?s)(.*?)```\n(\$ .*?)```\n(.*)", rest).groups()  # type: ignore[union-attr]
        assert before.strip() not in ("", "prose"), title
        code = re.match(r"Exit code (\d+)\.\n", after)
        assert code and said.startswith(("$ gke2eks apply ", "$ gke2eks release ")), title
        # Every refusal says what to do next, or how to go on.
        assert code[1] == "0" or re.search(r"^ *next:? |To go on: |read again by: ", said, re.MULTILINE), title
