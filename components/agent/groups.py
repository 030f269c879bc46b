"""Users that a bundle puts into groups."""

from __future__ import annotations

import json
from typing import cast

from .files import write_state
from .process import Failure
from .records import Records
from .words import explain


class Groups(Records):
    """The groups of the host."""

    def member(self, user: str, group: str) -> bool:
        """Tell whether a user is in a group."""
        done = self.run(["id", "-nG", user], None, 60.0)
        if done.code != 0:
            raise Failure(f"groups: {done.words()}")
        return group in done.out.split()

    def join_groups(self, groups: dict[str, list[str]]) -> bool:
        """Put users into groups; tell whether that changed anything.

        Each new membership is noted before it is made, so that settle_groups finds it.
        """
        pairs = [[user, name] for user, names in groups.items() for name in names]
        new = [pair for pair in pairs if not self.member(*pair)]
        if not new:
            return False
        noted = self._joined()
        noted += [pair for pair in new if pair not in noted]
        write_state(self.state / "groups.json", json.dumps(noted))
        for user, name in new:
            self.step("groups", f"{user} joins {name}")
            done = self.run(["usermod", "-a", "-G", name, user], None, 60.0)
            if done.code != 0:
                raise Failure(f"usermod -a -G {name} {user}: {done.words()}")
        return True

    def settle_groups(self) -> None:
        """Take users out of groups that the agent put them into and no applied bundle asks for."""
        joined = self._joined()
        wanted = [
            [user, name]
            for record in self.records().values()
            for user, names in record.groups.items()
            for name in names
        ]
        surplus = [pair for pair in joined if pair not in wanted]
        for user, name in surplus:
            self.step("groups", f"{user} leaves {name}")
            done = self.run(["gpasswd", "-d", user, name], None, 60.0)
            if done.code != 0:
                self.warn(f"gpasswd -d {user} {name}: {done.words()}")  # gone with its package
        if surplus:
            left = [pair for pair in joined if pair in wanted]
            try:
                write_state(self.state / "groups.json", json.dumps(left))
            except OSError as error:  # the next call finds them surplus once more
                self.warn(explain(error, "the list of group memberships was not written"))

    def _joined(self) -> list[list[str]]:
        store = self.state / "groups.json"
        return cast("list[list[str]]", json.loads(store.read_text())) if store.exists() else []
