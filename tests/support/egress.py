"""Runs a command where nothing can leave the machine, and writes down every packet that tried to.

``python -m tests.support.egress REPORT -- COMMAND …`` must run in a network and mount namespace of its own (`watched` starts it so).
Every address is routed back to this namespace. A name server answers every question with such an address, and ports 80 and 443 listen,
so that a program goes as far as it would outside. All packets to other addresses than loopback are noted, with the program that sent them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAME_SERVER = "198.51.100.53"  # addresses of RFC 5737, which nobody owns
ANSWER = "203.0.113.9"
_ETH_P_ALL = 3
_TCP, _UDP = 6, 17
_SYN = 0x02


@dataclass(frozen=True)
class Watched:
    """How a watched command ended; `tried` holds one line for each look-up and each connection outside."""

    code: int
    output: str
    tried: list[str]


def watched(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None, seconds: float = 400) -> Watched:
    """Run a command in `folder`, cut off from the network, and tell what it tried.

    Raises
    ------
    RuntimeError
        Where the machine lacks what it takes (`unshare`, `ip`, and the right to make namespaces).
    """
    if not (shutil.which("unshare") and shutil.which("ip")):
        raise RuntimeError("the egress tests need the Debian packages util-linux and iproute2 (apt-get install iproute2)")
    namespaces = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--net", "--mount"]
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.json"
        inside = [sys.executable, "-m", "tests.support.egress", str(report), "--", *command]
        root = Path(__file__).parents[2]
        paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [*namespaces, *inside], cwd=folder, timeout=seconds, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONPATH": paths} | (environment or {}),
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"the namespace could not be set up: {done.stdout[-500:]}")
        return Watched(done.returncode, done.stdout, json.loads(report.read_text()))


@dataclass
class _Watch:
    tried: dict[tuple[str, str, int], str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def packets(self, line: socket.socket) -> None:
        while True:
            frame, (_, _, way, *_) = line.recvfrom(65535)
            data = frame[14:]
            if way != socket.PACKET_OUTGOING or not data or data[0] >> 4 not in (4, 6):
                continue  # each packet is seen twice here, as it goes and as it comes
            if data[0] >> 4 == 4:
                size, protocol, target = 4 * (data[0] & 15), data[9], socket.inet_ntop(socket.AF_INET, data[16:20])
            else:
                size, protocol, target = 40, data[6], socket.inet_ntop(socket.AF_INET6, data[24:40])
            if target.startswith(("127.", "ff", "fe80")) or target in ("::1", "::"):
                continue
            kind = {_TCP: "tcp", _UDP: "udp"}.get(protocol, f"protocol {protocol}")
            port, to = struct.unpack("!HH", data[size : size + 4]) if protocol in (_TCP, _UDP) else (0, 0)
            if protocol == _TCP and data[size + 13] & 0x12 != _SYN:
                continue  # only who begins
            if 53 in (port, to) and target == NAME_SERVER:
                continue  # a question, written down by name, and its answer
            if (kind, target, to) not in self.tried:
                self.tried[kind, target, to] = _program(port)

    def questions(self, server: socket.socket) -> None:
        """Answer every question for an IPv4 address with `ANSWER`, and others with nothing."""
        while True:
            query, asker = server.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode(errors="replace"))
                at += 1 + query[at]
            end = at + 5
            name, kind = ".".join(labels), struct.unpack("!H", query[at + 1 : at + 3])[0]
            line = f"look-up of {name} by {_program(asker[1])}"
            if line not in self.names:
                self.names.append(line)
            answers = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(ANSWER)] if kind == 1 else []
            head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
            server.sendto(head + query[12:end] + b"".join(answers), asker)


def _program(port: int) -> str:
    """The program that owns a local port."""
    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(f.readlink()) in inodes for f in (process / "fd").iterdir()):
                return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:160].strip()
        except OSError:
            continue
    return "a program that had ended"


def _thread(target: object, *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()  # type: ignore[arg-type]


def _listen(port: int) -> None:
    server = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)

    def serve() -> None:
        while True:
            line, _ = server.accept()
            line.settimeout(2)
            with contextlib.suppress(OSError):
                line.recv(4096)
            line.close()

    _thread(serve)


def main(report: Path, command: Sequence[str]) -> int:
    """Set the namespace up, run the command, write what it tried."""
    for arguments in (
        ["link", "set", "lo", "up"],
        ["route", "add", "local", "default", "dev", "lo"],
        ["-6", "route", "add", "local", "default", "dev", "lo"],
    ):
        subprocess.run(["ip", *arguments], check=arguments[0] != "-6")
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as resolver:
        resolver.write(f"nameserver {NAME_SERVER}\n")
    subprocess.run(["mount", "--bind", resolver.name, os.path.realpath("/etc/resolv.conf")], check=True)
    watch = _Watch()
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    line.bind(("lo", 0))
    _thread(watch.packets, line)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 53))
    _thread(watch.questions, server)
    for port in (80, 443):
        _listen(port)
    report.write_text("[]")
    code = subprocess.run(command).returncode
    threading.Event().wait(1.0)  # what was sent last is read
    connections = [f"{kind} to {target} port {port} by {program}" for (kind, target, port), program in watch.tried.items()]
    report.write_text(json.dumps(watch.names + connections))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[3:]))
