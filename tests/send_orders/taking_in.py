"""A process that takes orders in until the folder is empty; started by the tests."""

import sys
import time

from config import Settings
from crm_mail.installation import Installation
from crm_mail.schema import import_models
from crm_mail.send_orders.watching import OrderWatcher


def main() -> None:
    """Look until nothing was there twice."""
    import_models()
    home = Installation(Settings())
    watcher = OrderWatcher(home, patience=0.0)
    deadline = time.monotonic() + 60
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        quiet = 0 if watcher.turn() or watcher.waiting() else quiet + 1
        time.sleep(0.02)
    home.database.dispose()


if __name__ == "__main__":
    sys.exit(main())
