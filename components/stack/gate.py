"""The look before a new MX record: that mail arrives there, and leaves for the mailbox host.

The engine calls this before it makes an MX record, and at no other time: a record that is published
is never taken away, nor asked about again. What is found raises an error, and the record waits for
the next `up`; a viewpoint that can open port 25 to nobody proves nothing, and is only told.

The record waits for the host's commands. But a run with `--target` or `--exclude` may leave these
commands out: the host would then refuse the domain's mail. So the gate also asks whether the run
left them as they were.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from components.host.ask import SCRIPT, environment, parse
from components.protocol import warnings
from components.settings.environment import Settings
from components.settings.text import visible
from components.stack.arrival import HERE, View, addresses, judge

_REACH = Path(__file__).parent / "files" / "reach.py"
_SECONDS = 60


class Held(Exception):
    """Why an MX record is not published."""


def questions(settings: Settings, host: str, domain: str) -> dict[str, Any]:
    """What an MX host is asked about the mailbox host of a domain."""
    mailbox = settings.mailbox_hosts[settings.domains[domain].mailbox_host]
    known = settings.domains[domain].recipients
    return {
        "mailbox": mailbox.hostname,
        "port": mailbox.port,
        "protocol": mailbox.protocol,
        "helo": settings.hosts[host].hostname,
        "recipient": f"{known[0]}@{domain}" if known else None,
    }


class Gate:
    """The look before each new MX record; a host is looked at once a run.

    `taking`: MX host to the names of the bundles without which it refuses mail for a domain, each
    with whether the host has its manifest.
    """

    def __init__(
        self, settings: Settings, taking: Mapping[str, Mapping[str, pulumi.Output[bool]]]
    ) -> None:
        self._settings, self._taking = settings, taking
        self._records = {
            f"dns-mx-{domain}-{host}": (domain, host)
            for domain in settings.domains
            for host in settings.exchangers(domain)
        }
        # A host takes ten logins at once before it drops some (MaxStartups, sshd_config(5)).
        self._few = asyncio.Semaphore(8)
        self._looks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.hook = pulumi.ResourceHook("mx-gate", self._before)

    async def _before(self, args: pulumi.ResourceHookArgs) -> None:
        domain, host = self._records[args.name]
        faults = []
        for key, look in (
            (("set up", host), self._set_up(host)),
            ((host, ""), self._arrives(host)),
            ((host, domain), self._leaves(host, domain)),
        ):
            if key in self._looks:
                look.close()
            else:
                self._looks[key] = asyncio.ensure_future(look)
            try:
                await asyncio.shield(self._looks[key])
            except Held as error:
                faults.append(str(error))
        if faults:
            raise Held(
                f"the MX record of {domain} for {host} is held back: {'; '.join(faults)}. "
                "Mend this, then run `up` again; MX records that are published already stay"
            )

    async def _set_up(self, host: str) -> None:
        """Raise Held when this run left a host without what the settings say."""
        applied = {name: await each.future() for name, each in self._taking[host].items()}
        behind = [name for name, known in applied.items() if not known]
        if behind:
            raise Held(
                f"this run does not change {' and '.join(behind)} of {host}, so {host} does not "
                "have the present settings and may refuse the mail; `up` without --target and "
                "--exclude changes the host first"
            )

    async def _arrives(self, host: str) -> None:
        """Raise Held when mail cannot arrive at an address of a host."""
        everywhere = [
            {"greet": address} for key in self._settings.hosts for address in self._addresses(key)
        ]
        views = {HERE: await self._view(HERE, everywhere)}
        if not all(address in views[HERE].greeted for address in self._addresses(host)):
            others = [key for key in self._settings.hosts if key != host]
            seen = await asyncio.gather(*(self._view(key, everywhere) for key in others))
            views |= dict(zip(others, seen, strict=True))
        wrong, unseen = judge(self._settings, host, views)
        for words in unseen:
            pulumi.log.warn(warnings.held(host, words))
        if wrong:
            raise Held("; ".join(wrong))

    async def _leaves(self, host: str, domain: str) -> None:
        """Raise Held when the mailbox host of a domain does not take mail from a host."""
        asked = questions(self._settings, host, domain)
        place = f"{asked['mailbox']} port {asked['port']}"
        answers = await self._ask(host, [asked])
        if isinstance(answers, str):
            raise Held(f"{host} could not be asked whether it reaches {place}: {answers}")
        if "error" in answers[0]:
            why = visible(str(answers[0]["error"]))
            raise Held(f"{host} does not reach the mailbox host {place}: {why}")

    def _addresses(self, host: str) -> list[str]:
        return addresses(self._settings, host)

    async def _view(self, key: str, asked: list[dict[str, Any]]) -> View:
        # Its own addresses prove nothing: the way to them does not leave the host.
        own = self._addresses(key) if key != HERE else []
        asked = [each for each in asked if each["greet"] not in own]
        view, answers = View(), await self._ask(key, asked)
        if isinstance(answers, str):
            return view
        for question, answer in zip(asked, answers, strict=True):
            address = question["greet"]
            if "error" in answer:
                view.failed[address] = str(answer["error"])
                view.none |= {address} if answer.get("unreachable") else set()
            else:
                view.greeted[address] = str(answer["greeting"])
        return view

    async def _ask(self, key: str, asked: list[dict[str, Any]]) -> list[dict[str, Any]] | str:
        """The answers, or why there are none."""
        async with self._few:
            code, out, err = await asyncio.to_thread(self._run, key, json.dumps(asked))
        try:
            answers = json.loads(out)
        except ValueError:
            answers = None
        if code != 0 or not isinstance(answers, list) or len(answers) != len(asked):
            return visible(err.strip().split("\n")[-1]) or f"exit code {code}"
        return answers

    def _run(self, key: str, asked: str) -> tuple[int, str, str]:
        """Run reach.py on a host, or here."""
        if key == HERE:
            argv = [sys.executable, "-I", str(_REACH), asked]
            variables = dict(os.environ)
        else:
            argv = ["sh", "-c", SCRIPT.read_text()]
            variables = dict(os.environ) | environment(self._settings, [key])
            variables |= {
                "MX_CALL": f"exec python3 -I - {shlex.quote(asked)}",
                "MX_STDIN": _REACH.read_text(),
            }
        try:
            done = subprocess.run(
                argv,
                env=variables,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 1, "", f"no answer within {_SECONDS} s"
        if key == HERE:
            return done.returncode, done.stdout, done.stderr
        return parse(done.stdout)[key]
