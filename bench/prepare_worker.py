"""One preparation in a process of its own: `python -m bench.prepare_worker FOLDER` prints JSON.

Everything is imported late, as the command line does: the process that helps imports this module too.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Prepare every invoice of the only company, as `crm-mail prepare` does."""
    from bench.office import open_office  # noqa: PLC0415
    from crm_mail.companies.models import Company  # noqa: PLC0415
    from crm_mail.contacts.finding.party_filter import PartyFilter  # noqa: PLC0415
    from crm_mail.outbox.preparing.criteria import Criteria  # noqa: PLC0415
    from crm_mail.outbox.preparing.preparation import prepare_run  # noqa: PLC0415
    from crm_mail.permissions import INSTALLATION  # noqa: PLC0415

    home = open_office(Path(sys.argv[1]))
    with home.database.read() as session:
        company_id = session.query(Company.id).scalar()
    began = time.perf_counter()
    prepared = prepare_run(home, INSTALLATION, Criteria(PartyFilter(company_id), ("invoice",)))
    seconds = time.perf_counter() - began
    print(json.dumps({"messages": prepared.messages, "blocked": prepared.blocked, "seconds": seconds}))


if __name__ == "__main__":
    main()
