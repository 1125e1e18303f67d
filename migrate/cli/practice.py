"""`gke2eks practice`."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from pathlib import Path

import click

from migrate.cli.screen import echo


@click.command("practice")
@click.option(
    "--from", "sources", multiple=True, metavar="PATH", help="File, directory or - for stdin; may be given again."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; without it a free one.")
@click.option(
    "--kubeconfig",
    default="practice.kubeconfig",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the kubeconfig; removed at the end.",
)
@click.option("--name", default="practice", show_default=True, help="Name of its context in the kubeconfig.")
def command(sources: tuple[str, ...], port: int, kubeconfig: Path, name: str) -> int:
    """Run a small cluster in memory on 127.0.0.1, to try things on, until Ctrl-C."""
    from migrate.flow.practice import remove_kubeconfig, start, write_kubeconfig

    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    practising = start(sources, stdin=sys.stdin.buffer.read, port=port)
    url = practising.server.url
    try:
        write_kubeconfig(kubeconfig, url, name)
        for note in practising.notes:
            echo(f"note: {note}", err=True)
        if sources:
            noun = "object" if practising.loaded == 1 else "objects"
            echo(f"{practising.loaded:,} {noun} loaded; Secrets hold made-up values of the same size.")
        echo(
            f"The practice cluster answers at {url} until Ctrl-C. In another terminal:\n"
            f"  export KUBECONFIG={shlex.quote(str(kubeconfig.absolute()))}\n"
            "  kubectl get namespaces\n"
            "  kubectl apply --server-side --validate=false -f FILE\n"
            "It validates nothing and runs nothing; docs/practice.md says what it does."
        )
        sys.stdout.flush()
        over.wait()
    finally:
        practising.server.stop()
        remove_kubeconfig(kubeconfig, url)
    return 0
