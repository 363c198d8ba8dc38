"""What tables bear on, by their contracts: whose features are made of them, and which facts look them up."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.contracts.fact import OF_CONTACT, Entity, Link
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS, FACTS


def looked_up_by(table: str) -> Iterator[tuple[str, Link]]:
    """The tables of facts whose day or further columns stand in rows of a table, and the link to it."""
    for name, fact in FACTS.items():
        for link in fact.looked_up:
            if link.table == table:
                yield name, link


def owned_by(table: str) -> Iterator[tuple[str, Link]]:
    """The tables of facts whose owner, or what they leave blank, stands in rows of a table, and the link.

    The link goes by a column of theirs, to the table itself or on its way there.
    """
    for name, fact in FACTS.items():
        for link in fact.instead:
            if table in link.tables and CONTRACTS[name].column(link.column):
                yield name, link


def names_owners() -> frozenset[str]:
    """The tables that say whose a fact is where its own row does not."""
    return frozenset(table for table in CONTRACTS if any(owned_by(table)))


def touches_customers(contract: Contract) -> bool:
    """Whether a changed row changes what is known of customers."""
    looked_up = any(FACTS[table].of_customers for table, _ in looked_up_by(contract.table))
    of_customers = contract.fact is not None and contract.fact.of_customers
    return of_customers or contract.entity == "customer" or looked_up or names_persons(contract)


def names_persons(contract: Contract) -> bool:
    """Whether its rows say which customer a contact is, of whom facts hold under either name."""
    return contract.number == OF_CONTACT.key and any(fact.of_person for fact in FACTS.values())


def made_of(entity: Entity) -> tuple[str, ...]:
    """The tables that features and conditions of an entity are made of; of accounts those of customers too.

    What purchases are worth is no part of it: whoever's orders that changes is told by the orders.
    """
    found = {table for table, contract in CONTRACTS.items() if touches_customers(contract)}
    if entity == "account":
        found |= {table for table, contract in CONTRACTS.items() if contract.entity == entity}
        found |= FACTS.keys() | names_owners()
        for fact in FACTS.values():
            found |= {link.table for link in fact.looked_up}
            found |= {*fact.amounts.terms} if fact.amounts and not fact.purchase else set()
    return tuple(table for table in CONTRACTS if table in found)


def purchases() -> frozenset[str]:
    """The tables that purchases stand in, and those that say what they are worth."""
    found = {table: fact for table, fact in FACTS.items() if fact.purchase}
    return frozenset(found).union(*(fact.amounts.terms for fact in found.values() if fact.amounts))


def worth(table: str) -> frozenset[str]:
    """The tables that say what the facts of a table, or those that look it up, are worth."""
    names = [table] if table in FACTS else [name for name, _ in looked_up_by(table)]
    if any(FACTS[name].purchase for name in names):
        return purchases()
    return frozenset(term for name in names if (amounts := FACTS[name].amounts) for term in amounts.terms)
