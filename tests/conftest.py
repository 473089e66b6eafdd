"""Fixtures shared by all tests."""

import signal

pytest_plugins = ["tests.support.browser", "tests.support.corpora", "tests.support.command", "tests.support.samples"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: processes that tests start would ignore Ctrl-C, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started by nohup: the same
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
