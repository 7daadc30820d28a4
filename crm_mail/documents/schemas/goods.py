"""Types that move goods or order them: delivery notes, orders, receipts of goods."""

from pydantic import Field

from crm_mail.documents.schemas.envelope import Envelope, Part, Person, Place, also
from crm_mail.documents.schemas.scalars import Amount, Code, Day, Moment, Text


class GoodsLine(Part):
    """One line; a line with only a description is a remark between lines."""

    number: Code | None = None
    code: Code | None = None
    description: Text | None = None
    qty: Amount | None = also("qty", "quantity")
    uom: Code | None = also("uom", "unit")
    lot: Code | None = None
    expires_on: Day | None = None
    serials: list[Code] = []


class PricedLine(GoodsLine):
    """A line with its price."""

    price: Amount | None = None
    discounts: Code | None = Field(None, description="As written: 10, or 10+5")
    net: Amount | None = None
    tax_code: Code | None = None
    tax_rate: Amount | None = None


class OrderLine(PricedLine):
    """A line of an order, with its own dates and codes."""

    requested_on: Day | None = also("requested_on", "requested_date")
    delivery_on: Day | None = also("delivery_on", "delivery_date")
    supplier_code: Code | None = None
    customer_code: Code | None = None


class Carrier(Place):
    """Who carries the goods."""

    plate: Code | None = None
    register_number: Code | None = Field(None, description="Register of hauliers")


class DeliveryNote(Envelope):
    """Goods that travel (UBL DespatchAdvice; the Italian DDT)."""

    minimum = ("lines",)
    lines: list[GoodsLine] = []
    ship_to: Place | None = None
    reason: Text | None = Field(None, description="Reason for the transport (causale)")
    appearance: Text | None = Field(None, description="Outer appearance of the goods")
    packages: Amount | None = None
    weight_gross: Amount | None = None
    weight_net: Amount | None = None
    volume: Amount | None = None
    incoterm: Code | None = also("incoterm", "porto", description="Incoterm or carriage (porto)")
    carried_by: Code | None = Field(None, description="sender, recipient or carrier")
    carrier: Carrier | None = None
    transport_start: Moment | None = None


class SalesOrder(Envelope):
    """Confirmation of a customer's order (UBL OrderResponse)."""

    minimum = ("lines",)
    lines: list[OrderLine] = []
    customer_reference: Code | None = also("customer_reference", "customer_order")
    requested_on: Day | None = also("requested_on", "requested_date")
    delivery_on: Day | None = also("delivery_on", "delivery_date")
    ship_to: Place | None = None
    incoterm: Code | None = also("incoterm", "porto")
    terms: Text | None = None


class PurchaseOrder(Envelope):
    """Order to a supplier (UBL Order)."""

    minimum = ("lines",)
    lines: list[OrderLine] = []
    deliver_to: Place | None = also("deliver_to", "ship_to")
    delivery_on: Day | None = also("delivery_on", "delivery_date")
    buyer: Person | None = also("buyer", "buyer_contact")
    incoterm: Code | None = also("incoterm", "porto")
    terms: Text | None = None


class ReceiptLine(Part):
    """One line of goods as they arrived."""

    number: Code | None = None
    code: Code | None = None
    supplier_code: Code | None = None
    description: Text | None = None
    uom: Code | None = also("uom", "unit")
    ordered: Amount | None = None
    received: Amount | None = None
    rejected: Amount | None = None
    lot: Code | None = None
    warehouse: Code | None = None
    remark: Text | None = None


class GoodsReceipt(Envelope):
    """Goods that arrived (UBL ReceiptAdvice)."""

    minimum = ("lines",)
    lines: list[ReceiptLine] = []
    supplier_note_number: Code | None = also("supplier_note_number", "supplier_ddt_number")
    supplier_note_on: Day | None = also("supplier_note_on", "supplier_ddt_date")
    order_reference: Code | None = also("order_reference", "order_ref")
    warehouse: Text | None = None
    received_by: Text | None = None


class PriceItem(Part):
    """One article of a price list."""

    code: Code | None = None
    description: Text | None = None
    uom: Code | None = also("uom", "unit")
    price: Amount | None = None
    discount: Code | None = None
    min_qty: Amount | None = None
    image: Text | None = Field(None, description="Name of a file of the document")
    group: Text | None = None


class PriceList(Envelope):
    """Prices (UBL Catalogue)."""

    minimum = ("items",)
    list_name: Text | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None
    tax_included: bool | None = None
    items: list[PriceItem] = []
