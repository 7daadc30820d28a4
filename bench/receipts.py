"""PEC receipts read and verified (S/MIME, offline), a second: one process, two processes, and beside openssl.

The receipts are the simulator's, of two operators: accettazioni and consegne, half of these with a PDF of 60 KB.
openssl (`cms -verify`, a process for each receipt, as scripts call it) checks digest, signature and chain; ours also
reads the receipt and checks who signed it.
"""

import secrets
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from bench.figures import Figure, interleave
from crm_mail.delivery.pec.reading import read_receipt
from crm_mail.delivery.pec.trust_anchors import Anchors
from crm_mail.delivery.pec.verification import verify
from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.issuer import Issuer
from crm_mail.pec_simulator.original import read_original
from crm_mail.pec_simulator.skins import ARUBA, DOMAINS, NAMIRIAL

SENDER, RECIPIENT = "ufficio@pec.azienda.example", "cliente@pec.example"
WANTED = 200


def sample_receipts(authority: Authority, count: int) -> list[bytes]:
    """Receipts that differ from each other, each about a message of its own."""
    issuers = [Issuer(skin, authority.issue(skin.address), lambda _: True) for skin in (ARUBA, NAMIRIAL)]
    document = secrets.token_bytes(60_000)
    found = []
    for number in range(count):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = SENDER, RECIPIENT, f"Fattura n. {number}"
        mail["Message-ID"] = f"<{number}@crm.example>"
        mail.set_content("Buongiorno,\n\nin allegato la fattura.\n")
        if number % 4 == 3:
            mail.add_attachment(document, maintype="application", subtype="pdf", filename=f"{number}.pdf")
        issuer, now = issuers[number // 2 % 2], datetime.now(UTC)
        accepted = issuer.take(read_original(mail.as_bytes(), SENDER, (RECIPIENT,)), now)
        is_delivery = number % 2 == 1
        found.append(
            issuer.delivery(accepted, now, RECIPIENT) if is_delivery else issuer.acceptance(accepted, now)
        )
    return found


def read_and_verify(mails: list[bytes], anchors: Anchors) -> int:
    """How many are believed; all of them, or the figure means nothing."""
    believed = sum(
        read_receipt(mail) is not None and verify(mail, anchors).trust.is_trusted for mail in mails
    )
    if believed != len(mails):
        raise RuntimeError(f"{len(mails) - believed} of {len(mails)} receipts were not believed")
    return believed


def _by_openssl(mails: list[bytes], root: Path, folder: Path) -> None:
    program = shutil.which("openssl") or "openssl"
    path = folder / "mail.eml"
    for mail in mails:
        path.write_bytes(mail)
        command = [program, "cms", "-verify", "-in", str(path), "-out", str(folder / "out")]
        subprocess.run([*command, "-CAfile", str(root), "-purpose", "any"], check=True, capture_output=True)


def measure(times: int = 5, count: int = 2000) -> list[Figure]:
    """Median rates; `count` receipts a turn, openssl a tenth of them."""
    authority = Authority(DOMAINS)
    anchors = Anchors((authority.root.public_bytes(Encoding.DER),))
    mails = sample_receipts(authority, count)
    halves = [mails[::2], mails[1::2]]
    folder = Path(tempfile.mkdtemp(prefix="receipts-"))
    root = folder / "root.pem"
    root.write_bytes(authority.root_pem)

    with ProcessPoolExecutor(2) as pool:
        list(pool.map(read_and_verify, [mails[:4]] * 2, [anchors] * 2))  # started, before it is measured

        def one() -> float:
            start = time.perf_counter()
            return read_and_verify(mails, anchors) / (time.perf_counter() - start)

        def two() -> float:
            start = time.perf_counter()
            return sum(pool.map(read_and_verify, halves, [anchors] * 2)) / (time.perf_counter() - start)

        def openssl() -> float:
            few = mails[: max(1, count // 10)]
            start = time.perf_counter()
            _by_openssl(few, root, folder)
            return len(few) / (time.perf_counter() - start)

        ours, ours_twice, theirs = interleave(times, one, two, openssl)
    shutil.rmtree(folder)
    size = {"bytes_each": sum(map(len, mails)) // len(mails)}
    baseline = "openssl cms -verify, a process for each"
    return [
        Figure("receipts, one process", "a second", ours, baseline, theirs, notes=size),
        Figure(
            "receipts, two processes", "a second", ours_twice, baseline, theirs, target=WANTED, notes=size
        ),
    ]
