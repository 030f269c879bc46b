"""dehydrated's output to the reason that an operator can act on."""

from __future__ import annotations

import json
import re

_ACME = re.compile(r"urn:ietf:params:acme:error:([A-Za-z]+)")
_ADVICE = {
    "caa": "CAA: the records of this name forbid this authority (RFC 8659)",
    "rateLimited": "rate limit: the authority takes no more orders for now",
    "dns": "DNS: the authority cannot look the name up",
    "connection": "connection: the authority cannot reach the host",
    "incorrectResponse": "challenge: the authority saw another answer",
    "unauthorized": "challenge or account: the authority refuses",
    "accountDoesNotExist": "account: the authority does not know this account (any more)",
    "externalAccountRequired": "account: the authority wants an external account binding",
    "userActionRequired": "account: the authority wants its terms accepted anew",
    "invalidContact": "account: the contact address is refused",
    "invalidProfile": "profile: the authority does not have it",
    "badCSR": "request: the authority refuses this kind of key",
    "rejectedIdentifier": "name: the authority does not issue for it",
    "serverInternal": "authority: an error of its own",
}
_CURL = {
    "6": "its name is not found in DNS",
    "7": "it refuses the connection",
    "28": "it does not answer in time",
    "35": "TLS fails",
    "60": "its own certificate is not trusted (certificates.acmeCaRoot)",
}


def reason(output: str) -> str:
    """One line: what went wrong, in words, and the authority's own detail."""
    hook = re.search(r"^hook: (.+)$", output, re.MULTILINE)
    if hook:
        return hook[1]
    found = kind(output)
    if found:
        return f"{_ADVICE[found]}{_detail(output)}"
    curl = re.search(r"curl returned with ([0-9]+)", output)
    if curl:
        words = _CURL.get(curl[1], f"curl's exit code is {curl[1]}")
        return f"authority: the ACME server cannot be reached: {words}"
    status = re.search(r"\(Status ([0-9]{3})\)", output)
    if status:
        return f"authority: the ACME server answers with status {status[1]}"
    lines = [line.strip() for line in output.split("\n") if "ERROR" in line]
    return (lines or output.strip().split("\n"))[-1] or "dehydrated said nothing"


def kind(output: str) -> str:
    """The authority's error (RFC 8555 section 6.7), without its prefix; empty when it named none.

    The first one is the cause; compound errors repeat it for each name.
    """
    return next((each for each in _ACME.findall(output) if each in _ADVICE), "")


def _detail(output: str) -> str:
    found = re.search(r'"detail"\]?:?\s*("(?:[^"\\]|\\.)*")', output)
    return f": {json.loads(found[1])}" if found else ""
