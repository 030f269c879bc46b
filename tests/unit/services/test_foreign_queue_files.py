"""The collector names queue files that do not belong to Postfix's user: one ends qmgr(8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .test_monitoring import collector

__all__ = ["collector"]


def test_queue_file_of_another_owner_is_named(collector: Any, tmp_path: Path) -> None:
    queue = collector("mail_queue")
    for path in ("incoming/1F", "active/2F", "deferred/A/AF", "hold/3F", "maildrop/4F"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    own = (tmp_path / "active/2F").lstat().st_uid
    # A link of the queue's owner leads nowhere: what is behind it is not looked at.
    (tmp_path / "deferred/B").symlink_to("/etc")
    assert list(queue.foreign(tmp_path, own)) == []
    found = list(queue.foreign(tmp_path, own + 1))
    assert found == ["incoming/1F", "active/2F", "deferred/A/AF", "hold/3F"]
    metrics = collector("metrics").Metrics()
    queue.name_foreign(metrics, found)
    assert 'mx_queue_foreign_file{file="active/2F"} 1\n' in metrics.text()


def test_restored_queue_of_thousands_names_five_and_a_sound_one_says_0(collector: Any) -> None:
    queue = collector("mail_queue")
    many = collector("metrics").Metrics()
    queue.name_foreign(many, (f"deferred/{number}" for number in range(5000)))
    assert many.text().count("} 1\n") == 5
    none = collector("metrics").Metrics()
    queue.name_foreign(none, iter(()))
    assert 'mx_queue_foreign_file{file=""} 0\n' in none.text()
