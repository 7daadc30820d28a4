"""One authority and one operator for all tests of receipts: keys take time."""

import pytest

from tests.delivery.pec.operators import Authority, Operator, new_authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    return new_authority()


@pytest.fixture(scope="session")
def operator(authority: Authority) -> Operator:
    return authority.operator(is_ec=False)
