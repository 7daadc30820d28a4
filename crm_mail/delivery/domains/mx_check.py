"""Ask the mail servers of domains, several at a time, and keep what they say."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from crm_mail.db import Database, now
from crm_mail.delivery.domains import pec_ladder
from crm_mail.delivery.domains.pec_domains import Opinion, Reason, judge_by_list, judge_by_mx
from crm_mail.delivery.domains.resolver import Resolver

AT_A_TIME = 8
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class CheckedDomains:
    """What a round of look-ups came to; ``is_offline``: nothing was asked, for even names that exist are not found."""

    asked: int = 0
    settled: int = 0
    could_not_check: int = 0
    is_offline: bool = False


def check_domains(
    database: Database,
    resolver: Resolver,
    domains: Iterable[str],
    *,
    fresh: bool = False,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> CheckedDomains:
    """Look the MX records of domains up and keep the verdicts, in a transaction of its own after the last answer.

    Domains that the lists know are not asked for.

    Args:
        fresh: past what the resolver remembers.
        seconds: after which no further domain is begun.
    """
    wanted = [one for one in dict.fromkeys(domains) if one and judge_by_list(one) is None]
    if not wanted:
        return CheckedDomains()
    if not resolver.is_online():
        return CheckedDomains(is_offline=True)
    end, opinions = clock() + seconds, {}

    def judge(domain: str) -> Opinion | None:
        return judge_by_mx(domain, resolver.mx(domain, fresh=fresh)) if clock() < end else None

    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="mx") as pool:
        running = {pool.submit(judge, domain): domain for domain in wanted}
        for done in as_completed(running):
            if (opinion := done.result()) is not None:
                opinions[running[done]] = opinion
    with database.write() as session:
        pec_ladder.keep_mx_verdicts(session, opinions, now())
    settled = sum(opinion.kind != "unknown" for opinion in opinions.values())
    failed = sum(opinion.reason is Reason.COULD_NOT_CHECK for opinion in opinions.values())
    return CheckedDomains(len(opinions), settled, failed)
