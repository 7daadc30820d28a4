"""All operators together: who manages which domain, and one issuer for each."""

from datetime import datetime

from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.issuer import Issuer
from crm_mail.pec_simulator.skins import ARUBA, SKINS, Skin


class Operators:
    """The directory of managed domains (AgID's IGPEC), and the operators that stand in it.

    Args:
        default: operator of domains that were added without one, and of senders whose domain nobody manages.
    """

    def __init__(self, authority: Authority, default: Skin = ARUBA) -> None:
        self.authority = authority
        self.default = default
        self._domains: dict[str, Skin] = {}
        self._issuers: dict[str, Issuer] = {}

    def manage(self, *domains: str, skin: Skin | str | None = None) -> None:
        """Puts domains into the directory: their addresses are PEC from now on."""
        chosen = SKINS[skin] if isinstance(skin, str) else skin or self.default
        for domain in domains:
            self._domains[domain.lower()] = chosen

    def is_certified(self, address: str) -> bool:
        """Whether the address's domain stands in the directory; a domain below a managed one does not."""
        return address.rpartition("@")[2].lower() in self._domains

    def issuer_for(self, address: str) -> Issuer:
        """The issuer of the operator that manages the address's domain."""
        return self.issuer(self._domains.get(address.rpartition("@")[2].lower(), self.default))

    def issuer(self, skin: Skin | str, starts_at: datetime | None = None) -> Issuer:
        """The issuer in this dress, made at its first use."""
        chosen = SKINS[skin] if isinstance(skin, str) else skin
        if chosen.name not in self._issuers:
            signer = self.authority.issue(chosen.address, organisation=chosen.provider, starts_at=starts_at)
            self._issuers[chosen.name] = Issuer(chosen, signer, self.is_certified)
        return self._issuers[chosen.name]
