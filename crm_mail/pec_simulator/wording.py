"""The Italian words of the receipts, after the technical rules and what operators write.

Italian is the language of PEC: nobody translates these. Programs must not read them: they read daticert.xml.
"""

from datetime import datetime

from crm_mail.pec_simulator.certification import Certification

TITLES = {
    "accettazione": "Ricevuta di accettazione",
    "non-accettazione": "Avviso di non accettazione",
    "presa-in-carico": "Ricevuta di presa in carico",
    "avvenuta-consegna": "Ricevuta di avvenuta consegna",
    "posta-certificata": "Messaggio di posta certificata",
    "errore-consegna": "Avviso di mancata consegna",
    "preavviso-errore-consegna": "Avviso di mancata consegna per superamento tempo massimo",
    "rilevazione-virus": "Problema di sicurezza",
}
PREFIXES = {
    "accettazione": "ACCETTAZIONE: ",
    "non-accettazione": "AVVISO DI NON ACCETTAZIONE: ",
    "presa-in-carico": "PRESA IN CARICO: ",
    "avvenuta-consegna": "CONSEGNA: ",
    "posta-certificata": "POSTA CERTIFICATA: ",
    "errore-consegna": "AVVISO DI MANCATA CONSEGNA: ",
    "preavviso-errore-consegna": "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: ",
    "rilevazione-virus": "PROBLEMA DI SICUREZZA: ",
}
VIRUS_PREFIXES = {
    "non-accettazione": "AVVISO DI NON ACCETTAZIONE PER VIRUS: ",
    "errore-consegna": "AVVISO DI MANCATA CONSEGNA PER VIRUS: ",
}
_KINDS = {True: '("posta certificata")', False: '("posta ordinaria")'}


def subject_of(certification: Certification) -> str:
    """The subject with the prefix of the technical rules."""
    prefix = PREFIXES[certification.type]
    if certification.error == "virus":
        prefix = VIRUS_PREFIXES.get(certification.type, prefix)
    return prefix + certification.subject


def text_of(certification: Certification) -> str:
    """The text that people read."""
    values = certification
    head = (
        f"-- {TITLES[values.type]} --\n\n{_when(values.at)} il messaggio con Oggetto\n"
        f'"{values.subject}" inviato da "{values.sender}"\n'
    )
    to = "ed indirizzato a:\n" + "\n".join(
        f"{address} {_KINDS[is_certified]}" for address, is_certified in values.recipients
    )
    outcome = {
        "accettazione": f"{to}\nè stato accettato dal sistema ed inoltrato.",
        "non-accettazione": f"{to}\nnon è stato accettato: è stato rilevato il seguente errore:\n"
        f"{values.error_detail}\nIl messaggio non verrà inoltrato.",
        "presa-in-carico": "ed indirizzato a:\n"
        + "\n".join(values.receptions)
        + "\nè stato preso in carico.",
        "avvenuta-consegna": f'ed indirizzato a "{values.delivery}"\nè stato consegnato nella casella di destinazione.',
        "posta-certificata": f"{to}\nè incluso in allegato (postacert.eml).",
        "errore-consegna": f'e destinato all\'utente "{values.delivery}"\nnon è stato consegnato: è stato rilevato il '
        f"seguente errore:\n{values.error_detail}\nIl messaggio è stato rifiutato dal sistema.",
        "preavviso-errore-consegna": f'e destinato all\'utente "{values.delivery}"\nnon è ancora stato consegnato:\n'
        f"{values.error_detail}",
        "rilevazione-virus": f"{to}\ncontiene un virus informatico:\n{values.error_detail}",
    }[values.type]
    return (
        f"{head}{outcome}\nIdentificativo del messaggio: {values.identifier}\n"
        "L'allegato daticert.xml contiene informazioni di servizio sulla trasmissione\n"
    )


def _when(at: datetime) -> str:
    return f"Il giorno {at:%d/%m/%Y} alle ore {at:%H:%M:%S} ({at:%z})"
