"""``workbench …``: one module a group of commands. Modules import model libraries inside their functions only."""

import signal
import sys
import threading

import typer

from workbench.errors import WorkbenchError

_INTERRUPTED = 128 + signal.SIGINT
_PATIENCE = 2.0
"""s after which a signal that had no effect is repeated."""
app = typer.Typer(
    name="workbench",
    help="Evaluate interviews from video and audio, with evidence and uncertainty beside every score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Entry point: a `WorkbenchError`, or a library that an extra brings, becomes one line on stderr and exit code 2."""
    from workbench import extras
    from workbench.cli import commands  # noqa: F401  (registers every group on `app`)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` sets it
                signal.signal(number, _stop)
    try:
        app()
    except ModuleNotFoundError as error:
        if (wanted := extras.missing(error)) is None:
            raise
        sys.stderr.write(f"workbench: {wanted}\n")
        sys.exit(2)
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
        sys.exit(2)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # Typer turns an interruption into this
            sys.stderr.write("\nworkbench: stopped; what was written so far is kept\n")
        raise
    finally:
        if signal.getsignal(signal.SIGALRM) is _again:  # set by `_stop`
            signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(number: int, frame: object) -> None:
    """SIGTERM and a closed terminal end a command as Ctrl-C does."""
    signal.signal(signal.SIGALRM, _again)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    raise KeyboardInterrupt


def _again(number: int, frame: object) -> None:
    """An interruption that met a library's callback is lost there: once more, unless it is just being handled."""
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    if sys.exc_info()[1] is None:
        raise KeyboardInterrupt
