"""What waits in the queue of hosts that leave, and for domains that go: told before it is lost.

A host that is removed loses its TLS settings, its certificates and its name in DNS before Postfix
can deliver what is queued. Mail for a domain that goes has nowhere to go any more: Postfix would
return it to its senders. So `up` refuses to take a host away while mail is queued there, and a
domain while mail for it is queued.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.host import held
from components.host.queues import ask_queues
from components.protocol import warnings
from components.protocol.calls import LOST, QUEUES
from components.settings.environment import Settings
from components.settings.text import visible


@dataclass(frozen=True)
class Queue:
    """One host's queue: recipient domain to number of messages and age of the oldest in seconds.

    `messages`: all of them. `unread`: why it is not known.
    """

    messages: int = 0
    domains: Mapping[str, tuple[int, float]] | None = None
    unread: str = ""


def look(settings: Settings, published: Iterable[str]) -> None:
    """Warn of queues on hosts that leave; refuse to take a host or a domain away with mail queued.

    `published`: the mail domains that the last `up` exported. Asks only hosts that leave, and all
    hosts when a domain goes. Raises pulumi.RunError, in an `up` alone.
    """
    gone = sorted(set(published) - set(settings.domains))
    leaving = [key for key, host in settings.hosts.items() if host.leaving]
    lines = {line.split(" ")[0]: line for line in _former(settings)}
    lines.pop(os.environ.get(LOST, ""), None)
    keys = [*settings.hosts] if gone else leaving
    if not keys and not lines:
        return
    queues = {key: queue_of(*each) for key, each in ask_queues(settings, keys, lines).items()}
    removed = {key: queues[key] for key in queues if key in lines}
    unread = {key: queue for key, queue in removed.items() if queue.unread}
    for text in told({key: queues[key] for key in queues if key in leaving} | unread):
        pulumi.log.warn(text)
    given_up = {key for key, host in settings.hosts.items() if host.give_up_queue}
    faults = refused(gone, {key: each for key, each in queues.items() if key not in given_up})
    faults += kept(removed)
    for key, text in faults:
        pulumi.log.warn(warnings.held_queue(key, text))
    if faults and not pulumi.runtime.is_dry_run():
        source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml: mx:mail."
        raise pulumi.RunError("\n".join(f"{source}{text}" for _, text in faults))


def queue_of(code: int, out: str, err: str) -> Queue:
    """What a host answered. A host that does not answer, or answers oddly, has an unread queue."""
    if code != 0:
        return Queue(unread=visible(err.strip().split("\n")[-1]) or f"exit code {code}")
    try:
        answer: dict[str, Any] = json.loads(out)
        domains = {
            str(name): (int(number), max(0.0, float(answer["now"]) - float(oldest)))
            for name, (number, oldest) in answer["domains"].items()
        }
        return Queue(int(answer["messages"]), domains)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Queue(unread=f"the host answers {visible(out[:60])!r} instead of its queue")


def told(queues: Mapping[str, Queue]) -> list[str]:
    """A warning for each host that leaves with mail in its queue, or does not tell."""
    texts = []
    for key, queue in queues.items():
        if queue.unread:
            words = f"its queue could not be read ({queue.unread}), so it counts as not empty"
        elif queue.messages:
            words = f"{_messages(queue.messages)} queued there, the oldest for "
            words += _age(_oldest(queue))
        else:
            continue
        texts.append(
            warnings.held_queue(
                key,
                f"{words}. Remove the host from the stack file when its queue is empty: `mx up` "
                "refuses it until then",
            )
        )
    return texts


def kept(removed: Mapping[str, Queue]) -> list[tuple[str, str]]:
    """Host and sentence for each host that is removed while mail is queued there."""
    return [
        (
            key,
            f"hosts.{key}: the host is being removed, but {_messages(queue.messages)} queued "
            f"there, the oldest for {_age(_oldest(queue))}. Put the host back, with `leaving: true`"
            " until its queue is empty, or with `giveUpQueue: true` for one `mx up`",
        )
        for key, queue in removed.items()
        if queue.messages and not queue.unread
    ]


def refused(gone: Iterable[str], queues: Mapping[str, Queue]) -> list[tuple[str, str]]:
    """Host and sentence for each domain that goes while mail for it is queued, or may be."""
    found = []
    for domain in gone:
        for key, queue in queues.items():
            number, oldest = (queue.domains or {}).get(domain, (0, 0.0))
            if queue.unread:
                words = f"the queue of {key} could not be read ({queue.unread})"
            elif number:
                words = f"{_messages(number)} queued for it on {key}, the oldest for {_age(oldest)}"
            else:
                continue
            found.append(
                (
                    key,
                    f"domains.{domain}: the domain is being removed, but {words}, and Postfix "
                    "would return them to their senders. Keep the domain until they have "
                    f"left the queue, or give them up with `giveUpQueue: true` at hosts.{key}",
                )
            )
    return found


def _former(settings: Settings) -> list[str]:
    """How hosts are reached that are in the state and not in the settings any more."""
    try:
        resources = held.resources()
    except Exception:
        # The read of drift warns of it.
        return []
    for urn, resource in resources.items():
        if urn.rpartition("::")[2] == QUEUES:
            lines = (resource["outputs"].get("environment") or {}).get("MX_HOSTS", "").split("\n")
            return [line for line in lines if line and line.split(" ")[0] not in settings.hosts]
    return []


def _oldest(queue: Queue) -> float:
    return max((oldest for _, oldest in (queue.domains or {}).values()), default=0.0)


def _messages(number: int) -> str:
    return "1 message is" if number == 1 else f"{number} messages are"


def _age(seconds: float) -> str:
    return f"{seconds / 86400:.0f} d" if seconds >= 172800 else f"{seconds // 60:.0f} min"
