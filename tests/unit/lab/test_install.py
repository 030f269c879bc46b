"""scripts/install: which engine it takes, and what being cut off leaves."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.stacks import ROOT

PINNED = version("pulumi")


class Machine:
    """A checkout with scripts/install, a cache and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.cache, self.bin = (folder / name for name in ("mx", "cache", "bin"))
        (self.checkout / "scripts").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "scripts/install", self.checkout / "scripts")
        for name in ("requirements.lock", "Pulumi.yaml"):
            shutil.copy(ROOT / name, self.checkout)
        self.tool("go", "exit 1")
        self.tool("curl", "exit 1")
        self.engine = self.cache / "mx/engine" / PINNED

    def tool(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def install(self, *parts: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.checkout / "scripts/install", *parts],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "XDG_CACHE_HOME": str(self.cache)}

    def offer_release(self, before: str = "") -> None:
        """Let curl get the vendor's release, in which pulumi is a script."""
        arch = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
        name = f"pulumi-v{PINNED}-linux-{arch}.tar.gz"
        folder = self.cache.parent / "release" / "pulumi"
        folder.mkdir(parents=True)
        for tool in ("pulumi", "pulumi-language-python"):
            (folder / tool).write_text(f"#!/bin/sh\necho v{PINNED}\n")
            (folder / tool).chmod(0o755)
        with tarfile.open(folder.parent / name, "w:gz") as tar:
            tar.add(folder, "pulumi")
        sums = subprocess.run(["sha256sum", name], cwd=folder.parent, stdout=subprocess.PIPE)
        (folder.parent / f"pulumi-{PINNED}-checksums.txt").write_bytes(sums.stdout)
        # curl -fsSL --connect-timeout 5 -o FILE URL
        self.tool("curl", f'{before}\ncp "{folder.parent}/$(basename "$6")" "$5"')


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_one_place_holds_the_versions() -> None:
    lowest = re.search(r'^requiredPulumiVersion: ">=(\S+) <4\.0\.0"$', read("Pulumi.yaml"), re.M)
    assert lowest is not None
    assert lowest[1] == PINNED
    module = re.search(r"pulumi/pkg/v3 v(\S+)", read("lab/engine/tools/go.mod"))
    assert module is not None
    assert module[1] == PINNED


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("number", [PINNED, "3.999.1", "3.999.2-alpha.1+dirty"])
def test_engine_on_path_that_fits_is_taken(machine: Machine, number: str) -> None:
    machine.tool("pulumi", f"echo v{number}")
    assert machine.install("engine").stdout == ""
    assert machine.install("path").stdout == f"{machine.bin}\n"


@pytest.mark.parametrize("number", ["3.99.0", "3.258.9", "4.0.0", "4.1.0"])
def test_engine_on_path_that_does_not_fit_is_refused(machine: Machine, number: str) -> None:
    found = machine.tool("pulumi", f"echo v{number}")
    done = machine.install("path")
    assert done.returncode == 1
    assert done.stderr == (
        f"install: {found} is {number}; this program runs with {PINNED} and later, below 4.0.0\n"
    )
    machine.offer_release()
    done = machine.install("engine")
    assert f"below 4.0.0; getting {PINNED} instead\n" in done.stdout
    assert machine.install("path").stdout == f"{machine.engine}\n"


def test_release_comes_whole(machine: Machine) -> None:
    machine.offer_release()
    assert machine.install("engine").stdout == "install: engine: the vendor's release\n"
    assert {path.name for path in machine.engine.iterdir()} == {"pulumi", "pulumi-language-python"}
    assert [path.name for path in machine.engine.parent.iterdir()] == [PINNED]


def half_downloaded(machine: Machine) -> None:
    machine.offer_release(before='echo half >"$5"; kill -9 $PPID; exit 1')


def half_unpacked(machine: Machine) -> None:
    machine.offer_release()
    machine.tool("tar", 'mkdir -p "$2/pulumi"; echo half >"$2/pulumi/pulumi"; kill -9 $PPID')


def half_built(machine: Machine) -> None:
    machine.tool("go", "kill -9 $PPID")


@pytest.mark.parametrize("cut", [half_downloaded, half_unpacked, half_built])
def test_cut_off_it_leaves_no_half_engine(machine: Machine, cut: Callable[[Machine], None]) -> None:
    (machine.checkout / "lab/engine/tools").mkdir(parents=True)
    cut(machine)
    assert machine.install("engine").returncode != 0
    assert not machine.engine.exists()
    shutil.rmtree(machine.cache.parent / "release", ignore_errors=True)
    (machine.bin / "tar").unlink(missing_ok=True)
    machine.offer_release()
    assert machine.install("engine").returncode == 0
    assert [path.name for path in machine.engine.parent.iterdir()] == [PINNED]


OFFERING_ENGINE = """[ "$1" = version ] && echo v{pinned} && exit
folder="$PULUMI_HOME/plugins/$3-$4-v$5"
mkdir -p "$folder"
# As the engine does: there until all of the plug-in is.
touch "$folder.partial"
{before}
printf '#!/bin/sh\\n' >"$folder/pulumi-resource-$4"
chmod 755 "$folder/pulumi-resource-$4"
rm "$folder.partial"
"""
# The script, timeout(1) and the engine. ps(1) pads short numbers, and takes no padded ones.
KILL_ALL = "kill -9 $(ps -o pid= -s $(ps -o sess= -p $$))"
HALF_UNPACKED = 'printf x >"$folder/pulumi-resource-$4" && chmod 755 "$folder/pulumi-resource-$4"'


@pytest.mark.parametrize("which", ["command", "cloudflare"])
@pytest.mark.parametrize("done_before", ["true", HALF_UNPACKED], ids=["empty", "half unpacked"])
def test_plug_in_whose_installation_was_killed_is_installed_by_the_next_run(
    machine: Machine, which: str, done_before: str
) -> None:
    before = f"[ $4 != {which} ] || {{ {done_before}; {KILL_ALL}; }}"
    machine.tool("pulumi", OFFERING_ENGINE.format(pinned=PINNED, before=before))
    assert machine.install("plugins").returncode == -signal.SIGKILL
    machine.tool("pulumi", OFFERING_ENGINE.format(pinned=PINNED, before=""))
    if which == "cloudflare":
        printed = machine.install("summary").stdout
        assert f"plug-in {which} {version(f'pulumi-{which}')}: the lab's stand-in" in printed
    machine.install("plugins")
    printed = machine.install("summary").stdout
    assert f"plug-in {which} {version(f'pulumi-{which}')}: the vendor's\n" in printed
    for name in ("command", "cloudflare"):
        folder = f"mx/plugins/plugins/resource-{name}-v{version(f'pulumi-{name}')}"
        assert (machine.cache / folder / f"pulumi-resource-{name}").read_text() == "#!/bin/sh\n"


PIP = """#!/bin/sh
case "$*" in
"-m venv --clear .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip install"*) {pip} ;;
-c*) exit 0 ;;
esac
"""


@pytest.mark.parametrize("pip", ["kill -9 $PPID", "echo no space left on device >&2; exit 1"])
def test_environment_whose_packages_are_not_all_there_is_made_anew(
    machine: Machine, pip: str
) -> None:
    machine.tool("python3", PIP.format(pip=pip))
    done = machine.install("python")
    assert done.returncode != 0
    stamp = machine.checkout / ".venv/requirements.sha256"
    assert not stamp.exists()
    made = machine.cache.parent / "made"
    machine.tool("python3", PIP.format(pip=f'touch "{made}"'))
    assert machine.install("python").returncode == 0
    assert made.exists()
    assert stamp.exists()
    made.unlink()
    assert machine.install("python").returncode == 0
    assert not made.exists()


def test_full_disk_in_the_cache_leaves_no_half_engine(machine: Machine) -> None:
    """The release does not fit into a file system of 64 kB, which is in a namespace of its own."""
    tools = machine.checkout / "lab/engine/tools"
    tools.mkdir(parents=True)
    (tools / "go.mod").write_text("go 1.26.0\n")
    machine.tool("go", 'if [ "$1" = env ]; then echo go1.26.0; exit; fi; echo disk full; exit 1')
    machine.offer_release()
    folder = machine.engine.parent
    folder.mkdir(parents=True)
    release = machine.cache.parent / "release/pulumi/pulumi"
    whole = f"#!/bin/sh\necho v{PINNED}\n# " + random.Random(1).randbytes(200000).hex()
    release.write_text(whole)
    name = next(path.name for path in release.parents[1].glob("*.tar.gz"))
    with tarfile.open(release.parents[1] / name, "w:gz") as tar:
        tar.add(release.parent, "pulumi")
    sums = subprocess.run(
        ["sha256sum", name], cwd=release.parents[1], stdout=subprocess.PIPE, check=True
    )
    (release.parents[1] / f"pulumi-{PINNED}-checksums.txt").write_bytes(sums.stdout)
    small = (
        f'mount -t tmpfs -o size=64k none "{folder}" && scripts/install engine; code=$?; '
        f'[ ! -e "{machine.engine}" ] || exit 3; exit $code'
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", small],
        cwd=machine.checkout,
        env=machine.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{machine.cache}/mx has 0 MB left, and the engine needs 1,000" in done.stderr
    assert machine.install("engine").returncode == 0
    assert machine.engine.joinpath("pulumi").read_text() == whole


def test_broken_checksum_installs_nothing(machine: Machine) -> None:
    machine.offer_release()
    sums = machine.cache.parent / "release" / f"pulumi-{PINNED}-checksums.txt"
    sums.write_text(sums.read_text().replace(sums.read_text()[:8], "00000000"))
    done = machine.install("engine")
    assert done.returncode == 1
    assert "the checksum of https://github.com/pulumi/pulumi/releases/" in done.stderr
    assert list(machine.engine.parent.iterdir()) == []


def test_link_to_another_environment_is_replaced_and_not_emptied(
    machine: Machine, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").touch()
    (machine.checkout / ".venv").symlink_to(other)
    # An environment without packages: the digests are none.
    (machine.checkout / "requirements.lock").write_text("")
    assert machine.install("python").returncode == 0
    assert (other / "precious").exists()
    assert (machine.checkout / ".venv/requirements.sha256").exists()


def test_plug_ins_are_tried_once_and_the_line_says_whose_they_are(machine: Machine) -> None:
    asked = machine.cache.parent / "asked"
    machine.tool(
        "pulumi", f'case "$1" in version) echo v{PINNED};; *) echo >>"{asked}"; exit 1; esac'
    )
    for _ in range(2):
        machine.install("plugins")
    assert asked.read_text().count("\n") == 2
    assert machine.install("summary").stdout == (
        f"install: engine: {machine.bin}/pulumi ({PINNED} on PATH)\n"
        "install: plug-in command 1.2.1: the lab's stand-in, as the vendor's cannot be downloaded\n"
        "install: plug-in cloudflare 6.23.1: the lab's stand-in, as the vendor's cannot be "
        "downloaded\n"
    )


OLD_GO = """case "$*" in
"env GOVERSION") echo go1.19.8 ;;
"env GOARCH") echo amd64 ;;
"env GOMODCACHE") echo {cache} ;;
"mod download "*)
  mkdir -p {tools}/bin {tools}/pkg/tool
  cp {new} {tools}/bin/go ;;
esac"""
NEW_GO = """#!/bin/sh
printf '#!/bin/sh\\necho v{pinned}\\n' >$(echo {folder}/.new-*/pulumi)/pulumi
chmod +x {folder}/.new-*/pulumi/pulumi"""


def test_go_of_debian_12_gets_the_go_that_builds_the_engine(
    machine: Machine, tmp_path: Path
) -> None:
    folder = machine.checkout / "lab/engine/tools"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/tools\n\ngo 1.26.0\n")
    new = tmp_path / "new-go"
    new.write_text(NEW_GO.format(pinned=PINNED, folder=machine.engine.parent))
    tools = tmp_path / "mod/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64"
    machine.tool("go", OLD_GO.format(cache=tmp_path / "mod", tools=tools, new=new))
    done = machine.install("engine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Go on this machine is 1.19.8; getting 1.26.0" in done.stdout
    assert (machine.engine / "pulumi").exists()
    assert os.access(tools / "bin/go", os.X_OK)


def test_go_of_debian_13_can_get_the_go_that_go_mod_names() -> None:
    # Go 1.21 and later fetch a toolchain by its full name; there is none named go1.26.
    assert re.search(r"^go \d+\.\d+\.\d+$", read("lab/engine/tools/go.mod"), re.M)


BUILDING_GO = """
if [ "$1" = env ]; then echo go1.26.0; exit; fi
printf '%s\\n' "$@" >"{arguments}"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n' >"$2" && chmod 755 "$2"
"""


def test_engine_that_is_built_knows_its_version(machine: Machine, tmp_path: Path) -> None:
    # One that does not passes over requiredPulumiVersion of Pulumi.yaml.
    (machine.checkout / "lab/engine/tools").mkdir(parents=True)
    (machine.checkout / "lab/engine/tools/go.mod").write_text("go 1.26.0\n")
    arguments = tmp_path / "arguments"
    machine.tool("go", BUILDING_GO.format(arguments=arguments))
    assert machine.install("engine").returncode == 0
    assert f"version.Version=v{PINNED}" in arguments.read_text()
