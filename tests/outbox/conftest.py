"""Workers of these tests look into the queue, and try a server again, ten times as often as those of an office."""

import pytest

from crm_mail.outbox.sending import lanes, sender


@pytest.fixture(autouse=True)
def _eager_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of all waits stays: only their unit changes. Workers in processes of their own keep the office's."""
    for name in ("LOOK_AGAIN", "IDLE_SECONDS"):
        monkeypatch.setattr(sender, name, getattr(sender, name) / 10)
    monkeypatch.setattr(lanes, "PAUSES", (lanes.PAUSES[0] / 10, lanes.PAUSES[1] / 10, *lanes.PAUSES[2:]))
