"""Ways to be behind, as data: what happens, and what the reports must say of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from . import accidents
from . import happenings as happens
from .stack import Stack, ssh

OTHER = "is not the one that this stack applied last"
GONE = "is not applied on this host any more"
Said = dict[tuple[str, str], str]
LATER = ("mail-database", "postfix", "firewall")


@dataclass(frozen=True)
class Case:
    """One way to be behind.

    `agrees`: the host's own record agrees with its disk, so that only the state can tell. `happens`
    brings it about; where it yields, an `up` comes with the stack file of a later day. `said`: host
    and component to the reason that preview and drift give; nothing else may be told, but for
    `also`; `warned` is part of a warning of another kind. Before the `up` that heals, mx2 answers
    550 for `before`; after that `up`, both hosts answer 250 for `served` and 550 for `unknown`.
    """

    name: str
    agrees: bool
    happens: Callable[[Stack], Generator[None] | None]
    said: Said
    also: frozenset[tuple[str, str]] = frozenset()
    served: tuple[str, ...] = ("bob@example.test",)
    unknown: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    warned: str = ""


def _of(host: str, names: tuple[str, ...], words: str) -> Said:
    return {(host, name): words for name in names}


CONFIRMED = frozenset({("mx1", "firewall-confirmed"), ("mx2", "firewall-confirmed")})
# All but the agent: each has the name, an address or a secret of its host in it, or may have.
OWN = (
    *("acme-dns-tokens", "certificates", "mariadb", "monitoring", "packages", "postfix-tls"),
    *("redis", "resolver", "spam-filter", "spam-filter-password", "sts-host", "tls-policy"),
    *("tls-reports", "updates"),
)
CAROL = ("carol@example.test",)


ROUNDS: tuple[tuple[Case, ...], ...] = (
    (
        Case(
            "a bundle removed after a heal",
            True,
            happens.removed_after_a_heal,
            {("mx1", "tls-reports"): GONE},
        ),
        Case(
            "recipients of before, applied by hand",
            True,
            lambda stack: accidents.without_bob(ssh, "mx2"),
            {("mx2", "mail-database"): OTHER},
            before=("bob@example.test",),
        ),
        Case(
            "the former settings, applied by a clock set back",
            True,
            happens.clock_set_back,
            {("mx2", "postfix"): OTHER},
        ),
        Case(
            "the agent of another release",
            True,
            lambda stack: accidents.former_agent(ssh, "mx2"),
            {("mx2", "agent"): "it is not the one that this stack installed last"},
        ),
        Case(
            "a change that failed, and the former stack file",
            True,
            lambda stack: accidents.marked_as_failed(ssh, "mx1"),
            {("mx1", "resolver"): "a change failed at"},
        ),
    ),
    (
        Case(
            "the disk of a host from before an up",
            True,
            happens.snapshot,
            _of("mx2", LATER, OTHER),
            CONFIRMED,
            served=CAROL,
            before=CAROL,
        ),
    ),
    (
        Case(
            "a clone of the other host in its place, beside the original",
            True,
            happens.clone,
            _of("mx2", LATER, OTHER),
            CONFIRMED | {("mx2", component) for component in OWN},
            served=CAROL,
            before=CAROL,
            warned="mx1 and mx2 answer with the same machine ID",
        ),
    ),
    (
        Case(
            "the state from a backup",
            True,
            happens.state_of_before,
            _of("mx1", LATER, OTHER) | _of("mx2", LATER, OTHER),
            CONFIRMED,
            unknown=CAROL,
        ),
    ),
    (
        Case(
            "a second operator with a state of his own",
            True,
            happens.second_operator,
            _of("mx1", LATER, OTHER) | _of("mx2", LATER, OTHER),
            CONFIRMED,
            served=CAROL,
            before=CAROL,
        ),
    ),
    (
        Case(
            "an up that was killed, and the former stack file",
            True,
            happens.cut_off,
            {("mx1", "postfix"): OTHER},
            CONFIRMED | {(host, name) for host in ("mx1", "mx2") for name in LATER},
            unknown=CAROL,
        ),
    ),
    (
        Case(
            "Postfix's folder from a backup, the record newer",
            False,
            happens.files_of_before,
            {("mx1", "postfix"): "content changed"},
            frozenset({("mx1", "postfix-tls")}),
            served=CAROL,
        ),
        Case(
            "the rows of a dump",
            False,
            happens.rows_of_before,
            {("mx1", "mail-database"): "database mail: differs"},
            served=CAROL,
        ),
        Case(
            "the agent's folder from a backup, the disk newer",
            False,
            happens.record_of_before,
            {
                ("mx2", "postfix"): "content changed",
                ("mx2", "mail-database"): "content changed",
            },
            CONFIRMED | {("mx2", "firewall"), ("mx2", "postfix-tls")},
            served=CAROL,
        ),
    ),
    (
        Case(
            "rolled back by hand",
            False,
            happens.rolled_back,
            _of("mx1", LATER[:2], "rolled back by hand at"),
            served=CAROL,
        ),
        Case(
            "neither agent nor record",
            False,
            happens.everything_lost,
            {
                (
                    "mx2",
                    "agent",
                ): "it is missing, so `mx up` sets the whole host up again"
            },
        ),
    ),
)
