"""Words of reminders of payment, level by level (formats reference, section 4): key → (it, es, en).

Places in the sentences: `%(deadline)s`, `%(total)s`, `%(law)s`. What Italian law alone says is left out of the letters
of companies elsewhere; a document's own `paragraphs` replace these.
"""

DUNNING_LABELS: dict[str, tuple[str, str, str]] = {
    "dunning_title_0": ("Promemoria di scadenza", "Aviso de vencimiento", "Notice of payments falling due"),
    "dunning_title_1": ("Sollecito di pagamento", "Recordatorio de pago", "Payment reminder"),
    "dunning_title_2": (
        "Sollecito urgente di pagamento",
        "Requerimiento de pago",
        "Urgent request for payment",
    ),
    "dunning_title_3": ("Costituzione in mora", "Constitución en mora", "Formal notice of default"),
    "dunning_title_4": (
        "Ultimo avviso prima dell'azione legale",
        "Último aviso antes de la acción judicial",
        "Final notice before legal action",
    ),
    "dunning_mora": (
        "art. 1219 del codice civile",
        "art. 1219 del Código Civil italiano",
        "art. 1219, Italian Civil Code",
    ),
    "dunning_pec": (
        "PEC o raccomandata A/R",
        "PEC o carta certificada",
        "Certified e-mail (PEC) or registered letter",
    ),
    "sent_by": ("A mezzo", "Enviado por", "Sent by"),
    "dear": ("Spettabile Cliente,", "Estimado cliente:", "Dear customer,"),
    "dear_supplier": ("Spettabile Fornitore,", "Estimado proveedor:", "Dear supplier,"),
    "regards": ("Distinti saluti.", "Atentamente,", "Yours faithfully,"),
    "deadline_on": ("entro il %(day)s", "a más tardar el %(day)s", "by %(day)s"),
    "deadline_days": (
        "entro 10 giorni dal ricevimento della presente",
        "dentro de los 10 días siguientes a la recepción de la presente",
        "within 10 days of receiving this letter",
    ),
    "dunning_0": (
        "Vi ricordiamo che i documenti elencati di seguito sono prossimi alla scadenza. Vi ringraziamo fin d'ora se "
        "vorrete disporre il pagamento alla data prevista.",
        "Les recordamos que los documentos detallados a continuación están próximos a vencer. Agradecemos de antemano "
        "que dispongan el pago en la fecha prevista.",
        "The documents listed below are about to fall due. Thank you for arranging payment on the date agreed.",
    ),
    "dunning_1": (
        "dalla verifica della nostra contabilità i documenti elencati di seguito risultano scaduti e non pagati. "
        "Riteniamo si tratti di una svista: Vi preghiamo di provvedere %(deadline)s, o di segnalarci ciò che non "
        "Vi risultasse.",
        "según nuestros registros, los documentos detallados a continuación están vencidos y pendientes de pago. "
        "Suponemos que se trata de un descuido: les rogamos efectuar el pago %(deadline)s, o comunicarnos cualquier "
        "diferencia.",
        "our records show the documents listed below as overdue and not yet paid. This may be an oversight: please "
        "arrange payment %(deadline)s, or let us know of anything that does not agree with your records.",
    ),
    "dunning_2": (
        "i documenti elencati di seguito risultano tuttora insoluti. Vi invitiamo a versare l'importo totale di "
        "%(total)s %(deadline)s. Trascorso tale termine ci riserviamo di sospendere le forniture e di procedere alla "
        "formale costituzione in mora.",
        "los documentos detallados a continuación siguen pendientes de pago. Les requerimos abonar el importe total de "
        "%(total)s %(deadline)s. Vencido ese plazo nos reservamos el derecho de suspender los suministros y de "
        "constituirlos formalmente en mora.",
        "the documents listed below are still unpaid. We ask you to pay the total of %(total)s %(deadline)s. After "
        "that date we reserve the right to suspend deliveries and to serve formal notice of default.",
    ),
    "dunning_3": (
        "con la presente, ad ogni effetto di legge%(law)s, Vi costituiamo formalmente in mora e Vi intimiamo di pagare "
        "%(deadline)s l'importo totale di %(total)s, oltre agli interessi di mora che matureranno fino al saldo. In "
        "difetto agiremo per il recupero del credito in ogni sede, con spese a Vostro carico e senza ulteriore avviso.",
        "por la presente, a todos los efectos legales%(law)s, los constituimos formalmente en mora y les requerimos el "
        "pago %(deadline)s del importe total de %(total)s, más los intereses de mora que se devenguen hasta su pago "
        "completo. En su defecto reclamaremos el crédito por todas las vías, con gastos a su cargo y sin más aviso.",
        "by this letter, to all legal effects%(law)s, we formally give you notice of default and demand payment "
        "%(deadline)s of the total of %(total)s, plus default interest accruing until payment in full. Failing this we "
        "will take every step to recover the debt, at your expense and without further notice.",
    ),
    "dunning_law": (
        " e ai sensi dell'art. 1219 del codice civile",
        " y conforme al art. 1219 del Código Civil italiano",
        " and under art. 1219 of the Italian Civil Code",
    ),
    "dunning_limitation": (
        "La presente vale anche come atto interruttivo della prescrizione (art. 2943 del codice civile).",
        "La presente interrumpe además la prescripción (art. 2943 del Código Civil italiano).",
        "This letter also interrupts limitation (art. 2943 of the Italian Civil Code).",
    ),
    "dunning_4": (
        "le nostre precedenti richieste sono rimaste senza esito. Se l'importo totale di %(total)s non perverrà "
        "%(deadline)s, la pratica sarà affidata al nostro legale per il recupero giudiziale del credito, con "
        "interessi e spese a Vostro carico e senza ulteriore avviso.",
        "nuestros requerimientos anteriores no han tenido respuesta. Si el importe total de %(total)s no se recibe "
        "%(deadline)s, el expediente pasará a nuestro abogado para la reclamación judicial del crédito, con intereses "
        "y costas a su cargo y sin más aviso.",
        "our earlier requests have remained without effect. Unless the total of %(total)s reaches us %(deadline)s, the "
        "matter will be handed over to our lawyer for recovery in court, with interest and costs at your expense and "
        "without further notice.",
    ),
    "dunning_paid": (
        "Se nel frattempo avete già provveduto al pagamento, Vi preghiamo di non tenere conto della presente.",
        "Si el pago ya ha sido efectuado, les rogamos no tener en cuenta este aviso.",
        "If you have already paid, please disregard this letter.",
    ),
    "dunning_contact": (
        "Per chiarimenti: %(contact)s.",
        "Para cualquier aclaración: %(contact)s.",
        "For any question: %(contact)s.",
    ),
    "due_total": ("Totale documenti", "Total documentos", "Total of documents"),
    "interest": ("Interessi", "Intereses", "Interest"),
    "interest_at": ("Interessi di mora al", "Intereses de mora al", "Default interest at"),
    "lump_sum": (
        "Risarcimento forfettario (art. 6 D.Lgs. 231/2002)",
        "Compensación fija (art. 6 D.Lgs. 231/2002)",
        "Fixed compensation (art. 6 D.Lgs. 231/2002)",
    ),
    "lump_sum_plain": ("Risarcimento forfettario", "Compensación fija", "Fixed compensation"),
    "fees": ("Spese", "Gastos", "Charges"),
    "bank_charges": ("Spese bancarie", "Gastos bancarios", "Bank charges"),
    "total_to_pay": ("Totale da pagare", "Total a pagar", "Total to pay"),
    "returned_item": ("Effetto restituito insoluto", "Efecto devuelto", "Returned unpaid"),
    "bank_reason": ("Motivo della banca", "Motivo del banco", "Bank's reason"),
    "previous_reminders": ("Solleciti precedenti", "Avisos anteriores", "Previous reminders"),
    "level": ("livello", "nivel", "level"),
    "pay_reference": ("Causale da indicare", "Referencia del pago", "Payment reference"),
    "how_to_pay": ("Coordinate per il pagamento", "Datos para el pago", "How to pay"),
}
