"""Words of quotes, orders, delivery notes, goods receipts, price lists, payments and CFDI: key → (it, es, en)."""

TRADE_LABELS: dict[str, tuple[str, str, str]] = {
    "lot": ("Lotto", "Lote", "Lot"),
    "order_ref": ("Ordine", "Pedido", "Order"),
    "packages": ("Colli", "Bultos", "Packages"),
    "weight": ("Peso kg", "Peso kg", "Weight kg"),
    "delivery_date": ("Consegna", "Entrega", "Delivery"),
    "supplier_code": ("Vs. codice", "Su código", "Your code"),
    "warehouse": ("Magazzino", "Almacén", "Warehouse"),
    "ordered": ("Ordinato", "Pedido", "Ordered"),
    "received": ("Ricevuto", "Recibido", "Received"),
    "rejected": ("Respinto", "Rechazado", "Rejected"),
    "remark": ("Osservazioni", "Observaciones", "Remarks"),
    "image": ("Immagine", "Imagen", "Picture"),
    "min_qty": ("Q.tà min.", "Cant. mín.", "Min. qty"),
    "paid": ("Pagato", "Pagado", "Paid"),
}
