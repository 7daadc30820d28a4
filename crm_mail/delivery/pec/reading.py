"""A mail read as a PEC receipt or envelope; everything from its signed part (daticert.xml)."""

from crm_mail.delivery.pec.receipt import ParsedReceipt


class ReceiptUnreadable(ValueError):
    """It claims to be a PEC receipt and cannot be read. `code` with `detail` for pages; the text is English."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


def read_receipt(data: bytes) -> ParsedReceipt | None:
    """What a received mail's bytes say. None: no PEC mail at all. Raises `ReceiptUnreadable`."""
    raise NotImplementedError
