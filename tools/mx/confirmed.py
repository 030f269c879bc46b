"""New firewall rules that shut out the machine that runs `mx up`, told as that."""

from __future__ import annotations

from components.settings.environment import Settings

_TRIAL = "firewall-confirmed"
_NO_WAY_IN = "cannot be reached over SSH"


def in_errors(errors: dict[str, list[str]], settings: Settings) -> None:
    """Say so in the errors of an `up`, whose places are such as `mx1: firewall-confirmed`."""
    for place, texts in errors.items():
        if settings.firewall and _TRIAL in place and any(_NO_WAY_IN in text for text in texts):
            networks = ", ".join(map(str, settings.firewall.ssh_networks))
            errors[place] = [
                f"The new rules do not let this machine in: they allow SSH from {networks} alone "
                "(firewall.sshNetworks). The host takes its former rules back by itself, "
                f"{settings.firewall.confirm_seconds} s after it got the new ones. Correct the "
                "networks in the stack file"
            ]
