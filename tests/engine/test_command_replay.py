"""The stand-in of the command plug-in, against what the original answered.

Every recorded call of every scenario is played to the stand-in, with an sshd of the test's own
as the host. Not compared, because they are random or of the recording machine: the hexadecimal
digits of new ids, the host's name, the order of ``diffs`` (a Go map's order).
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
)

from lab.engine.plugin import OPTIONS, UNKNOWN, Secret, from_struct, to_struct
from tests.corpus.play import REQUESTS

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
PLUGIN = HERE.parent.parent / "lab" / "engine" / "bin" / "pulumi-resource-command"
SCENARIOS = sorted((HERE / "traces" / "command").glob("*.json"))
HOST, SILENT_HOST, RECORDED_NAME = "127.0.77.1", "127.0.77.2", "mx1"
# Said by the engine's own client, which had already gone; the plug-in's answer was not recorded.
CLIENT_GONE = "rpc error: code = Canceled desc = grpc: the client connection is closing"
CODES = {"UNKNOWN": "Unknown", "UNIMPLEMENTED": "Unimplemented", "NOT_FOUND": "NotFound"}


@dataclass
class Host:
    """A host with a stock sshd, and one that never answers."""

    port: int
    private_key: str
    private_key_file: Path
    host_key: str
    name: str

    def connection(self, **more: Any) -> dict[str, Any]:
        """The settings of a connection to the host."""
        return {"host": HOST, "port": self.port, "privateKey": self.private_key, **more}


def free(host: str, port: int) -> bool:
    """Whether a server could listen there and nothing answers there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def pick_port() -> int:
    """Port 22 where the recorded addresses allow it, else any that is free on them."""
    hosts = (HOST, SILENT_HOST, "127.0.0.1")
    candidates: list[int] = [22, *range(20022, 20122)]
    for port in candidates:
        if all(free(host, port) for host in hosts):
            return port
    raise RuntimeError("no free port on the loopback addresses")


def wait_for_port(host: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers, or fail with what it logged."""
    for _ in range(100):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"sshd did not start: {log.read_text()}")


@contextlib.contextmanager
def silent_server(port: int) -> Iterator[None]:
    """A listener with a full queue: the kernel drops every further SYN, so a dial times out."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((SILENT_HOST, port))
        server.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((SILENT_HOST, port))
        yield


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        pytest.fail("sshd is missing: install the package openssh-server")
    if os.geteuid() != 0:
        pytest.fail("the recorded user is root: run this test as root")
    directory = tmp_path_factory.mktemp("sshd")
    for name in ("host", "client"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]
        subprocess.run([*command, str(directory / name)], check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = pick_port()
    config, log = directory / "sshd_config", directory / "log"
    # Debian's defaults, but for the places of files, and no penalty for the failures to come.
    config.write_text(
        f"""ListenAddress {HOST}:{port}
HostKey {directory / "host"}
AuthorizedKeysFile {directory / "client.pub"}
PidFile none
StrictModes no
KbdInteractiveAuthentication no
UsePAM yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""
    )
    # sshd has penalties since 9.8, and refuses an option that it does not know.
    lenient = ["-o", "PerSourcePenalties=no"]
    checked = subprocess.run([sshd, "-t", "-f", str(config), *lenient], capture_output=True)
    extra = lenient if checked.returncode == 0 else []
    process = subprocess.Popen([sshd, "-D", "-f", str(config), "-E", str(log), *extra])
    try:
        wait_for_port(HOST, port, process, log)
        with silent_server(port):
            yield Host(
                port=port,
                private_key=(directory / "client").read_text(),
                private_key_file=directory / "client",
                host_key=" ".join((directory / "host.pub").read_text().split()[:2]),
                name=socket.gethostname(),
            )
    finally:
        process.terminate()
        process.wait(timeout=10)


class Engine(engine_pb2_grpc.EngineServicer):
    """The engine's side of logging."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, float]] = []

    def Log(self, request: Any, context: Any) -> Any:
        """Keep a line."""
        severity = engine_pb2.LogSeverity.Name(request.severity)
        self.lines.append((severity, request.message, time.monotonic()))
        return empty_pb2.Empty()

    @property
    def messages(self) -> list[tuple[str, str]]:
        """The lines without their times."""
        return [line[:2] for line in self.lines]


@dataclass
class Plugin:
    """A running stand-in."""

    stub: Any
    engine: Engine
    process: subprocess.Popen[str]


@contextlib.contextmanager
def start_plugin(environment: dict[str, str] | None = None) -> Iterator[Plugin]:
    """The stand-in as a process, with an engine that takes its log lines."""
    engine = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    variables = {k: v for k, v in os.environ.items() if k != "SSH_AUTH_SOCK"}
    with subprocess.Popen(
        [str(PLUGIN), address],
        stdout=subprocess.PIPE,
        text=True,
        env={**variables, **(environment or {})},
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
                yield Plugin(provider_pb2_grpc.ResourceProviderStub(channel), engine, process)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 0
            server.stop(None).wait()


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    with start_plugin() as running:
        yield running


def fill(value: Any, host: Host) -> Any:
    """The recorded value with this test's host in it."""
    if isinstance(value, dict):
        return {key: fill(item, host) for key, item in value.items()} | (
            {"port": host.port} if value.get("port") == 22 else {}
        )
    if isinstance(value, list):
        return [fill(item, host) for item in value]
    if not isinstance(value, str):
        return value
    if value == RECORDED_NAME:
        return host.name
    # Behind the proxy the recorded host was itself on loopback.
    if value == "127.0.0.1":
        return HOST
    for name, text in (
        ("HOST", HOST),
        ("UNREACHABLE_HOST", SILENT_HOST),
        ("PRIVATE_KEY", host.private_key),
        ("HOST_KEY", host.host_key),
    ):
        value = value.replace(f"${{{name}}}", text)
    return re.sub(r"(dial tcp \S*):22\b", rf"\1:{host.port}", value)


def comparable(answer: dict[str, Any], request: dict[str, Any], method: str) -> dict[str, Any]:
    """The answer without what is random in it."""
    answer = dict(answer)
    if "diffs" in answer:
        answer["diffs"] = sorted(answer["diffs"])
    if method == "Create" and "id" in answer:
        assert re.fullmatch(re.escape(request["name"]) + "[0-9a-f]{8}", answer["id"])
        answer["id"] = "random"
    return answer


def play(stub: Any, method: str, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Play one call: the answer and the errors, as the recording has them."""
    message = json_format.ParseDict(request, REQUESTS[method]())
    try:
        answer = getattr(stub, method)(message, timeout=120)
    except grpc.RpcError as error:
        name = CODES.get(error.code().name, error.code().name)
        return {}, [f"rpc error: code = {name} desc = {error.details()}"]
    return json_format.MessageToDict(answer), []


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) == 48


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_replay(path: Path, host: Host, plugin: Plugin) -> None:
    for call in json.loads(path.read_text())["calls"]:
        method, request = call["method"], fill(call["request"], host)
        answer, errors = play(plugin.stub, method, request)
        if call.get("errors") == [CLIENT_GONE]:
            assert errors == []
            continue
        assert errors == fill(call.get("errors", []), host), method
        wanted = fill(call.get("response", {}), host)
        assert comparable(answer, request, method) == comparable(wanted, request, method), method


def create(plugin: Plugin, kind: str = "command:remote:Command", **inputs: Any) -> dict[str, Any]:
    """Create one resource and give its state."""
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:dev::t::{kind}::x", name="x", type=kind, properties=to_struct(inputs)
    )
    return from_struct(plugin.stub.Create(request, timeout=120).properties)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (None, ["out", "err", "end"]),
        ("stdoutAndStderr", ["out", "err", "end"]),
        ("stdout", ["out", "end"]),
        ("stderr", ["err"]),
        ("none", []),
    ],
)
def test_logging(mode: str | None, wanted: list[str], host: Host, plugin: Plugin) -> None:
    command = "echo out; sleep .2; echo err >&2; sleep .2; printf end"
    more = {} if mode is None else {"logging": mode}
    create(plugin, connection=host.connection(), create=command, **more)
    # A rest without a newline is logged at the end.
    assert plugin.engine.messages == [("INFO", text) for text in wanted]


def test_log_lines_come_live(host: Host, plugin: Plugin) -> None:
    create(plugin, connection=host.connection(), create="echo a; sleep 1; echo b")
    times = [line[2] for line in plugin.engine.lines]
    assert times[1] - times[0] > 0.7


def test_previous_output_is_refused_with_a_warning(host: Host, plugin: Plugin) -> None:
    def update(**more: Any) -> None:
        news = {"connection": host.connection(), "create": "true", **more}
        request = provider_pb2.UpdateRequest(
            id="x",
            urn="urn:pulumi:dev::t::command:remote:Command::x",
            olds=to_struct({**news, "stdout": "before", "stderr": "before"}),
            news=to_struct(news),
        )
        plugin.stub.Update(request, timeout=60)

    update(addPreviousOutputInEnv=False)
    assert plugin.engine.messages == []
    update()
    assert [severity for severity, _ in plugin.engine.messages] == ["WARNING", "WARNING"]
    assert "'PULUMI_COMMAND_STDOUT'" in plugin.engine.messages[0][1]


@pytest.mark.parametrize("kind", ["command:remote:Command", "command:local:Command"])
def test_megabytes_both_ways(kind: str, host: Host, plugin: Plugin) -> None:
    text = "0123456789abcde\n" * (8 * 65536)
    more = {"connection": host.connection()} if "remote" in kind else {}
    state = create(plugin, kind, create="tee /dev/stderr", stdin=text, logging="none", **more)
    assert state["stdout"] == text[:-1]
    assert state["stderr"] == text[:-1]


@pytest.mark.parametrize("kind", ["command:remote:Command", "command:local:Command"])
def test_stdin_nobody_reads(kind: str, host: Host, plugin: Plugin) -> None:
    more = {"connection": host.connection()} if "remote" in kind else {}
    if more:
        # More than the window of SSH takes: the command has run, and fails all the same.
        with pytest.raises(grpc.RpcError) as caught:
            create(plugin, kind, create="echo done", stdin="x" * 4_000_000, **more)
        assert caught.value.details() == 'EOF: running "echo done":\ndone\n'
    state = create(plugin, kind, create="echo done", stdin="x" * 1_000_000, **more)
    assert state["stdout"] == "done"


def test_killed_by_a_signal(host: Host, plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, connection=host.connection(), create="kill -TERM $$")
    details = caught.value.details()
    assert details.startswith("Process exited with status 143 from signal TERM: running")


def test_agent(host: Host) -> None:
    started = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True)
    values = dict(re.findall(r"(SSH_\w+)=([^;]+);", started.stdout))
    settings = {"host": HOST, "port": host.port}
    try:
        environment = {"SSH_AUTH_SOCK": values["SSH_AUTH_SOCK"]}
        subprocess.run(
            ["ssh-add", "-q", str(host.private_key_file)],
            check=True,
            env={**os.environ, **environment},
        )
        with start_plugin(environment) as plugin:
            assert create(plugin, connection=settings, create="echo a")["stdout"] == "a"
        with start_plugin() as plugin:
            settings["agentSocketPath"] = values["SSH_AUTH_SOCK"]
            assert create(plugin, connection=settings, create="echo b")["stdout"] == "b"
    finally:
        os.kill(int(values["SSH_AGENT_PID"]), signal.SIGTERM)


def test_cancel_kills_a_local_command(plugin: Plugin) -> None:
    timer = threading.Timer(0.5, lambda: plugin.stub.Cancel(empty_pb2.Empty()))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, "command:local:Command", create="exec sleep 30")
    timer.join()
    assert time.monotonic() - begin < 10
    assert caught.value.details().startswith("signal: killed: running")


def test_defaults_and_secrets(plugin: Plugin) -> None:
    request = provider_pb2.CheckRequest(
        urn="urn:pulumi:dev::t::command:remote:Command::x",
        type="command:remote:Command",
        news=to_struct({"connection": {"host": "h", "password": "p"}, "stdin": UNKNOWN}),
    )
    assert from_struct(plugin.stub.Check(request).inputs) == {
        "connection": Secret(
            {
                "host": "h",
                "user": "root",
                "port": 22,
                "dialErrorLimit": 10,
                "perDialTimeout": 15,
                "password": Secret("p"),
            }
        ),
        "stdin": UNKNOWN,
    }


def test_many_at_once_against_a_stock_sshd(host: Host, plugin: Plugin) -> None:
    """More than sshd lets in unauthenticated at once: those it drops dial again."""

    def one(number: int) -> str:
        text: str = create(plugin, connection=host.connection(), create=f"echo {number}")["stdout"]
        return text

    with futures.ThreadPoolExecutor(max_workers=48) as pool:
        assert list(pool.map(one, range(96))) == [str(number) for number in range(96)]


def test_a_host_key_that_is_none_fails_before_dialing(host: Host, plugin: Plugin) -> None:
    other = host.connection(hostKey="not a key", dialErrorLimit=1)
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, connection=other, create="true")
    assert caught.value.details() == (
        "failed to parse host key: ssh: no key found; "
        "last parsing error for ignored line: illegal base64 data at input byte 0"
    )


def test_a_refused_variable_is_also_logged(host: Host, plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError):
        create(plugin, connection=host.connection(), create="true", environment={"FOO": "v"})
    ((severity, text),) = plugin.engine.messages
    assert severity == "ERROR"
    assert text.startswith("Unable to set 'FOO'. This only works if")


def test_an_output_of_many_lines_in_order(host: Host, plugin: Plugin) -> None:
    """The error's text has both streams in the order in which the command wrote them."""
    with pytest.raises(grpc.RpcError) as caught:
        create(
            plugin,
            connection=host.connection(),
            create="for i in 1 2 3; do echo o$i; sleep .05; echo e$i >&2; sleep .05; done; exit 1",
            logging="none",
        )
    assert caught.value.details().endswith(":\no1\ne1\no2\ne2\no3\ne3\n")


def test_a_file_is_copied_when_its_digest_or_place_changed(
    host: Host, plugin: Plugin, tmp_path: Path
) -> None:
    """Not replayed: no answers of the original to CopyToRemote are recorded."""
    kind, sig = "command:remote:CopyToRemote", "c44067f5952c0a294b673a41bacd8c17"
    source, target = tmp_path / "source", tmp_path / "target"

    def inputs(digest: str, **more: Any) -> dict[str, Any]:
        asset = {"4dabf18193072939515e22adb298388d": sig, "hash": digest, "path": str(source)}
        return {"connection": host.connection(), "source": asset, "remotePath": str(target), **more}

    def update(old: dict[str, Any], new: dict[str, Any]) -> None:
        urn = f"urn:pulumi:dev::t::{kind}::x"
        both = {"olds": to_struct(old), "news": to_struct(new)}
        plugin.stub.Update(provider_pb2.UpdateRequest(urn=urn, type=kind, **both), timeout=120)

    source.write_text("one\n")
    assert create(plugin, kind, **inputs("1"))["source"]["hash"] == "1"
    assert target.read_text() == "one\n"
    source.write_text("two\n")
    update(inputs("1"), inputs("1"))
    assert target.read_text() == "one\n"
    update(inputs("1"), inputs("2"))
    assert target.read_text() == "two\n"
    source.unlink()
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, kind, **inputs("3"))
    assert caught.value.details() == f"open {source}: no such file or directory"


def test_output_that_is_not_utf_8_fails_a_command_that_succeeded(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, "command:local:Command", create="printf 'a\\377b\\n'")
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details().endswith("string field contains invalid UTF-8")


@pytest.mark.parametrize(("size", "logging"), [(65535, None), (65536, "none")])
def test_line_that_the_original_takes(size: int, logging: str | None, plugin: Plugin) -> None:
    more = {} if logging is None else {"logging": logging}
    line = f"head -c {size} /dev/zero | tr '\\0' a; echo"
    assert create(plugin, "command:local:Command", create=line, **more)["stdout"] == "a" * size


def test_line_that_the_original_never_answers_is_an_error_here(plugin: Plugin) -> None:
    line = "head -c 65536 /dev/zero | tr '\\0' a; echo"
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, "command:local:Command", create=line)
    assert "a logged line of 65536 bytes or more: the vendor's plug-in hangs" in (
        caught.value.details()
    )
